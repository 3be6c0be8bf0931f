import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { dataUri, plainPng } from '#test/emulators/wire-client.ts'
import { REPLICATE_MODELS } from './replicate-models.ts'
import { PROMPT, type ReplicateRuns, replicateInput, replicateRuns } from './replicate-runs.ts'

let emulators: Emulators
let runs: ReplicateRuns
/** Wide, 3:2. */
let picture: string

beforeAll(async () => {
  emulators = await startEmulators({ only: ['replicate'] })
  runs = replicateRuns(emulators.replicate)
  picture = dataUri(await plainPng(96, 64))
})
afterAll(() => emulators.close())

/** What each model makes of nothing but a prompt, and whether it tells so in a list. */
const MODELS: readonly [string, string, 'list' | 'string'][] = [
  ['google/nano-banana-2', 'jpeg 1024x1024', 'string'],
  ['google/nano-banana-2-lite', 'jpeg 1024x1024', 'string'],
  ['google/nano-banana-pro', 'jpeg 2048x2048', 'string'],
  ['google/nano-banana', 'jpeg 1024x1024', 'string'],
  ['black-forest-labs/flux-schnell', 'webp 1024x1024', 'list'],
  ['black-forest-labs/flux-dev', 'webp 1024x1024', 'list'],
  ['black-forest-labs/flux-1.1-pro', 'webp 1024x1024', 'string'],
  ['black-forest-labs/flux-kontext-pro', 'png 1024x1024', 'string'],
  ['black-forest-labs/flux-kontext-max', 'png 1024x1024', 'string'],
  ['black-forest-labs/flux-2-pro', 'webp 1024x1024', 'string'],
  ['black-forest-labs/flux-2-max', 'webp 1024x1024', 'string'],
  ['black-forest-labs/flux-2-flex', 'webp 1024x1024', 'string'],
  ['black-forest-labs/flux-2-dev', 'webp 1024x1024', 'string'],
  ['black-forest-labs/flux-2-klein-9b', 'jpeg 1024x1024', 'list'],
  ['bytedance/seedream-4', 'jpeg 2048x2048', 'list'],
  ['bytedance/seedream-4.5', 'jpeg 2048x2048', 'list'],
  ['bytedance/seedream-5-lite', 'png 2048x2048', 'list'],
  ['qwen/qwen-image', 'webp 1664x928', 'list'],
  ['qwen/qwen-image-edit-2511', 'webp 1248x832', 'list'],
  ['openai/gpt-image-1.5', 'webp 1024x1024', 'list'],
  ['openai/gpt-image-2', 'webp 1024x1024', 'list'],
  ['recraft-ai/recraft-v4', 'webp 1024x1024', 'string'],
  ['ideogram-ai/ideogram-v3-turbo', 'png 1024x1024', 'string'],
  ['ideogram-ai/ideogram-v3-balanced', 'png 1024x1024', 'string'],
  ['ideogram-ai/ideogram-v3-quality', 'png 1024x1024', 'string'],
  ['xai/grok-imagine-image', 'jpeg 1024x1024', 'string'],
  ['prunaai/z-image-turbo', 'jpeg 1024x1024', 'string'],
]

