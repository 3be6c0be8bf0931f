/** Parameters besides the prompt, and what they cost in micro-USD. */
export type PricedRequest = readonly [parameters: Readonly<Record<string, unknown>>, price: number]

/** Of one model at one provider. Edits have one input image of less than a megapixel, unless `images` says more. */
export interface GoldenPrices {
  readonly generate?: readonly PricedRequest[]
  readonly edit?: readonly PricedRequest[]
}

const both = (rows: readonly PricedRequest[]): GoldenPrices => ({ generate: rows, edit: rows })

const tiers = (prices: Readonly<Record<string, number>>): PricedRequest[] =>
  Object.entries(prices).map(([resolution, price]) => [{ resolution }, price])

const flat = (price: number): PricedRequest[] => [
  [{}, price],
  [{ n: 2 }, 2 * price],
]

const NANO_BANANA_2 = both([
  ...flat(67_000),
  ...tiers({ '0.5K': 45_000, '1K': 67_000, '2K': 101_000, '4K': 151_000 }),
])
const NANO_BANANA_2_1 = both([
  ...flat(33_600),
  ...tiers({ '0.5K': 33_600, '1K': 33_600, '2K': 50_400, '4K': 113_000 }),
])
const NANO_BANANA_PRO = both([
  ...flat(134_000),
  ...tiers({ '1K': 134_000, '2K': 134_000, '4K': 240_000 }),
])
const NANO_BANANA_2_LITE = both([...flat(33_600), [{ resolution: '4K' }, 33_600]])

const gptImage15 = (sizes: Readonly<Record<string, readonly number[]>>): PricedRequest[] =>
  Object.entries(sizes).flatMap(([size, [low = 0, medium = 0, high = 0]]): PricedRequest[] => [
    [{ size, quality: 'low' }, low],
    [{ size, quality: 'medium' }, medium],
    [{ size, quality: 'standard' }, medium],
    [{ size, quality: 'high' }, high],
    [{ size, quality: 'hd' }, high],
    [{ size, quality: 'auto' }, high],
    [{ size }, high],
  ])

const GPT_IMAGE_2_SIZES: Readonly<Record<string, readonly number[]>> = {
  '1024x768': [10_000, 40_000, 150_000],
  '1024x1024': [10_000, 60_000, 220_000],
  '1024x1536': [10_000, 50_000, 170_000],
  '1920x1080': [10_000, 40_000, 160_000],
  '2560x1440': [10_000, 60_000, 230_000],
  '3840x2160': [20_000, 110_000, 410_000],
  // Not in fal's table: 397, 3,568 and 14,272 tokens at 30 USD a million, rounded up to the cent as all of it is.
  '2048x2048': [20_000, 110_000, 430_000],
  '2880x2880': [20_000, 180_000, 720_000],
  '1536x1536': [10_000, 80_000, 310_000],
  '2048x1536': [10_000, 70_000, 270_000],
  '3264x2448': [20_000, 130_000, 520_000],
  '3072x2048': [20_000, 100_000, 390_000],
  '3456x2304': [20_000, 120_000, 460_000],
  // A picture costs as much upright as it does lying.
  '768x1024': [10_000, 40_000, 150_000],
  '1536x1024': [10_000, 50_000, 170_000],
  '1440x2560': [10_000, 60_000, 230_000],
  '2160x3840': [20_000, 110_000, 410_000],
}

/**
 * What the gateway has to reckon, by model and provider. Copied by hand from the price lists that the model files name,
 * never from the files themselves: a slip of either shows.
 */
