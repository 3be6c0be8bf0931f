import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { dataUri, plainPng } from '#test/emulators/wire-client.ts'
import { PROMPT, type ReplicateRuns, replicateInput, replicateRuns } from './replicate-runs.ts'

let emulators: Emulators
let replicate: Emulator
let runs: ReplicateRuns
/** Wide, 3:2. */
let picture: string

beforeAll(async () => {
  emulators = await startEmulators({ only: ['replicate'] })
  replicate = emulators.replicate
  runs = replicateRuns(replicate)
  picture = dataUri(await plainPng(96, 64))
})
afterEach(() => replicate.setScenario({}))
afterAll(() => emulators.close())

describe("the strictness of Replicate's models", () => {
  const many = (count: number) => Array.from({ length: count }, () => picture)

  it.each<[string, string, Record<string, unknown>, string[]]>([
    [
      'a number that is too large',
      'black-forest-labs/flux-schnell',
      { num_outputs: 5 },
      ['input.num_outputs: number_lte'],
    ],
    [
      'a number that is too small',
      'prunaai/z-image-turbo',
      { width: 32 },
      ['input.width: number_gte'],
    ],
    [
      'more steps than there are',
      'black-forest-labs/flux-schnell',
      { num_inference_steps: 5 },
      ['input.num_inference_steps: number_lte'],
    ],
    [
      'guidance out of range',
      'black-forest-labs/flux-2-flex',
      { guidance: 1 },
      ['input.guidance: number_gte'],
    ],
    [
      'a tolerance as text',
      'black-forest-labs/flux-2-pro',
      { safety_tolerance: '2' },
      ['input.safety_tolerance: invalid_type'],
    ],
    [
      'a tier without its unit',
      'black-forest-labs/flux-2-pro',
      { resolution: '1' },
      ['input.resolution: enum'],
    ],
    [
      'a ratio of others',
      'black-forest-labs/flux-2-pro',
      { aspect_ratio: '21:9' },
      ['input.aspect_ratio: enum'],
    ],
    ['a tier of others', 'bytedance/seedream-4.5', { size: '1K' }, ['input.size: enum']],
    [
      'jpg for jpeg',
      'bytedance/seedream-5-lite',
      { output_format: 'jpg' },
      ['input.output_format: enum'],
    ],
    [
      'jpeg for jpg',
      'black-forest-labs/flux-dev',
      { output_format: 'jpeg' },
      ['input.output_format: enum'],
    ],
    [
      'a WebP of Kontext',
      'black-forest-labs/flux-kontext-pro',
      { output_format: 'webp' },
      ['input.output_format: enum'],
    ],
    [
      'a list for one picture',
      'xai/grok-imagine-image',
      { image: ['https://x'] },
      ['input.image: invalid_type'],
    ],
    [
      'one picture for a list',
      'openai/gpt-image-2',
      { input_images: 'https://x' },
      ['input.input_images: invalid_type'],
    ],
    ['no picture to edit', 'qwen/qwen-image-edit-2511', { image: undefined }, ['input: required']],
    [
      'what is no address',
      'xai/grok-imagine-image',
      { image: 'picture.png' },
      ['input.image: format'],
    ],
    [
      'a seed beyond 31 bits',
      'ideogram-ai/ideogram-v3-quality',
      { seed: 2 ** 31 },
      ['input.seed: number_lte'],
    ],
    [
      'a prompt too long',
      'recraft-ai/recraft-v4',
      { prompt: 'x'.repeat(10_001) },
      ['input.prompt: string_lte'],
    ],
    [
      'two things at once',
      'openai/gpt-image-1.5',
      { quality: 'best', number_of_images: 11 },
      ['input.number_of_images: number_lte', 'input.quality: enum'],
    ],
  ])('refuses %s (%s)', async (_, model, input, expected) => {
    expect(await runs.problemsOf(model, { ...replicateInput(model, picture), ...input })).toEqual(
      expected,
    )
  })

  it.each([
    ['black-forest-labs/flux-2-pro', 'input_images', 8],
    ['black-forest-labs/flux-2-flex', 'input_images', 10],
    ['black-forest-labs/flux-2-dev', 'input_images', 4],
    ['black-forest-labs/flux-2-klein-9b', 'images', 5],
    ['bytedance/seedream-4', 'image_input', 10],
    ['bytedance/seedream-5-lite', 'image_input', 14],
    ['google/nano-banana-pro', 'image_input', 14],
  ])('%s takes no more pictures in %s than %i', async (model, field, most) => {
    const input = { prompt: PROMPT, [field]: many(most + 1) }
    expect(await runs.problemsOf(model, input)).toEqual([`input.${field}: array_max_items`])
    expect((await runs.run(model, { prompt: PROMPT, [field]: many(most) })).status).toBe(
      'succeeded',
    )
  })

  it.each<[string, string, (picture: string) => Record<string, unknown>, string]>([
    [
      'a tolerance above two beside a picture',
      'black-forest-labs/flux-kontext-pro',
      (image) => ({ input_image: image, safety_tolerance: 6 }),
      'safety_tolerance must be at most 2',
    ],
    [
      'a picture without a mask',
      'ideogram-ai/ideogram-v3-turbo',
      (image) => ({ image }),
      'image and mask have to be given together',
    ],
    ...['flux-1.1-pro', 'flux-2-pro', 'flux-2-dev'].map(
      (model): [string, string, () => Record<string, unknown>, string] => [
        `a custom size without its sides at ${model}`,
        `black-forest-labs/${model}`,
        () => ({ aspect_ratio: 'custom', width: 640 }),
        'height has to be given with a custom size',
      ],
    ),
    [
      'sixteen pictures in and out',
      'bytedance/seedream-4.5',
      (image) => ({ image_input: [image], max_images: 15 }),
      'must not exceed 15',
    ],
  ])('fails with %s', async (_, model, more, text) => {
    const { status, error } = await runs.run(model, { prompt: PROMPT, ...more(picture) })
    expect({ status, error }).toEqual({ status: 'failed', error: expect.stringContaining(text) })
  })

  it('takes the highest tolerance without a picture', async () => {
    const input = { prompt: PROMPT, safety_tolerance: 6 }
    expect((await runs.run('black-forest-labs/flux-kontext-pro', input)).status).toBe('succeeded')
  })

  it('ignores what a schema does not have, unless told to refuse it', async () => {
    const input = { prompt: PROMPT, output_format: 'png' }
    expect(await runs.picturesOf('xai/grok-imagine-image', input)).toEqual(['jpeg 1024x1024'])
    replicate.setScenario({ rejectUnknownInput: true })
    expect(await runs.problemsOf('xai/grok-imagine-image', input)).toEqual([
      'input: additional_property_not_allowed',
    ])
  })
})
