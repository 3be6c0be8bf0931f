import { describe, expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { EDITS, GENERATIONS } from '#test/helpers/start-test-gateway.ts'

const gateway = await gatewayOfFile()

const generate = async (provider: string, part: object) => {
  const body = { model: `${provider}/${FIRST_MODEL}`, prompt: 'a lighthouse', ...part }
  const answer = await gateway.post(GENERATIONS, body)
  expect([answer.status, answer.body.metadata?.provider]).toEqual([200, provider])
  return answer.body
}

describe('the cost of an edit whose size is that of its image', () => {
  it.each<[string, number, number, number]>([
    // One first megapixel and three more, and four of the input.
    ['fal/flux-2-pro', 2_048, 2_048, 0.135],
    ['fal/flux-2-dev', 2_048, 2_048, 0.096],
    ['fal/qwen-image-edit-2511', 2_048, 2_048, 0.12],
    ['fal/gpt-image-2', 3_840, 2_160, 0.41],
    ['fal/gpt-image-2', 2_160, 3_840, 0.41],
    ['fal/gpt-image-1.5', 1_536, 1_024, 0.199],
  ])('at %s of %dx%d is %d USD, before and after', async (model, width, height, cost) => {
    const picture = (await makePicture('png', { width, height })).toString('base64')
    const body = { model, prompt: 'a lighthouse', image: `data:image/png;base64,${picture}` }
    const estimate = await gateway.post(`${EDITS}?dryRun=true`, body)
    const answer = await gateway.post(EDITS, body)
    expect([answer.body.size, estimate.body.total_cost_micros, answer.body.metadata?.cost]).toEqual(
      [`${width}x${height}`, cost * 1e6, cost],
    )
  })
})

describe('the cost of an answer', () => {
  it.each<[string, object, number]>([
    ['fal', {}, 0.08],
    ['fal', { resolution: '0.5K' }, 0.06],
    ['fal', { n: 3, resolution: '0.5K', enable_web_search: true }, 0.195],
    ['fal', { n: 6, resolution: '0.5K', thinking_level: 'high' }, 0.364],
    ['replicate', {}, 0.067],
    ['replicate', { n: 2, resolution: '1K' }, 0.134],
  ])('at %s of %j is %d USD', async (provider, part, cost) => {
    expect((await generate(provider, part)).metadata).toMatchObject({ cost, cost_currency: 'USD' })
  })

  it.each(['gemini', 'vertex'])(
    'at %s is that of the images and of all tokens besides',
    async (id) => {
      const { usage, metadata } = await generate(id, { resolution: '0.5K' })
      const input = Math.round(usage.input_tokens * 0.5)
      const text = Math.round(usage.output_tokens_details.text_tokens * 3)
      expect(input).toBeGreaterThan(0)
      expect(metadata.cost).toBe((45_000 + input + text) / 1e6)
    },
  )
})
