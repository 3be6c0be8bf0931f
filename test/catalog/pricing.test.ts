import { describe, expect, it } from 'vitest'
import { priceWork, startingPriceUsd } from '#src/catalog/pricing.ts'
import type { ResolutionTier } from '#src/domain/media.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

const { offerings } = readFirstModelFile()
const offeringOf = (provider: string) => {
  const found = offerings.find((offering) => offering.provider === provider)
  if (!found) throw new Error(provider)
  return found
}

describe('prices', () => {
  it.each<[string, ResolutionTier, number]>([
    ['gemini', '0.5K', 45_000],
    ['gemini', '1K', 67_000],
    ['vertex', '2K', 101_000],
    ['vertex', '4K', 151_000],
    ['fal', '0.5K', 60_000],
    ['fal', '1K', 80_000],
    ['fal', '2K', 120_000],
    ['fal', '4K', 160_000],
    ['replicate', '1K', 67_000],
    ['replicate', '2K', 101_000],
    ['replicate', '4K', 151_000],
    ['replicate', '0.5K', 67_000],
  ])('%s makes a %s image for %i micro-USD', (provider, resolution, expected) => {
    expect(priceWork(offeringOf(provider), { images: 1, resolution, parameters: {} })).toBe(
      expected,
    )
  })

  it('adds tokens at the Google surfaces, thoughts as text', () => {
    const usage = { inputTokens: 1120, outputTokens: 1300, outputImageTokens: 1120 }
    const work = { images: 1, resolution: '1K' as const, parameters: {}, usage }
    expect(priceWork(offeringOf('gemini'), work)).toBe(67_000 + 560 + 540)
  })

  it('adds surcharges per request at fal', () => {
    const parameters = { enable_web_search: true, thinking_level: 'high' }
    expect(priceWork(offeringOf('fal'), { images: 2, resolution: '1K', parameters })).toBe(
      160_000 + 15_000 + 2_000,
    )
  })

  it('knows the lowest price', () => {
    expect(startingPriceUsd(offerings)).toBe(0.045)
  })
})
