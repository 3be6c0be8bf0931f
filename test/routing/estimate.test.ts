import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noCounts, type OutcomeCounts } from '#src/domain/provider-stats.ts'
import { type Evidence, estimate, type Prior, priorOf } from '#src/routing/estimate.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import { counts, priorFor, successes } from './tracker-harness.ts'

const policy = DEFAULT_ROUTING_POLICY
const nothing = (): Evidence => ({
  fast: noCounts(),
  slow: noCounts(),
  late: 0,
  siblings: { fast: noCounts(), slow: noCounts() },
  tierOffset: 0,
})
const estimateFrom = (prior: Prior, part: Partial<Evidence> = {}) =>
  estimate(prior, { ...nothing(), ...part }, policy)
const failures = (count: number, failureMs = 0): OutcomeCounts =>
  counts({ empty: count, failureMs: count * failureMs })
const both = (...parts: OutcomeCounts[]): OutcomeCounts =>
  parts.reduce(
    (sum, part) =>
      counts(
        Object.fromEntries(
          Object.entries(part).map(([name, value]) => [
            name,
            value + sum[name as keyof OutcomeCounts],
          ]),
        ),
      ),
    noCounts(),
  )

const GEMINI = priorFor('gemini')
const UNKNOWN = priorOf(undefined, policy)

describe('the prior', () => {
  it('is what the model file says, worth 30 trials at most', () => {
    expect(GEMINI).toEqual({
      successRate: 0.835,
      successTrials: 30,
      logLatency: Math.log(26_026),
      sigma: expect.closeTo(0.334, 3),
      latencyTrials: 30,
      failureTrials: 3,
      longestTimeoutMs: 120_000,
    })
  })

  it('is worth no more trials than its figures were taken from', () => {
    const performance = { p50Ms: 100, p95Ms: 200, meanMs: 110, successRate: 0.5, requests: 7 }
    const firstByte = { timeToFirstByteP50Ms: 100, timeToFirstByteP95Ms: 200 }
    const prior = priorOf({ ...performance, ...firstByte }, policy)
    expect([prior.successTrials, prior.latencyTrials]).toEqual([7, 7])
  })

  it('without figures is a weak guess', () => {
    expect(UNKNOWN).toEqual({
      successRate: 0.7,
      successTrials: 1.5,
      logLatency: Math.log(35_000),
      sigma: 0.5,
      latencyTrials: 0.5,
      failureTrials: 0.5,
      longestTimeoutMs: 120_000,
    })
  })

  it('allows the p95 of an offering that is slower than the longest time-out', () => {
    const performance = { p50Ms: 9e4, p95Ms: 2e5, meanMs: 1e5, successRate: 0.9, requests: 90 }
    const firstByte = { timeToFirstByteP50Ms: 9e4, timeToFirstByteP95Ms: 2e5 }
    expect(priorOf({ ...performance, ...firstByte }, policy).longestTimeoutMs).toBe(200_000)
  })
})

