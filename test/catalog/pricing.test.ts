import { describe, expect, it } from 'vitest'
import { priceComponents, priceWork, startingPriceUsd } from '#src/catalog/pricing.ts'
import { RESOLUTION_TIERS, type ResolutionTier } from '#src/domain/media.ts'
import type { Mode } from '#src/domain/model-card.ts'
import type { Offering, PriceRule } from '#src/domain/offering.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

const { offerings } = readFirstModelFile()
const offeringOf = (provider: string, mode: Mode = 'text_to_image'): Offering => {
  const found = offerings.find((each) => each.provider === provider && each.modes.includes(mode))
  if (!found) throw new Error(provider)
  return found
}

/** Micro-USD of one image by tier, 0.5K to 4K, as published. Replicate makes no 0.5K: the nearest is priced. */
const GOLDEN = {
  gemini: [45_000, 67_000, 101_000, 151_000],
  vertex: [45_000, 67_000, 101_000, 151_000],
  fal: [60_000, 80_000, 120_000, 160_000],
  replicate: [67_000, 67_000, 101_000, 151_000],
} as const

const GOLDEN_ROWS = Object.entries(GOLDEN).flatMap(([provider, prices]) =>
  (['text_to_image', 'image_edit'] as const).flatMap((mode) =>
    RESOLUTION_TIERS.map((tier, index) => [provider, mode, tier, prices[index] as number] as const),
  ),
)

describe('prices of the first model', () => {
  it.each(GOLDEN_ROWS)('%s, %s, %s: %i micro-USD an image', (provider, mode, resolution, price) => {
    const offering = offeringOf(provider, mode)
    const work = { resolution, parameters: {} }
    expect(priceWork(offering, { ...work, images: 1 })).toBe(price)
    expect(priceWork(offering, { ...work, images: 10 })).toBe(10 * price)
  })

  it.each(['gemini', 'vertex'])('adds tokens at %s, thoughts as text', (provider) => {
    const usage = { inputTokens: 1120, outputTokens: 1300, outputImageTokens: 1120 }
    const work = { images: 1, resolution: '1K' as const, parameters: {}, usage }
    expect(priceWork(offeringOf(provider), work)).toBe(67_000 + 560 + 540)
    const detailed = { ...usage, outputTextTokens: 100, thoughtTokens: 80 }
    expect(priceWork(offeringOf(provider), { ...work, usage: detailed })).toBe(67_000 + 560 + 540)
  })

  it.each<[Record<string, unknown>, number]>([
    [{}, 160_000],
    [{ enable_web_search: false, thinking_level: 'minimal' }, 160_000],
    [{ enable_web_search: true }, 175_000],
    [{ thinking_level: 'high' }, 162_000],
    [{ enable_web_search: true, thinking_level: 'high' }, 177_000],
  ])('adds surcharges once per call at fal: %j', (parameters, price) => {
    for (const mode of ['text_to_image', 'image_edit'] as const) {
      const work = { images: 2, resolution: '1K' as const, parameters: parameters as never }
      expect(priceWork(offeringOf('fal', mode), work)).toBe(price)
    }
  })

  it('asks for no surcharge elsewhere', () => {
    const parameters = { google_search: true, thinking_level: 'high' }
    for (const provider of ['gemini', 'vertex', 'replicate']) {
      const work = { images: 1, resolution: '1K' as const, parameters }
      expect(priceWork(offeringOf(provider), work)).toBe(67_000)
    }
  })

  it.each(['gemini', 'vertex'])('keeps the batch prices of %s as data', (provider) => {
    expect(offeringOf(provider).prices).toMatchObject([
      {
        metric: 'output_image',
        batchUsdByResolution: { '0.5K': 0.022, '1K': 0.034, '2K': 0.05, '4K': 0.076 },
      },
      { metric: 'input_token', usd: 0.5, batchUsd: 0.25 },
      { metric: 'output_text_token', usd: 3, batchUsd: 1.5 },
    ])
  })

  it('knows the lowest price', () => {
    expect(startingPriceUsd(offerings)).toBe(0.045)
  })
})

