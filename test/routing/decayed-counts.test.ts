import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noCounts } from '#src/domain/provider-stats.ts'
import { DecayedCounts } from '#src/routing/decayed-counts.ts'
import { counts, successes } from './tracker-harness.ts'

const HALF_LIFE = 100

describe('decayed counts', () => {
  it('begin with nothing', () => {
    expect(new DecayedCounts(0).at(500, HALF_LIFE)).toEqual(noCounts())
  })

  it('lose half of every sum each half-life', () => {
    const sums = new DecayedCounts(0)
    const seen = { ...successes(8, 20_000), outage: 4, failureMs: 12_000, refused: 2 }
    sums.add(seen, 0, 0, HALF_LIFE)
    expect(sums.at(0, HALF_LIFE)).toEqual(seen)
    expect(sums.at(2 * HALF_LIFE, HALF_LIFE)).toEqual({
      ...successes(2, 20_000),
      outage: 1,
      failureMs: 3_000,
      refused: 0.5,
    })
  })

  it('weigh what arrives late as if it had come in time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ atMs: fc.nat(1_000), delayMs: fc.nat(1_000), success: fc.nat(9) }), {
          maxLength: 12,
        }),
        (seen) => {
          const endMs = 2_000
          const sums = new DecayedCounts(0)
          const byArrival = seen
            .map((entry) => ({ ...entry, knownMs: entry.atMs + entry.delayMs }))
            .sort((left, right) => left.knownMs - right.knownMs)
          for (const { atMs, knownMs, success } of byArrival) {
            sums.add(counts({ success }), atMs, knownMs, HALF_LIFE)
          }
          const exact = seen.reduce(
            (sum, { atMs, success }) => sum + success * 2 ** (-(endMs - atMs) / HALF_LIFE),
            0,
          )
          expect(sums.at(endMs, HALF_LIFE).success).toBeCloseTo(exact, 9)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('do not grow when the clock of another gateway is ahead', () => {
    const sums = new DecayedCounts(0)
    sums.add(counts({ success: 4 }), 1_000, 0, HALF_LIFE)
    expect(sums.at(0, HALF_LIFE).success).toBe(4)
    expect(sums.at(-50, HALF_LIFE).success).toBe(4)
  })

  it('can be forgotten', () => {
    const sums = new DecayedCounts(0)
    sums.add(counts({ success: 4 }), 0, 0, HALF_LIFE)
    sums.clear(10)
    expect(sums.at(20, HALF_LIFE)).toEqual(noCounts())
  })
})