describe('the models of Replicate', () => {
  it('are all known to these tests', () => {
    expect(MODELS.map(([model]) => model)).toEqual(Object.keys(REPLICATE_MODELS))
  })

  it.each(MODELS)('serves %s through the official client', async (model, made, shape) => {
    const { output } = await runs.run(model, replicateInput(model, picture))
    expect(Array.isArray(output) ? 'list' : typeof output).toBe(shape)
    expect(await runs.picturesOf(model, replicateInput(model, picture))).toEqual([made])
  })

  it.each(MODELS)('%s cannot do without a prompt', async (model) => {
    expect(
      await runs.problemsOf(model, { ...replicateInput(model, picture), prompt: undefined }),
    ).toEqual(['input: required'])
  })

  it.each<[string, Record<string, unknown>, string[]]>([
    ['google/nano-banana', { aspect_ratio: '21:9', output_format: 'png' }, ['png 1536x672']],
    ['google/nano-banana-pro', { aspect_ratio: '16:9', resolution: '1K' }, ['jpeg 1376x768']],
    [
      'black-forest-labs/flux-schnell',
      { aspect_ratio: '16:9', megapixels: '0.25', num_outputs: 2 },
      ['webp 672x384', 'webp 672x384'],
    ],
    [
      'black-forest-labs/flux-1.1-pro',
      { aspect_ratio: 'custom', width: 500, height: 700 },
      ['webp 512x704'],
    ],
    ['black-forest-labs/flux-kontext-max', { aspect_ratio: '2:1' }, ['png 1456x720']],
    [
      'black-forest-labs/flux-2-max',
      { aspect_ratio: '16:9', resolution: '4 MP', output_format: 'jpg' },
      ['jpeg 2048x1152'],
    ],
    [
      'black-forest-labs/flux-2-klein-9b',
      { aspect_ratio: '9:21', megapixels: '0.25' },
      ['jpeg 336x784'],
    ],
    ['bytedance/seedream-4', { aspect_ratio: '4:3' }, ['jpeg 2304x1728']],
    ['bytedance/seedream-4', { size: 'custom', width: 1_024, height: 1_500 }, ['jpeg 1024x1500']],
    [
      'bytedance/seedream-4.5',
      { sequential_image_generation: 'disabled', max_images: 3 },
      ['jpeg 2048x2048'],
    ],
    ['qwen/qwen-image', { aspect_ratio: '1:1', output_format: 'png' }, ['png 1328x1328']],
    [
      'openai/gpt-image-1.5',
      { aspect_ratio: '3:2', number_of_images: 2 },
      ['webp 1536x1024', 'webp 1536x1024'],
    ],
    [
      'openai/gpt-image-2',
      { aspect_ratio: '2048x1152', output_format: 'jpeg' },
      ['jpeg 2048x1152'],
    ],
    ['recraft-ai/recraft-v4', { size: '1536x768' }, ['webp 1536x768']],
    ['recraft-ai/recraft-v4', { aspect_ratio: '9:16', size: '1536x768' }, ['webp 768x1344']],
    ['ideogram-ai/ideogram-v3-turbo', { aspect_ratio: '16:9' }, ['png 1312x736']],
    [
      'ideogram-ai/ideogram-v3-turbo',
      { aspect_ratio: '16:9', resolution: '512x1536' },
      ['png 512x1536'],
    ],
    ['xai/grok-imagine-image', { aspect_ratio: '19.5:9' }, ['jpeg 1504x688']],
    ['prunaai/z-image-turbo', { width: 640, height: 384, output_format: 'webp' }, ['webp 640x384']],
  ])('%s takes %o', async (model, input, made) => {
    expect(await runs.picturesOf(model, { prompt: PROMPT, ...input })).toEqual(made)
  })

  it('makes as many of a series as the model likes, where it may', async () => {
    const wish = { sequential_image_generation: 'auto', max_images: 3 }
    const prompts = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    const made = await Promise.all(
      prompts.map((prompt) => runs.picturesOf('bytedance/seedream-4.5', { prompt, ...wish })),
    )
    expect(new Set(made.map(({ length }) => length))).toEqual(new Set([1, 2, 3]))
  })

  it.each<[string, string, string]>([
    ['black-forest-labs/flux-dev', 'image', 'webp 1248x832'],
    ['black-forest-labs/flux-kontext-pro', 'input_image', 'png 1248x832'],
    ['black-forest-labs/flux-2-klein-9b', 'images', 'jpeg 1024x1024'],
    ['google/nano-banana', 'image_input', 'jpeg 1248x832'],
    ['bytedance/seedream-4.5', 'image_input', 'jpeg 2496x1664'],
    ['openai/gpt-image-2', 'input_images', 'webp 1024x1024'],
    ['xai/grok-imagine-image', 'image', 'jpeg 1248x832'],
  ])('%s edits what stands in %s', async (model, field, made) => {
    const isList = REPLICATE_MODELS[model]?.fields[field]?.type === 'strings'
    const input = { prompt: PROMPT, [field]: isList ? [picture] : picture }
    expect(await runs.picturesOf(model, input)).toEqual([made])
  })
})
