import { describe, expect, it } from 'vitest'
import {
  performanceByHour,
  performanceByWindow,
  performanceOf,
  performanceToShow,
  sumByHour,
} from '#src/domain/performance.ts'
import {
  HOUR_MS,
  type HourRecord,
  latencyBinOf,
  noCounts,
  type OutcomeCounts,
} from '#src/domain/provider-stats.ts'
import { createSeededRandom } from '#test/emulators/seeded-random.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

const HOUR_0 = 500_000 * HOUR_MS

const binsOf = (durationsMs: readonly number[]): Record<number, number> => {
  const bins: Record<number, number> = {}
  for (const ms of durationsMs) bins[latencyBinOf(ms)] = (bins[latencyBinOf(ms)] ?? 0) + 1
  return bins
}

/** An hour with successes of these durations. */
const hourOf = (
  durationsMs: readonly number[],
  part: { hourMs?: number; counts?: Partial<OutcomeCounts>; firstBytesMs?: readonly number[] } = {},
): HourRecord => ({
  configKey: 'fal/m',
  mode: 'text_to_image',
  tier: '1K',
  hourMs: part.hourMs ?? HOUR_0,
  counts: {
    ...noCounts(),
    success: durationsMs.length,
    logLatency: durationsMs.reduce((sum, ms) => sum + Math.log(ms), 0),
    logLatencySquared: durationsMs.reduce((sum, ms) => sum + Math.log(ms) ** 2, 0),
    successMs: durationsMs.reduce((sum, ms) => sum + ms, 0),
    ...part.counts,
  },
  latencyBins: binsOf(durationsMs),
  firstByteBins: binsOf(part.firstBytesMs ?? []),
})

const meanOf = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length

const percentileOf = (values: readonly number[], share: number) =>
  values.toSorted((left, right) => left - right)[Math.floor(share * values.length)] ?? Number.NaN

/** Durations with this median and 95th percentile, as a lognormal distribution has them. */
const lognormal = (p50Ms: number, p95Ms: number, count: number, seed: number): number[] => {
  const random = createSeededRandom(seed)
  const sigma = Math.log(p95Ms / p50Ms) / 1.645
  return Array.from({ length: count }, () => p50Ms * Math.exp(sigma * random.normal()))
}

/** How far off a figure is, as a share of the true one. */
const errorOf = (figure: number | undefined, truth: number) =>
  Math.abs((figure ?? Number.NaN) / truth - 1)

const published = readFirstModelFile().offerings.flatMap(({ configKey, performance }) =>
  performance ? [{ configKey, ...performance }] : [],
)

describe('figures of durations', () => {
  it.each(published)('are within 5 % for durations such as those of $configKey', (offering) => {
    for (const seed of [1, 2, 3]) {
      const durations = lognormal(offering.p50Ms, offering.p95Ms, 5_000, seed)
      const firstBytes = lognormal(
        offering.timeToFirstByteP50Ms,
        offering.timeToFirstByteP95Ms,
        5_000,
        seed,
      )
      const figures = performanceOf(sumByHour([hourOf(durations, { firstBytesMs: firstBytes })]), 1)
      expect(errorOf(figures?.p50Ms, percentileOf(durations, 0.5))).toBeLessThan(0.03)
      expect(errorOf(figures?.p95Ms, percentileOf(durations, 0.95))).toBeLessThan(0.05)
      expect(errorOf(figures?.meanMs, meanOf(durations))).toBeLessThan(1e-9)
      const { timeToFirstByteP50Ms, timeToFirstByteP95Ms } = figures ?? {}
      expect(errorOf(timeToFirstByteP50Ms, percentileOf(firstBytes, 0.5))).toBeLessThan(0.03)
      expect(errorOf(timeToFirstByteP95Ms, percentileOf(firstBytes, 0.95))).toBeLessThan(0.05)
    }
  })

  it('have a mean that is right when hours differ and when an hour has but one image', () => {
    const [fast, slow] = [lognormal(20_000, 30_000, 500, 1), lognormal(90_000, 120_000, 500, 2)]
    const alone = 41_234
    const figures = performanceOf(sumByHour([hourOf(fast), hourOf(slow), hourOf([alone])]), 1)
    expect(errorOf(figures?.meanMs, meanOf([...fast, ...slow, alone]))).toBeLessThan(1e-9)
    expect(performanceOf(sumByHour([hourOf([alone])]), 1)?.meanMs).toBeCloseTo(alone, 3)
  })

  it('are right for durations that are all alike, wherever they lie in their bin', () => {
    for (const ms of [26_000, 28_000, 30_000]) {
      const figures = performanceOf(sumByHour([hourOf([ms, ms, ms])]), 1)
      for (const figure of [figures?.p50Ms, figures?.p95Ms, figures?.meanMs]) {
        expect(errorOf(figure, ms)).toBeLessThan(1e-6)
      }
    }
  })

  it('have the exact mean, also where durations are of two kinds', () => {
    const durations = [...Array(95).fill(20), ...Array(5).fill(180_000)]
    const figures = performanceOf(sumByHour([hourOf(durations)]), 1)
    expect(figures?.meanMs).toBeCloseTo(meanOf(durations), 6)
  })

  it('are real milliseconds at any time scale', () => {
    const durations = lognormal(26_000, 45_000, 1_000, 7)
    const hour = hourOf(durations, { firstBytesMs: durations })
    const [nominal, real] = [1, 100].map((scale) => performanceOf(sumByHour([hour]), scale))
    expect(real?.p50Ms).toBeCloseTo((nominal?.p50Ms ?? 0) / 100, 6)
    expect(real?.p95Ms).toBeCloseTo((nominal?.p95Ms ?? 0) / 100, 6)
    expect(real?.meanMs).toBeCloseTo((nominal?.meanMs ?? 0) / 100, 6)
    expect(real?.timeToFirstByteP50Ms).toBeCloseTo((nominal?.timeToFirstByteP50Ms ?? 0) / 100, 6)
    expect(real?.timeToFirstByteP95Ms).toBeCloseTo((nominal?.timeToFirstByteP95Ms ?? 0) / 100, 6)
  })
})