export const GOLDEN_PRICES: Readonly<Record<string, Readonly<Record<string, GoldenPrices>>>> = {
  'gemini-3.1-flash-image-preview': {
    gemini: NANO_BANANA_2,
    vertex: NANO_BANANA_2,
    fal: both([
      ...flat(80_000),
      ...tiers({ '0.5K': 60_000, '1K': 80_000, '2K': 120_000, '4K': 160_000 }),
      [{ enable_web_search: true }, 95_000],
      [{ thinking_level: 'high' }, 82_000],
      [{ n: 5, enable_web_search: true }, 430_000],
    ]),
    replicate: both([
      ...flat(67_000),
      ...tiers({ '0.5K': 67_000, '1K': 67_000, '2K': 101_000, '4K': 151_000 }),
    ]),
  },
  'gemini-nano-banana-2.1': {
    gemini: NANO_BANANA_2_1,
    vertex: NANO_BANANA_2_1,
    fal: both([...flat(40_000), ...tiers({ '1K': 40_000, '2K': 59_000, '4K': 134_000 })]),
  },
  'gemini-3.1-flash-lite-image': {
    gemini: NANO_BANANA_2_LITE,
    vertex: NANO_BANANA_2_LITE,
    fal: both(flat(42_000)),
  },
  'gemini-3-pro-image': {
    gemini: NANO_BANANA_PRO,
    vertex: NANO_BANANA_PRO,
    fal: both([
      ...flat(150_000),
      ...tiers({ '1K': 150_000, '2K': 150_000, '4K': 300_000 }),
      [{ enable_web_search: true }, 165_000],
    ]),
    replicate: both([...flat(150_000), ...tiers({ '1K': 150_000, '2K': 150_000, '4K': 300_000 })]),
  },
  'gemini-2.5-flash-image': {
    gemini: both(flat(39_000)),
    vertex: both(flat(39_000)),
    fal: both(flat(39_000)),
    replicate: both(flat(39_000)),
  },
  'flux-1-schnell': {
    fal: {
      generate: [...flat(3_000), [{ size: '512x512' }, 3_000], [{ size: '1440x1440' }, 6_000]],
    },
    replicate: { generate: [...flat(3_000), [{ resolution: '0.5K' }, 3_000]] },
  },
  'flux-1-dev': {
    fal: { generate: [...flat(25_000), [{ size: '1440x1440' }, 50_000]] },
    replicate: { generate: flat(25_000) },
  },
  'flux-1.1-pro': {
    fal: { generate: [...flat(40_000), [{ size: '1440x1440' }, 80_000]] },
    replicate: { generate: flat(40_000) },
  },
  'flux-1-kontext-pro': { fal: both(flat(40_000)), replicate: both(flat(40_000)) },
  'flux-1-kontext-max': { fal: both(flat(80_000)), replicate: both(flat(80_000)) },
  'flux-2-pro': {
    fal: {
      generate: [...flat(30_000), [{ size: '1920x1080' }, 45_000], [{ size: '2048x2048' }, 75_000]],
      edit: [
        [{}, 45_000],
        [{ images: 2 }, 60_000],
        [{ n: 2 }, 90_000],
      ],
    },
    replicate: {
      generate: [...flat(30_000), [{ resolution: '2K' }, 75_000]],
      edit: [
        [{}, 45_000],
        [{ images: 2 }, 60_000],
        [{ n: 2 }, 90_000],
      ],
    },
  },
  'flux-2-max': {
    fal: {
      generate: [...flat(70_000), [{ size: '2048x2048' }, 160_000]],
      edit: [
        [{}, 100_000],
        [{ images: 3 }, 160_000],
      ],
    },
    replicate: both([...flat(70_000), [{ resolution: '2K' }, 160_000]]),
  },
  'flux-2-flex': {
    fal: {
      generate: [
        ...flat(50_000),
        [{ size: '1920x1080' }, 100_000],
        [{ size: '2048x2048' }, 200_000],
      ],
      edit: [[{}, 100_000]],
    },
    replicate: both([...flat(60_000), [{ resolution: '2K' }, 240_000]]),
  },
  'flux-2-dev': {
    fal: {
      generate: [...flat(12_000), [{ size: '2048x2048' }, 48_000]],
      edit: [
        [{}, 24_000],
        [{ images: 4 }, 60_000],
      ],
    },
    replicate: {
      generate: [
        ...flat(12_000),
        [{ size: '1440x1440' }, 24_000],
        [{ go_fast: true }, 12_000],
        [{ go_fast: false }, 14_000],
        [{ go_fast: false, size: '1440x1440' }, 28_000],
      ],
      edit: [
        [{}, 24_000],
        [{ go_fast: false }, 28_000],
        [{ go_fast: false, images: 2 }, 42_000],
      ],
    },
  },
  'flux-2-klein-9b': {
    fal: {
      generate: [...flat(6_000), [{ size: '2048x2048' }, 24_000]],
      edit: [
        [{}, 22_000],
        [{ images: 2 }, 33_000],
      ],
    },
    replicate: {
      generate: [...flat(15_000), ...tiers({ '0.5K': 3_750, '1K': 15_000, '2K': 60_000 })],
      edit: [[{}, 17_000]],
    },
  },
  'seedream-4': { fal: both(flat(30_000)), replicate: both(flat(30_000)) },
  'seedream-4.5': { fal: both(flat(40_000)), replicate: both(flat(40_000)) },
  'seedream-5-lite': { fal: both(flat(35_000)), replicate: both(flat(35_000)) },
  'qwen-image': {
    fal: { generate: [...flat(20_000), [{ size: '2048x2048' }, 80_000]] },
    replicate: { generate: flat(25_000) },
  },
  'qwen-image-edit-2511': { fal: { edit: flat(30_000) }, replicate: { edit: flat(30_000) } },
  'gpt-image-1.5': {
    fal: both(
      gptImage15({
        '1024x1024': [9_000, 34_000, 133_000],
        '1536x1024': [13_000, 50_000, 199_000],
        '1024x1536': [13_000, 51_000, 200_000],
      }),
    ),
    replicate: both(
      gptImage15({
        '1024x1024': [13_000, 50_000, 136_000],
        '1536x1024': [13_000, 50_000, 136_000],
      }),
    ),
  },
  'gpt-image-2': {
    fal: {
      generate: [[{}, 150_000], ...gptImage15(GPT_IMAGE_2_SIZES)],
      // The size is the input image's, of 16:10, which the price of 3:2 is nearest to.
      edit: [[{}, 170_000], ...gptImage15(GPT_IMAGE_2_SIZES)],
    },
    replicate: both(
      gptImage15({
        '1024x1024': [12_000, 47_000, 128_000],
        '3840x2160': [12_000, 47_000, 128_000],
      }),
    ),
  },
  'recraft-v4': { fal: { generate: flat(40_000) }, replicate: { generate: flat(40_000) } },
  'ideogram-v3': {
    fal: {
      generate: [
        ...flat(60_000),
        [{ rendering_speed: 'TURBO' }, 30_000],
        [{ rendering_speed: 'BALANCED' }, 60_000],
        [{ rendering_speed: 'QUALITY' }, 90_000],
        [{ quality: 'low' }, 30_000],
        [{ quality: 'medium' }, 60_000],
        [{ quality: 'standard' }, 60_000],
        [{ quality: 'auto' }, 60_000],
        [{ quality: 'high' }, 90_000],
        [{ quality: 'hd' }, 90_000],
        [{ quality: 'hd', rendering_speed: 'TURBO' }, 30_000],
      ],
    },
    replicate: {
      generate: [
        ...flat(60_000),
        [{ rendering_speed: 'TURBO' }, 30_000],
        [{ rendering_speed: 'BALANCED' }, 60_000],
        [{ rendering_speed: 'QUALITY', n: 2 }, 180_000],
        [{ quality: 'low' }, 30_000],
        [{ quality: 'standard' }, 60_000],
        [{ quality: 'auto' }, 60_000],
        [{ quality: 'hd' }, 90_000],
        [{ quality: 'hd', rendering_speed: 'TURBO' }, 30_000],
      ],
    },
  },
  'grok-imagine-image': {
    fal: { generate: [...flat(20_000), [{ resolution: '2K' }, 20_000]], edit: flat(22_000) },
    replicate: both(flat(20_000)),
  },
  'z-image-turbo': {
    fal: { generate: [...flat(5_000), [{ size: '2048x2048' }, 20_000]] },
    replicate: {
      generate: [...flat(5_000), ...tiers({ '0.5K': 2_500, '1K': 5_000, '2K': 10_000 })],
    },
  },
}
