import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { dataUri, plainPng } from '#test/emulators/wire-client.ts'
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
afterEach(() => fal.setScenario({}))
afterAll(() => emulators.close())

describe('the strictness of fal', () => {
  const many = (count: number) => Array.from({ length: count }, () => picture)

  it.each<[string, string, Record<string, unknown>, string[]]>([
    [
      'a name of a size that is none',
      'fal-ai/flux/dev',
      { image_size: '1:1' },
      ['image_size: one_of'],
    ],
    [
      'a ratio instead of a size',
      'fal-ai/flux/dev',
      { image_size: 1 },
      ['image_size: value_error'],
    ],
    [
      'a side outside of the limits',
      'fal-ai/flux-2',
      { image_size: { width: 256, height: 512 } },
      ['image_size: value_error'],
    ],
    [
      'too few pixels',
      'fal-ai/bytedance/seedream/v4/text-to-image',
      { image_size: { width: 512, height: 512 } },
      ['image_size: value_error'],
    ],
    [
      'a size of Seedream 4.5 below 2K',
      'fal-ai/bytedance/seedream/v4.5/text-to-image',
      { image_size: { width: 1_024, height: 1_024 } },
      ['image_size: value_error'],
    ],
    [
      'a size off the grid of 16',
      'openai/gpt-image-2',
      { image_size: { width: 1_000, height: 1_024 } },
      ['image_size: value_error'],
    ],
    [
      'a ratio of four to one',
      'openai/gpt-image-2',
      { image_size: { width: 2_048, height: 512 } },
      ['image_size: value_error'],
    ],
    ['auto without images', 'openai/gpt-image-2', { image_size: 'auto' }, ['image_size: one_of']],
    [
      'a size of another GPT Image',
      'fal-ai/gpt-image-1.5',
      { image_size: '2048x2048' },
      ['image_size: one_of'],
    ],
    ['the quality auto', 'fal-ai/gpt-image-1.5', { quality: 'auto' }, ['quality: one_of']],
    [
      'too many steps',
      'fal-ai/z-image/turbo',
      { num_inference_steps: 9 },
      ['num_inference_steps: less_than_equal'],
    ],
    [
      'too few steps',
      'fal-ai/flux-2',
      { num_inference_steps: 1 },
      ['num_inference_steps: greater_than_equal'],
    ],
    ['too many images', 'fal-ai/flux-2', { num_images: 5 }, ['num_images: less_than_equal']],
    [
      'seven generations',
      'fal-ai/bytedance/seedream/v4.5/text-to-image',
      { num_images: 7 },
      ['num_images: less_than_equal'],
    ],
    [
      'a strength of nothing',
      'fal-ai/z-image/turbo/image-to-image',
      { strength: 0 },
      ['strength: greater_than'],
    ],
    [
      'the sixth tolerance',
      'fal-ai/flux-2-pro',
      { safety_tolerance: '6' },
      ['safety_tolerance: one_of'],
    ],
    [
      'a tolerance as a number',
      'fal-ai/flux-2-pro',
      { safety_tolerance: 2 },
      ['safety_tolerance: one_of'],
    ],
    [
      'a WebP of FLUX.1',
      'fal-ai/flux/schnell',
      { output_format: 'webp' },
      ['output_format: one_of'],
    ],
    ['jpg', 'fal-ai/flux-2', { output_format: 'jpg' }, ['output_format: one_of']],
    [
      'a ratio of the narrow kind',
      'fal-ai/nano-banana-pro',
      { aspect_ratio: '8:1' },
      ['aspect_ratio: one_of'],
    ],
    [
      'auto of the first model',
      'fal-ai/nano-banana',
      { aspect_ratio: 'auto' },
      ['aspect_ratio: one_of'],
    ],
    ['half a K of 2.1', 'google/nano-banana-2.1', { resolution: '0.5K' }, ['resolution: one_of']],
    [
      'thinking of another kind',
      'fal-ai/nano-banana-2',
      { thinking_level: 'medium' },
      ['thinking_level: one_of'],
    ],
    ['a tier in capitals', 'xai/grok-imagine-image', { resolution: '2K' }, ['resolution: one_of']],
    [
      'four images of Grok',
      'xai/grok-imagine-image/edit',
      { image_urls: ['', '', '', ''] },
      ['image_urls: too_long'],
    ],
    [
      'five images of klein',
      'fal-ai/flux-2/klein/9b/edit',
      { image_urls: ['', '', '', '', ''] },
      ['image_urls: too_long'],
    ],
    [
      'one text for a list',
      'fal-ai/flux-2-pro/edit',
      { image_urls: 'https://x' },
      ['image_urls: value_error'],
    ],
    ['a prompt too short', 'openai/gpt-image-2', { prompt: 'x' }, ['prompt: string_too_short']],
    [
      'a prompt too long',
      'xai/grok-imagine-image',
      { prompt: 'x'.repeat(8_001) },
      ['prompt: string_too_long'],
    ],
    [
      'colours that are none',
      'fal-ai/recraft/v4/text-to-image',
      { colors: ['#fff'] },
      ['colors: value_error'],
    ],
    [
      'a channel beyond 255',
      'fal-ai/recraft/v4/text-to-image',
      { background_color: { r: 256 } },
      ['background_color: value_error'],
    ],
    [
      'the speed in small letters',
      'fal-ai/ideogram/v3',
      { rendering_speed: 'turbo' },
      ['rendering_speed: one_of'],
    ],
    [
      'two things at once',
      'fal-ai/flux-2',
      { num_images: 0, seed: 'x' },
      ['num_images: greater_than_equal', 'seed: value_error'],
    ],
  ])('refuses %s (%s)', async (_, endpoint, input, expected) => {
    expect(await runs.problemsOf(endpoint, { ...falInput(endpoint, picture), ...input })).toEqual(
      expected,
    )
  })

  it.each([
    ['fal-ai/flux-pro/kontext', 'image_url'],
    ['fal-ai/flux-pro/kontext/multi', 'image_urls'],
    ['fal-ai/flux-2-pro/edit', 'image_urls'],
    ['fal-ai/bytedance/seedream/v4.5/edit', 'image_urls'],
    ['fal-ai/qwen-image-edit-2511', 'image_urls'],
    ['fal-ai/gpt-image-1.5/edit', 'image_urls'],
    ['openai/gpt-image-2/edit', 'image_urls'],
    ['google/nano-banana-2.1/edit', 'image_urls'],
    ['fal-ai/nano-banana-2/edit', 'image_urls'],
    ['fal-ai/z-image/turbo/image-to-image', 'image_url'],
  ])('%s cannot do without %s', async (endpoint, field) => {
    expect(await runs.problemsOf(endpoint, { prompt: 'A dog' })).toEqual([`${field}: missing`])
  })

  it('tells of a picture that cannot be read where it stands', async () => {
    const broken = `data:image/png;base64,${Buffer.from('no picture').toString('base64')}`
    expect(
      await runs.problemsOf('fal-ai/flux-2-pro/edit', {
        prompt: 'x',
        image_urls: [picture, broken],
      }),
    ).toEqual(['image_urls.1: image_load_error'])
    expect(
      await runs.problemsOf('fal-ai/flux-pro/kontext', { prompt: 'x', image_url: broken }),
    ).toEqual(['image_url: image_load_error'])
    expect(
      await runs.problemsOf('openai/gpt-image-2/edit', {
        prompt: 'xy',
        image_urls: [picture],
        mask_url: 'https://127.0.0.1:1/none.png',
      }),
    ).toEqual(['mask_url: file_download_error'])
  })

  it('looks at the first four or the last ten pictures where its page says so', async () => {
    const tall = dataUri(await plainPng(64, 96))
    const four = { prompt: 'x', image_urls: [tall, ...many(5)] }
    expect((await runs.run('fal-ai/flux-2/edit', four)).images[0]).toMatchObject({ width: 64 })
    const ten = { prompt: 'x', image_urls: [tall, ...many(10)], image_size: 'auto_2K' }
    const { images } = await runs.run('fal-ai/bytedance/seedream/v4/edit', ten)
    expect(images[0]).toMatchObject({ width: 2_512, height: 1_680 })
  })

  it('takes no more than fifteen pictures in and out', async () => {
    const input = { prompt: 'x', image_urls: many(10), max_images: 6 }
    expect(await runs.problemsOf('fal-ai/bytedance/seedream/v4.5/edit', input)).toEqual([
      'max_images: value_error',
    ])
  })

  it('ignores what a schema does not have, unless told to refuse it', async () => {
    const input = { prompt: 'x', num_images: 4 }
    expect((await runs.run('fal-ai/flux-2-pro', input)).images).toHaveLength(1)
    fal.setScenario({ rejectUnknownInput: true })
    expect(await runs.problemsOf('fal-ai/flux-2-pro', input)).toEqual([
      'num_images: extra_forbidden',
    ])
  })
})