describe('the estimate', () => {
  it('is the prior before anything was seen', () => {
    expect(estimateFrom(GEMINI)).toEqual({
      success: expect.closeTo(0.835, 9),
      usualSuccess: expect.closeTo(0.835, 9),
      latency: { logMean: expect.closeTo(Math.log(26_026), 9), sigma: expect.closeTo(0.334, 3) },
      failureMs: expect.closeTo(15_000, 6),
      timeoutMs: expect.closeTo(67_660, -2),
    })
    expect(estimateFrom(UNKNOWN)).toMatchObject({
      success: expect.closeTo(0.7, 9),
      failureMs: 15_000,
    })
  })

  it.each([
    ['gemini', 68],
    ['fal', 120],
    ['replicate', 85],
    ['vertex', 120],
  ] as const)('gives an attempt at %s %d s', (provider, seconds) => {
    expect(Math.round(estimateFrom(priorFor(provider)).timeoutMs / 1_000)).toBe(seconds)
  })

  it('gives no attempt less than 20 s nor more than 120 s', () => {
    const quick = estimateFrom(GEMINI, { slow: successes(900, 50), fast: successes(90, 50) })
    expect(quick.timeoutMs).toBe(20_000)
    const slow = estimateFrom(GEMINI, { slow: successes(900, 3e5), fast: successes(90, 3e5) })
    expect(slow.timeoutMs).toBe(120_000)
  })

  it('weighs what was seen lately against six trials of what is usual', () => {
    const slow = both(successes(50, 26_026), failures(20))
    const fast = both(successes(4, 26_026), failures(10))
    const usualSuccess = (30 * 0.835 + 50) / (30 + 70)
    const result = estimateFrom(GEMINI, { slow, fast, late: 2 })
    expect(result.usualSuccess).toBeCloseTo(usualSuccess, 9)
    expect(result.success).toBeCloseTo((6 * usualSuccess + 4) / (6 + 4 + 10 + 2), 9)
  })

  it('weighs latencies of both windows as the formula does', () => {
    const [slow, fast] = [successes(30, 40_000), successes(5, 60_000)]
    const slowMean = (30 * Math.log(26_026) + 30 * Math.log(40_000)) / 60
    const { latency } = estimateFrom(GEMINI, { slow, fast })
    expect(latency.logMean).toBeCloseTo((3 * slowMean + 5 * Math.log(60_000)) / 8, 9)
    const variance = (30 * GEMINI.sigma ** 2 + 30 * (Math.log(40_000) - slowMean) ** 2) / (30 + 30)
    expect(latency.sigma).toBeCloseTo(Math.sqrt(variance), 9)
  })

  it('weighs times to a failure as the formula does', () => {
    const [slow, fast] = [failures(9, 1_000), failures(3, 500)]
    const slowMean = (3 * 15_000 + 9 * 1_000) / 12
    const known = estimateFrom(GEMINI, { slow, fast })
    expect(known.failureMs).toBeCloseTo((3 * slowMean + 3 * 500) / 6, 6)
    const unknownMean = (0.5 * 15_000 + 9 * 1_000) / 9.5
    const unknown = estimateFrom(UNKNOWN, { slow, fast })
    expect(unknown.failureMs).toBeCloseTo((3 * unknownMean + 3 * 500) / 6, 6)
  })

  it('keeps the spread between 0.15 and 1', () => {
    const even = estimateFrom(UNKNOWN, { slow: successes(1_000, 20_000) })
    expect(even.latency.sigma).toBe(0.15)
    const wild = both(successes(50, 100), successes(50, 1e6))
    expect(estimateFrom(UNKNOWN, { slow: wild }).latency.sigma).toBe(1)
  })

  it('makes nothing of refusals and rate limits', () => {
    const seen = counts({ refused: 40, rate_limited: 40 })
    const result = estimateFrom(GEMINI, { slow: seen, fast: seen })
    expect(result).toEqual(estimateFrom(GEMINI))
  })

  it('of a scale never seen is the prior at that scale', () => {
    const { latency } = estimateFrom(GEMINI, { tierOffset: Math.log(1.6) })
    expect(latency.logMean).toBeCloseTo(Math.log(26_026 * 1.6), 9)
  })

  it('of an unknown offering follows what its other scales show', () => {
    const seen = both(successes(90, 50_000), failures(10, 2_000))
    const siblings = { fast: seen, slow: seen }
    const result = estimateFrom(UNKNOWN, { siblings })
    expect(result.success).toBeCloseTo(0.9, 1)
    expect(result.latency.logMean).toBeCloseTo(Math.log(50_000), 1)
    expect(result.failureMs).toBeLessThan(5_000)
  })

  it('lets own trials outweigh those of other scales', () => {
    const siblings = { fast: successes(500, 30_000), slow: successes(500, 30_000) }
    const own = failures(30, 1_000)
    const result = estimateFrom(UNKNOWN, { slow: own, fast: own, siblings })
    expect(result.usualSuccess).toBeCloseTo(3 / 33, 2)
    expect(result.success).toBeLessThan(0.12)
  })

  it('counts other scales for three recent trials at most', () => {
    const few = estimateFrom(GEMINI, { siblings: { fast: failures(2), slow: noCounts() } })
    expect(few.success).toBeCloseTo((6 * 0.835) / 8, 9)
    const many = estimateFrom(GEMINI, { siblings: { fast: failures(300), slow: noCounts() } })
    expect(many.success).toBeCloseTo((6 * 0.835) / 9, 9)
  })

  it('is made of numbers within their ranges whatever was seen', () => {
    const amount = fc.double({ min: 0, max: 1e5, noNaN: true })
    const seen = fc
      .record({
        success: amount,
        ms: fc.double({ min: 1, max: 1e6, noNaN: true }),
        failed: amount,
        failedMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
      })
      .map(({ success, ms, failed, failedMs }) =>
        both(successes(success, ms), failures(failed, failedMs)),
      )
    const prior = fc.constantFrom(GEMINI, UNKNOWN, priorFor('replicate'))
    fc.assert(
      fc.property(prior, seen, seen, seen, seen, fc.nat(20), (given, fast, slow, f, s, late) => {
        const result = estimateFrom(given, { fast, slow, late, siblings: { fast: f, slow: s } })
        expect(result.success).toBeGreaterThan(0)
        expect(result.success).toBeLessThanOrEqual(1)
        expect(result.usualSuccess).toBeGreaterThan(0)
        expect(Number.isFinite(result.latency.logMean)).toBe(true)
        expect(result.latency.sigma).toBeGreaterThanOrEqual(0.15)
        expect(result.latency.sigma).toBeLessThanOrEqual(1)
        expect(result.failureMs).toBeGreaterThanOrEqual(0)
        expect(result.timeoutMs).toBeGreaterThanOrEqual(20_000)
        expect(result.timeoutMs).toBeLessThanOrEqual(120_000)
      }),
      { numRuns: 200 },
    )
  })
})