describe('prices by token of each modality', () => {
  const perMillion = (metric: PriceRule['metric'], usd: number, part = {}): PriceRule => ({
    metric,
    unit: 'million_tokens',
    usd,
    ...part,
  })
  const offering: Offering = {
    ...offeringOf('replicate'),
    prices: [
      perMillion('input_text_token', 5),
      perMillion('input_image_token', 8),
      perMillion('output_image_token', 30, { tokensByResolution: { '1K': 1_000, '4K': 4_000 } }),
    ],
  }
  const work = { images: 2, resolution: '1K' as ResolutionTier, parameters: {} }

  it('are what the provider counted', () => {
    const usage = { inputTokens: 120, inputImageTokens: 100, outputImageTokens: 2_500 }
    const components = priceComponents(offering, { ...work, usage })
    expect(components.map(({ rule, total }) => [rule.metric, total])).toEqual([
      ['input_text_token', 100],
      ['input_image_token', 800],
      ['output_image_token', 75_000],
    ])
  })

  it('are what images of the tier usually have, before they are made', () => {
    expect(priceWork(offering, work)).toBe(60_000)
    expect(priceWork(offering, { ...work, resolution: '4K' })).toBe(240_000)
    expect(priceWork(offering, { ...work, resolution: '2K' })).toBe(60_000)
  })

  it('take output tokens that are not split for image tokens', () => {
    expect(priceWork(offering, { ...work, usage: { outputTokens: 1_000 } })).toBe(30_000)
  })

  it('have a lowest price too', () => {
    expect(startingPriceUsd([offering])).toBe(0.03)
  })
})

describe('prices by what is made', () => {
  const priced = (...prices: PriceRule[]): Offering => ({ ...offeringOf('fal'), prices })
  const square = { width: 1024, height: 1024 }
  const work = { images: 2, resolution: '1K', parameters: {} } as const

  it('counts megapixels of each image, begun ones whole', () => {
    const offering = priced({ metric: 'output_megapixel', unit: 'megapixel', usd: 0.003 })
    expect(priceWork(offering, { ...work, pixels: square })).toBe(6_000)
    expect(priceWork(offering, { ...work, pixels: { width: 1040, height: 1024 } })).toBe(12_000)
    expect(priceWork(offering, { ...work, resolution: '2K' })).toBe(24_000)
    expect(startingPriceUsd([offering])).toBe(0.003)
  })

  it('takes the first megapixel at its own price, and counts those of input images', () => {
    const output = {
      metric: 'output_megapixel',
      unit: 'megapixel',
      usd: 0.015,
      firstUsd: 0.03,
    } as const
    const input = { metric: 'input_megapixel', unit: 'megapixel', usd: 0.015 } as const
    const large = { width: 2048, height: 1024 }
    expect(priceWork(priced(output), { ...work, pixels: large })).toBe(2 * 45_000)
    const both = { ...work, pixels: square, inputPixels: [large, square] }
    expect(priceWork(priced(output, input), both)).toBe(2 * 30_000 + 3 * 15_000)
    expect(startingPriceUsd([priced(output)])).toBe(0.03)
  })

  it('adds what each call costs to the lowest price of an image, but no surcharge', () => {
    const output = { metric: 'output_megapixel', unit: 'megapixel', usd: 0.02 } as const
    const call = { metric: 'request', unit: 'request', usd: 0.01 } as const
    const surcharge = { ...call, usd: 5, when: { enable_web_search: true } }
    expect(startingPriceUsd([priced(output, call, surcharge)])).toBe(0.03)
  })

  it('takes the price of the nearest size, under conditions of several values or none', () => {
    const prices = (usd: number) => ({ '1024x1024': usd, '1536x1024': usd * 2 })
    const image = { metric: 'output_image', unit: 'image' } as const
    const offering = priced(
      { ...image, usdBySize: prices(0.01), when: { quality: 'low' } },
      { ...image, usdBySize: prices(0.1), when: { quality: ['high', 'hd', null] } },
    )
    const one = { images: 1, resolution: '1K', pixels: square } as const
    expect(priceWork(offering, { ...one, parameters: { quality: 'low' } })).toBe(10_000)
    expect(priceWork(offering, { ...one, parameters: { quality: 'hd' } })).toBe(100_000)
    expect(priceWork(offering, { ...one, parameters: {} })).toBe(100_000)
    const wide = { ...one, pixels: { width: 1600, height: 1024 } }
    expect(priceWork(offering, { ...wide, parameters: {} })).toBe(200_000)
  })
})
