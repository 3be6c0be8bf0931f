import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CircuitRecord } from '#src/domain/provider-stats.ts'
import { addEvidence, CLOSED, closed, evidenceOf, isSilent, opened } from '#src/routing/circuit.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import { counts, SECOND } from './tracker-harness.ts'

const policy = DEFAULT_ROUTING_POLICY

/** How many in a row it takes to open. */
const toOpen = (usualSuccess: number, outcome: 'outage' | 'timeout'): number => {
  const evidence = evidenceOf(usualSuccess, policy)
  let sum = 0
  let count = 0
  while (sum < policy.openEvidence) {
    sum = addEvidence(sum, counts({ [outcome]: 1 }), evidence)
    count += 1
  }
  return count
}

describe('evidence that a provider is down', () => {
  it.each([
    ['gemini', 0.835, 7],
    ['fal', 0.923, 6],
    ['replicate', 0.36, 21],
  ])(
    'is enough at %s, which usually serves %d, after %d outages in a row',
    (_who, usual, count) => {
      expect(toOpen(usual, 'outage')).toBe(count)
    },
  )

  it.each([0, 0.36, 0.565, 0.835, 0.923, 1])(
    'is enough after three time-outs, whatever is usual (%d)',
    (usual) => {
      expect(toOpen(usual, 'timeout')).toBe(3)
    },
  )

  it('is a log likelihood ratio', () => {
    const up = 0.7 * 0.835
    expect(evidenceOf(0.835, policy)).toEqual({
      success: expect.closeTo(Math.log(0.05 / up), 9),
      outage: expect.closeTo(Math.log(0.95 / (1 - up)), 9),
      timeout: 2,
    })
  })

  it('takes no success rate for certain', () => {
    expect(evidenceOf(0, policy)).toEqual(evidenceOf(0.25, policy))
    expect(evidenceOf(1, policy)).toEqual(evidenceOf(0.98, policy))
  })

  it('never speaks for "up" in advance, nor less for "down" with more failures', () => {
    const amount = fc.nat(30)
    fc.assert(
      fc.property(amount, amount, amount, fc.double({ min: 0, max: 1, noNaN: true }), (...seen) => {
        const [success, outage, timeout, usual] = seen
        const evidence = evidenceOf(usual, policy)
        const part = counts({ success, outage, timeout })
        const sum = addEvidence(0, part, evidence)
        expect(sum).toBeGreaterThanOrEqual(0)
        const more = addEvidence(0, { ...part, outage: outage + 1 }, evidence)
        expect(more).toBeGreaterThanOrEqual(sum)
        expect(addEvidence(0, counts({ success: success + 1 }), evidence)).toBe(0)
      }),
    )
  })

  it('falls with each success', () => {
    const evidence = evidenceOf(0.835, policy)
    const three = addEvidence(0, counts({ timeout: 2 }), evidence)
    expect(addEvidence(three, counts({ success: 1 }), evidence)).toBeCloseTo(
      4 + evidence.success,
      9,
    )
    expect(addEvidence(three, counts({ success: 2 }), evidence)).toBe(0)
  })

  it('is nothing in answers without an image, refusals and rate limits', () => {
    const alive = counts({ empty: 50, refused: 50, rate_limited: 50 })
    expect(addEvidence(1, alive, evidenceOf(0.835, policy))).toBe(1)
  })
})

describe('silence', () => {
  const latency = { logMean: Math.log(26_026), sigma: 0.334 }
  /** Attempts begun together, now as old as `ageMs`, the last completion `silentMs` ago. */
  const silentAfter = (count: number, ageMs: number, silentMs = ageMs, replicas = 1) => {
    const waiting = Array.from({ length: count }, () => ({ begunMs: 1e6 - ageMs, latency }))
    return isSilent(waiting, 1e6 - silentMs, 1e6, replicas, policy)
  }

  it('of ten attempts that should long have ended is telling', () => {
    expect(silentAfter(10, 60 * SECOND)).toBe(true)
    expect(silentAfter(10, 10 * SECOND)).toBe(false)
  })

  it('tells nothing with fewer than three in flight', () => {
    expect(silentAfter(2, 1_000 * SECOND, 1_000 * SECOND, 100)).toBe(false)
    expect(silentAfter(6, 1_000 * SECOND)).toBe(true)
    expect(silentAfter(5, 1_000 * SECOND)).toBe(false)
  })

  it('tells nothing so shortly after a completion', () => {
    expect(silentAfter(100, 40 * SECOND, 4.9 * SECOND)).toBe(false)
    expect(silentAfter(100, 40 * SECOND, 5.1 * SECOND)).toBe(true)
  })

  it('counts only what surprises since the last completion', () => {
    expect(silentAfter(6, 100 * SECOND, 100 * SECOND)).toBe(true)
    expect(silentAfter(6, 100 * SECOND, 10 * SECOND)).toBe(false)
  })

  it('tells more the more gateways see it', () => {
    expect(silentAfter(3, 60 * SECOND)).toBe(false)
    expect(silentAfter(3, 60 * SECOND, 60 * SECOND, 3)).toBe(true)
  })
})

describe('the circuit', () => {
  it('opens for 10, 20, then 30 s, however often', () => {
    let circuit: CircuitRecord = CLOSED
    const openMs: number[] = []
    for (let index = 0; index < 2_000; index += 1) {
      circuit = opened(circuit, 500, 0.5, policy)
      openMs.push(circuit.untilMs - circuit.sinceMs)
    }
    expect(openMs.slice(0, 5)).toEqual([10_000, 20_000, 30_000, 30_000, 30_000])
    expect(openMs.at(-1)).toBe(30_000)
  })

  it('opens for up to a tenth more or less', () => {
    expect(opened(CLOSED, 0, 0, policy).untilMs).toBeCloseTo(9_000, 6)
    expect(opened(CLOSED, 0, 1, policy).untilMs).toBeCloseTo(11_000, 6)
  })

  it('counts its openings until it closes', () => {
    const once = opened(CLOSED, 7, 0.5, policy)
    expect(once).toEqual({ state: 'open', sinceMs: 7, untilMs: 10_007, openings: 1 })
    expect(opened(once, 8, 0.5, policy).openings).toBe(2)
    expect(closed(9)).toEqual({ state: 'closed', sinceMs: 9, untilMs: 0, openings: 0 })
  })
})