describe('figures of outcomes', () => {
  it('count what the provider answers for, and tell rate limits and refusals apart', () => {
    const counts = { outage: 3, timeout: 2, empty: 1, rate_limited: 40, refused: 7 }
    const figures = performanceOf(sumByHour([hourOf([30_000, 30_000], { counts })]), 1)
    expect(figures).toMatchObject({
      requests: 8,
      successRate: 2 / 8,
      rateLimited: 40,
      refused: 7,
      timeToFirstByteP50Ms: undefined,
      timeToFirstByteP95Ms: undefined,
    })
  })

  it('have no durations where no image came, and no rate where no attempt counts', () => {
    const nothing = { p50Ms: undefined, p95Ms: undefined, meanMs: undefined }
    expect(performanceOf(sumByHour([hourOf([], { counts: { outage: 4 } })]), 1)).toMatchObject({
      ...nothing,
      successRate: 0,
      requests: 4,
    })
    expect(performanceOf(sumByHour([hourOf([], { counts: { refused: 4 } })]), 1)).toMatchObject({
      ...nothing,
      successRate: undefined,
      requests: 0,
      refused: 4,
    })
  })

  it('are none where nothing was tried', () => {
    expect(performanceOf(sumByHour([]), 1)).toBeUndefined()
    expect(performanceOf(sumByHour([hourOf([])]), 1)).toBeUndefined()
  })
})

describe('windows and hours', () => {
  const nowMs = HOUR_0 + HOUR_MS / 2
  const ago = (hours: number, durations: number[]) =>
    hourOf(durations, { hourMs: HOUR_0 - hours * HOUR_MS })

  it('take the hours that reach into them', () => {
    const records = [ago(0, [1_000]), ago(24, [1_000]), ago(25, [1_000]), ago(24 * 20, [1_000])]
    const windows = performanceByWindow(sumByHour(records), nowMs, 1)
    expect([windows['24h'], windows['7d'], windows['30d']].map((each) => each?.requests)).toEqual([
      2, 3, 4,
    ])
    expect(performanceByWindow(sumByHour([ago(48, [1_000])]), nowMs, 1)['24h']).toBeUndefined()
  })

  it('come in order of time, cells of one hour together, at real times', () => {
    const records = [ago(1, [2_000]), ago(3, [1_000]), ago(1, [2_000, 2_000])]
    const points = performanceByHour(sumByHour(records), 10)
    expect(points.map(({ atMs, performance }) => [atMs, performance.requests])).toEqual([
      [(HOUR_0 - 3 * HOUR_MS) / 10, 1],
      [(HOUR_0 - HOUR_MS) / 10, 3],
    ])
  })
})

describe('what is shown', () => {
  const { performance } = readFirstModelFile().offerings[0] ?? {}
  const file = performance ? { performance } : {}
  const unknown = { rateLimited: undefined, refused: undefined }

  const liveOf = (success: number, part: Partial<OutcomeCounts>) =>
    performanceOf(sumByHour([hourOf(new Array<number>(success).fill(1_000), { counts: part })]), 1)
  const published = { source: 'model_file', ...performance, ...unknown }

  it('is what was measured once twenty attempts count, with images or without', () => {
    for (const live of [liveOf(20, {}), liveOf(0, { outage: 20 }), liveOf(12, { empty: 8 })]) {
      expect(performanceToShow(live, file)).toEqual({ source: 'live', ...live })
    }
  })

  it('is what the model file says until then', () => {
    const few = [undefined, liveOf(0, { refused: 40 }), liveOf(1, {}), liveOf(12, { empty: 7 })]
    for (const live of few) expect(performanceToShow(live, file)).toEqual(published)
  })

  it('is the little that was measured where the model file says nothing, or nothing', () => {
    const live = liveOf(0, { outage: 1 })
    expect(performanceToShow(live, {})).toEqual({ source: 'live', ...live })
    for (const none of [undefined, liveOf(0, { refused: 1 })]) {
      expect(performanceToShow(none, {})).toBeUndefined()
    }
  })
})
