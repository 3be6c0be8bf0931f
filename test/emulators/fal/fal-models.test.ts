import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EMULATOR_KEYS, type Emulator, type Emulators } from '#test/emulators/emulator.ts'
import { connectFal } from '#test/emulators/sdk-clients.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { ask, dataUri, plainPng } from '#test/emulators/wire-client.ts'
import { FAL_MODELS } from './fal-models.ts'
import { type FalRuns, falInput, falRuns } from './fal-runs.ts'

let emulators: Emulators
let fal: Emulator
let runs: FalRuns
/** Wide, 3:2. */
let picture: string

beforeAll(async () => {
  emulators = await startEmulators({ only: ['fal'] })
  fal = emulators.fal
  runs = falRuns(fal)
  picture = dataUri(await plainPng(96, 64))
})
afterAll(() => emulators.close())

const OPEN_EXTRAS = 'has_nsfw_concepts prompt seed timings'

/** What each endpoint makes of nothing but a prompt and, where it takes them, a picture of 96 by 64. */
const ENDPOINTS: readonly [string, string, string, string][] = [
  ['fal-ai/nano-banana-2', '1024x1024', 'image/png', 'description'],
  ['fal-ai/nano-banana-2/edit', '1264x848', 'image/png', 'description'],
  ['fal-ai/gemini-3.1-flash-image-preview', '1024x1024', 'image/png', 'description'],
  ['fal-ai/gemini-3.1-flash-image-preview/edit', '1264x848', 'image/png', 'description'],
  ['google/nano-banana-2.1', '1024x1024', 'image/png', 'description'],
  ['google/nano-banana-2.1/edit', '1264x848', 'image/png', 'description'],
  ['google/nano-banana-2-lite', '1024x1024', 'image/png', 'description'],
  ['google/nano-banana-2-lite/edit', '1264x848', 'image/png', 'description'],
  ['google/nano-banana-lite', '1024x1024', 'image/png', 'description'],
  ['google/nano-banana-lite/edit', '1264x848', 'image/png', 'description'],
  ['fal-ai/nano-banana-pro', '1024x1024', 'image/png', 'description'],
  ['fal-ai/nano-banana-pro/edit', '1264x848', 'image/png', 'description'],
  ['fal-ai/nano-banana', '1024x1024', 'image/png', 'description'],
  ['fal-ai/nano-banana/edit', '1248x832', 'image/png', 'description'],
  ['fal-ai/flux/schnell', '1024x768', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux/dev', '1024x768', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux/dev/image-to-image', '96x64', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux-pro/v1.1', '1024x768', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux-pro/kontext', '1248x832', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux-pro/kontext/multi', '1248x832', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux-pro/kontext/text-to-image', '1024x1024', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux-pro/kontext/max', '1248x832', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux-pro/kontext/max/multi', '1248x832', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux-pro/kontext/max/text-to-image', '1024x1024', 'image/jpeg', OPEN_EXTRAS],
  ['fal-ai/flux-2-pro', '1024x768', 'image/jpeg', 'seed'],
  ['fal-ai/flux-2-pro/edit', '96x64', 'image/jpeg', 'seed'],
  ['fal-ai/flux-2-max', '1024x768', 'image/jpeg', 'seed'],
  ['fal-ai/flux-2-max/edit', '96x64', 'image/jpeg', 'seed'],
  ['fal-ai/flux-2-flex', '1024x768', 'image/jpeg', 'seed'],
  ['fal-ai/flux-2-flex/edit', '96x64', 'image/jpeg', 'seed'],
  ['fal-ai/flux-2', '1024x768', 'image/png', OPEN_EXTRAS],
  ['fal-ai/flux-2/edit', '96x64', 'image/png', OPEN_EXTRAS],
  ['fal-ai/flux-2/klein/9b', '1024x768', 'image/png', OPEN_EXTRAS],
  ['fal-ai/flux-2/klein/9b/edit', '96x64', 'image/png', OPEN_EXTRAS],
  ['fal-ai/bytedance/seedream/v4/text-to-image', '2048x2048', 'image/png', 'seed'],
  ['fal-ai/bytedance/seedream/v4/edit', '2048x2048', 'image/png', 'seed'],
  ['fal-ai/bytedance/seedream/v4.5/text-to-image', '2048x2048', 'image/png', 'seed'],
  ['fal-ai/bytedance/seedream/v4.5/edit', '2048x2048', 'image/png', ''],
  ['bytedance/seedream/v5/lite/text-to-image', '2048x2048', 'image/png', 'seed'],
  ['bytedance/seedream/v5/lite/edit', '2512x1680', 'image/png', 'seed'],
  ['fal-ai/bytedance/seedream/v5/lite/text-to-image', '2048x2048', 'image/png', 'seed'],
  ['fal-ai/bytedance/seedream/v5/lite/edit', '2512x1680', 'image/png', 'seed'],
  ['fal-ai/qwen-image', '1024x768', 'image/png', OPEN_EXTRAS],
  ['fal-ai/qwen-image/image-to-image', '96x64', 'image/png', OPEN_EXTRAS],
  ['fal-ai/qwen-image-edit-2511', '96x64', 'image/png', OPEN_EXTRAS],
  ['fal-ai/gpt-image-1.5', '1024x1024', 'image/png', ''],
  ['fal-ai/gpt-image-1.5/edit', '1536x1024', 'image/png', ''],
  ['openai/gpt-image-2', '1024x768', 'image/png', ''],
  ['openai/gpt-image-2/edit', '96x64', 'image/png', ''],
  ['fal-ai/recraft/v4/text-to-image', 'undefinedxundefined', 'image/webp', ''],
  ['fal-ai/ideogram/v3', 'undefinedxundefined', 'image/png', 'seed'],
  ['fal-ai/ideogram/v3/edit', 'undefinedxundefined', 'image/png', 'seed'],
  ['fal-ai/ideogram/v3/remix', 'undefinedxundefined', 'image/png', 'seed'],
  ['xai/grok-imagine-image', '1024x1024', 'image/jpeg', 'revised_prompt'],
  ['xai/grok-imagine-image/edit', '1248x832', 'image/jpeg', 'revised_prompt'],
  ['fal-ai/z-image/turbo', '1024x768', 'image/png', OPEN_EXTRAS],
  ['fal-ai/z-image/turbo/image-to-image', '96x64', 'image/png', OPEN_EXTRAS],
]

describe('the endpoints of fal', () => {
  it('are all known to these tests', () => {
    expect(ENDPOINTS.map(([endpoint]) => endpoint)).toEqual(Object.keys(FAL_MODELS))
  })

  it.each(ENDPOINTS)(
    'serves %s through the official client',
    async (endpoint, size, type, extras) => {
      const { images, ...more } = await runs.run(endpoint, falInput(endpoint, picture))
      expect(images).toHaveLength(1)
      const { width, height, content_type } = images[0] ?? {}
      expect({ size: `${width}x${height}`, content_type }).toEqual({ size, content_type: type })
      expect(Object.keys(more).sort().join(' ')).toBe(extras)
    },
  )

  it.each(Object.keys(FAL_MODELS))('%s cannot do without a prompt', async (endpoint) => {
    expect(
      await runs.problemsOf(endpoint, { ...falInput(endpoint, picture), prompt: undefined }),
    ).toEqual(['prompt: missing'])
  })
})

describe('an answer of fal', () => {
  it('names what was asked for, and holds what its model is known to tell of a picture', async () => {
    const file = ['content_type', 'file_name', 'file_size', 'url']
    const fields = async (endpoint: string) =>
      Object.keys((await runs.run(endpoint, { prompt: 'x' })).images[0] ?? {}).sort()
    expect(await fields('fal-ai/flux/dev')).toEqual(['content_type', 'height', 'url', 'width'])
    expect(await fields('fal-ai/recraft/v4/text-to-image')).toEqual(file)
    expect(await fields('fal-ai/flux-2-pro')).toEqual([
      ...file.slice(0, 3),
      'height',
      'url',
      'width',
    ])
  })

  it('repeats the seed, or tells the one it took', async () => {
    const endpoint = 'fal-ai/flux-2-pro'
    expect((await runs.run(endpoint, { prompt: 'x', seed: 77 })).seed).toBe(77)
    expect((await runs.run(endpoint, { prompt: 'x' })).seed).toEqual(expect.any(Number))
  })

  it('holds as many pictures as asked, with a verdict for each', async () => {
    const answer = await runs.run('fal-ai/flux/schnell', { prompt: 'x', num_images: 3 })
    expect(answer.images).toHaveLength(3)
    expect(answer.has_nsfw_concepts).toEqual([false, false, false])
  })

  it('holds as many pictures as the model likes where it may make a series of each', async () => {
    const endpoint = 'bytedance/seedream/v5/lite/text-to-image'
    const lengthOf = async (input: object) =>
      (await runs.run(endpoint, { prompt: 'x', ...input })).images.length
    const prompts = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    const lengths = await Promise.all(prompts.map((prompt) => lengthOf({ prompt, max_images: 3 })))
    expect(new Set(lengths)).toEqual(new Set([1, 2, 3]))
    expect(await lengthOf({ num_images: 2 })).toBe(2)
    expect(await lengthOf({ num_images: 3, max_images: 2 })).toBeGreaterThan(3)
  })

  it('counts megapixels on the bill of models that are sold by them', async () => {
    const unitsOf = async (endpoint: string, input: Record<string, unknown>) => {
      const { queue } = connectFal(fal)
      const { response_url: url } = await queue.submit(endpoint, { input })
      const { headers } = await ask(url.replace('https://queue.fal.run', fal.url), {
        headers: { authorization: `Key ${EMULATOR_KEYS.fal}` },
      })
      return headers.get('x-fal-billable-units')
    }
    const large = { width: 2_048, height: 1_024 }
    expect(await unitsOf('fal-ai/flux/dev', { prompt: 'x', image_size: large })).toBe('2')
    expect(await unitsOf('fal-ai/nano-banana-pro', { prompt: 'xyz', resolution: '4K' })).toBe('2')
    expect(await unitsOf('fal-ai/recraft/v4/text-to-image', { prompt: 'x' })).toBe('1')
  })
})
