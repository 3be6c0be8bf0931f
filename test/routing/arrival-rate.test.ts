import { describe, expect, it } from 'vitest'
import { ArrivalRate } from '#src/routing/arrival-rate.ts'

const HALF_LIFE = 900_000

/** One arrival every `everyMs`, from `fromMs` on. */
const feed = (rate: ArrivalRate, everyMs: number, fromMs: number, toMs: number): void => {
  for (let atMs = fromMs; atMs <= toMs; atMs += everyMs) rate.add(atMs)
}

describe('the arrival rate', () => {
  it('is none before the first arrival', () => {
    const rate = new ArrivalRate(5_000, HALF_LIFE)
    expect([rate.perMs(5_000), rate.perMs(10_000)]).toEqual([0, 0])
  })

  it.each([100, 1_000, 60_000])('of one every %d ms is known soon after the start', (everyMs) => {
    const rate = new ArrivalRate(0, HALF_LIFE)
    feed(rate, everyMs, everyMs, 600_000)
    expect(rate.perMs(600_000) * everyMs).toBeCloseTo(1, 1)
  })

  it('follows a change within a few half-lives', () => {
    const rate = new ArrivalRate(0, HALF_LIFE)
    feed(rate, 1_000, 0, 4 * HALF_LIFE)
    feed(rate, 10_000, 4 * HALF_LIFE, 5 * HALF_LIFE)
    expect(rate.perMs(5 * HALF_LIFE) * 1_000).toBeCloseTo(0.55, 1)
    feed(rate, 10_000, 5 * HALF_LIFE, 12 * HALF_LIFE)
    expect(rate.perMs(12 * HALF_LIFE) * 1_000).toBeCloseTo(0.1, 1)
  })

  it('fades when nothing comes', () => {
    const rate = new ArrivalRate(0, HALF_LIFE)
    feed(rate, 1_000, 0, 20 * HALF_LIFE)
    const before = rate.perMs(20 * HALF_LIFE)
    expect(rate.perMs(21 * HALF_LIFE) / before).toBeCloseTo(0.5, 3)
  })
})
