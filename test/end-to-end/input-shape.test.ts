import { describe, expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { EDITS, GENERATIONS } from '#test/helpers/start-test-gateway.ts'

const gateway = await gatewayOfFile()
const picture = (await makePicture('png', { width: 640, height: 360 })).toString('base64')
const image = `data:image/png;base64,${picture}`

const edit = async (model: string, part: object = {}) => {
  const { body } = await gateway.post(EDITS, { model, prompt: 'a lighthouse', image, ...part })
  const [width = 0, height = 1] = String(body.size).split('x').map(Number)
  return { ratio: width / height, warnings: body.warnings }
}
const sent = () => {
  const call = gateway.emulators.replicate.calls.find(({ kind }) => kind === 'create')
  return (call?.body as { input: Record<string, unknown> } | undefined)?.input
}

describe('an edit that asks for no shape keeps that of its image', () => {
  it.each(['flux-2-pro', 'flux-2-max', 'flux-2-flex', 'flux-2-dev', 'flux-2-klein-9b'])(
    'at Replicate by %s',
    async (model) => {
      for (const part of [{}, { aspect_ratio: 'auto' }, { size: 'auto' }]) {
        const { ratio, warnings } = await edit(`replicate/${model}`, part)
        expect(ratio).toBeCloseTo(16 / 9, 1)
        expect(warnings).toBeUndefined()
      }
      expect((await edit(`replicate/${model}`, { aspect_ratio: '1:1' })).ratio).toBe(1)
    },
  )

  it('also when it asks for a scale', async () => {
    for (const model of ['fal/flux-2-pro', 'fal/flux-2-dev', 'replicate/flux-2-dev']) {
      expect((await edit(model, { resolution: '2K' })).ratio).toBeCloseTo(16 / 9, 1)
    }
  })

  it('by the nearest ratio that GPT Image 1.5 has at Replicate', async () => {
    for (const part of [{}, { aspect_ratio: 'auto' }, { size: 'auto' }]) {
      const { ratio, warnings } = await edit('replicate/gpt-image-1.5', part)
      expect([ratio, warnings]).toEqual([1.5, undefined])
      expect(sent()).toMatchObject({ aspect_ratio: '3:2' })
      gateway.emulators.replicate.clearCalls()
    }
    expect((await edit('replicate/gpt-image-1.5', { aspect_ratio: '2:3' })).ratio).toBeCloseTo(
      2 / 3,
    )
    expect((await edit('replicate/gpt-image-1.5', { resolution: '1K' })).ratio).toBe(1.5)
    gateway.emulators.replicate.clearCalls()
    await gateway.post(GENERATIONS, { model: 'replicate/gpt-image-1.5', prompt: 'a lighthouse' })
    expect(sent()).toEqual({ prompt: 'a lighthouse', number_of_images: 1 })
  })

  it('by letting GPT Image 2 decide at Replicate', async () => {
    await edit('replicate/gpt-image-2')
    expect(sent()).toMatchObject({ aspect_ratio: 'auto' })
  })
})

it('a ratio of "custom" is sent with the sides that it stands for, and not without', async () => {
  const generate = (part: object) =>
    gateway.post(GENERATIONS, { model: 'replicate/flux-2-dev', prompt: 'a lighthouse', ...part })
  await generate({})
  expect(sent()).toEqual({ prompt: 'a lighthouse' })
  gateway.emulators.replicate.clearCalls()
  await generate({ size: '1024x768' })
  expect(sent()).toEqual({
    prompt: 'a lighthouse',
    width: 1_024,
    height: 768,
    aspect_ratio: 'custom',
  })
})
