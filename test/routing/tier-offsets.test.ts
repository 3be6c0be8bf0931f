import { describe, expect, it } from 'vitest'
import type { ResolutionTier } from '#src/domain/media.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import {
  learnOffsets,
  offsetOf,
  type ShapeSums,
  shapeOf,
  type TierOffsets,
} from '#src/routing/tier-offsets.ts'
import { cellAt, successes } from './tracker-harness.ts'

const policy = DEFAULT_ROUTING_POLICY
const seen = (
  provider: string,
  tier: ResolutionTier,
  count: number,
  ms: number,
  mode: 'text_to_image' | 'image_edit' = 'text_to_image',
): ShapeSums => ({
  provider,
  shape: shapeOf({ mode, tier }),
  tier,
  slow: successes(count, ms),
})
const settled = (sums: readonly ShapeSums[], rounds = 3_000): TierOffsets => {
  let offsets: TierOffsets = new Map()
  for (let round = 0; round < rounds; round += 1) offsets = learnOffsets(sums, offsets, policy)
  return offsets
}
const factorOf = (offsets: TierOffsets, tier: ResolutionTier, mode?: 'image_edit'): number =>
  Math.exp(offsetOf(offsets, cellAt('gemini', tier, mode), policy))

describe('what larger pictures take more', () => {
  it.each([
    ['0.5K', 0.85],
    ['1K', 1],
    ['2K', 1.25],
    ['4K', 1.6],
  ] as const)('is taken from the policy at %s before any was seen: %d', (tier, factor) => {
    expect(factorOf(new Map(), tier)).toBeCloseTo(factor, 9)
    const only = [seen('gemini', tier, 50, 30_000)]
    expect(factorOf(settled(only), tier)).toBeCloseTo(factor, 9)
  })

  it('is learnt from providers that were seen at both scales', () => {
    const sums = [
      seen('gemini', '1K', 400, 20_000),
      seen('gemini', '4K', 400, 50_000),
      seen('fal', '1K', 400, 40_000),
      seen('fal', '4K', 400, 100_000),
    ]
    expect(factorOf(settled(sums), '4K')).toBeCloseTo(2.5, 1)
  })

  it('is confirmed at 1.6 where it is 1.6', () => {
    const sums = [seen('gemini', '1K', 50, 20_000), seen('gemini', '4K', 50, 32_000)]
    expect(factorOf(settled(sums), '4K')).toBeCloseTo(1.6, 9)
  })

  it('is believed more the more was seen', () => {
    const factors = [1, 10, 100, 1_000].map((count) => {
      const sums = [seen('gemini', '1K', 5_000, 20_000), seen('gemini', '4K', count, 60_000)]
      return factorOf(settled(sums), '4K')
    })
    expect(factors).toEqual([...factors].sort((left, right) => left - right))
    expect(factors[0]).toBeLessThan(1.9)
    expect(factors[3]).toBeCloseTo(3, 1)
  })

  it('is not taken from comparing one provider with another', () => {
    const sums = [seen('gemini', '1K', 400, 20_000), seen('fal', '4K', 400, 200_000)]
    expect(factorOf(settled(sums), '4K')).toBeCloseTo(1.6, 9)
  })

  it('is learnt for edits as well', () => {
    const sums = [
      seen('gemini', '1K', 400, 20_000),
      seen('gemini', '1K', 400, 30_000, 'image_edit'),
    ]
    expect(factorOf(settled(sums), '1K', 'image_edit')).toBeCloseTo(1.5, 1)
    expect(factorOf(settled(sums), '1K')).toBe(1)
  })

  it('comes to rest, also where the reference was never seen', () => {
    const sums = [seen('gemini', '2K', 900, 30_000), seen('gemini', '4K', 900, 60_000)]
    const [once, twice] = [settled(sums), settled(sums, 3_001)]
    expect(factorOf(twice, '2K')).toBeCloseTo(factorOf(once, '2K'), 6)
    expect(factorOf(once, '4K') / factorOf(once, '2K')).toBeCloseTo(2, 1)
    expect(factorOf(once, '2K')).toBeGreaterThan(1)
    expect(factorOf(once, '4K')).toBeLessThan(3)
  })
})
