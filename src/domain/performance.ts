import type { Offering } from './model-card.ts'
import {
  addCounts,
  failuresOf,
  HISTORY_MS,
  HOUR_MS,
  type HourRecord,
  LATENCY_BINS,
  latencyBinRange,
  noCounts,
  type OutcomeCounts,
} from './provider-stats.ts'

/** How an offering did over some time, in figures for people. Durations are real milliseconds. */
export interface Performance {
  /** Half of the images came within this. `undefined`: none came. */
  readonly p50Ms: number | undefined
  /** 95 of 100 images came within this. `undefined`: none came. */
  readonly p95Ms: number | undefined
  /** Mean time to an image. `undefined`: none came. */
  readonly meanMs: number | undefined
  /** Images by `requests`, 0 to 1. `undefined`: no attempt counts. */
  readonly successRate: number | undefined
  /** Attempts that ended with an image, or without one through the provider's fault. */
  readonly requests: number
  /** Until the provider's answer was there, its files not yet fetched. `undefined`: not measured. */
  readonly timeToFirstByteP50Ms: number | undefined
  readonly timeToFirstByteP95Ms: number | undefined
  /** Attempts answered with a rate limit; not among `requests`. `undefined`: not known. */
  readonly rateLimited: number | undefined
  /** Attempts whose content was refused; not among `requests`. `undefined`: not known. */
  readonly refused: number | undefined
}

/** Figures and where they come from: measured by the gateways themselves, or published with the model. */
export interface ShownPerformance extends Performance {
  readonly source: 'live' | 'model_file'
}

/** Times that figures are given for, each ending now, in routing's milliseconds. */
const WINDOWS_MS = {
  '24h': 24 * HOUR_MS,
  '7d': 7 * 24 * HOUR_MS,
  '30d': HISTORY_MS,
} as const
export type PerformanceWindow = keyof typeof WINDOWS_MS
export const PERFORMANCE_WINDOWS = Object.keys(WINDOWS_MS) as readonly PerformanceWindow[]

/** `undefined`: nothing was tried in that time. */
export type PerformanceByWindow = Readonly<Record<PerformanceWindow, Performance | undefined>>

/** How an offering did within one hour. */
export interface HourPerformance {
  /** Start of the hour, in real milliseconds since the Unix epoch. */
  readonly atMs: number
  readonly performance: Performance
}

type Bins = HourRecord['latencyBins']

/** `latencyBinRange` of each bin, worked out once: a page reads thousands of hours. */
const BIN_RANGES = Array.from({ length: LATENCY_BINS }, (_, bin) => latencyBinRange(bin))

// By index: over thousands of hours that takes a third of the time that going through the keys does.
const addBins = (into: number[], bins: Bins): void => {
  for (let bin = 0; bin < LATENCY_BINS; bin += 1) {
    const count = bins[bin]
    if (count !== undefined) into[bin] = (into[bin] ?? 0) + count
  }
}

/**
 * The duration that `share` of all successes stayed under. Within a bin, durations are taken to lie evenly on the
 * logarithmic scale: on lognormal ones with σ from 0.33 to 0.51 that is less than 4 % off, the bins being a quarter wide.
 */
const quantileMs = (bins: readonly number[], share: number): number | undefined => {
  const rank = share * bins.reduce((sum, count) => sum + count, 0)
  let below = 0
  for (const [bin, count] of bins.entries()) {
    if (count === 0) continue
    if (below + count >= rank) {
      const [fromMs, toMs] = latencyBinRange(bin)
      return fromMs * (toMs / fromMs) ** ((rank - below) / count)
    }
    below += count
  }
  return undefined
}

/** Mean and variance of ln(duration) of the successes, of which there is at least one. */
const momentsOf = ({ success, logLatency, logLatencySquared }: Readonly<OutcomeCounts>) => {
  const mu = logLatency / success
  return { mu, variance: Math.max(0, logLatencySquared / success - mu ** 2) }
}

/**
 * The same for durations, whose exact moments say more where all of them fall into a bin or two: whatever the
 * distribution, its q-quantile lies between μ − σ√((1−q)/q) and μ + σ√(q/(1−q)) (Cantelli's inequality). Ten images that
 * took 26 s each have a median of 26.0 s, not of 27.6 s, where the middle of their bin is.
 */
const durationQuantileMs = (
  counts: Readonly<OutcomeCounts>,
  bins: readonly number[],
  share: number,
): number | undefined => {
  const ms = quantileMs(bins, share)
  if (ms === undefined || counts.success === 0) return ms
  const { mu, variance } = momentsOf(counts)
  const sigma = Math.sqrt(variance)
  const least = Math.exp(mu - sigma * Math.sqrt((1 - share) / share))
  const greatest = Math.exp(mu + sigma * Math.sqrt(share / (1 - share)))
  return Math.min(Math.max(ms, least), greatest)
}

/** Least and greatest sum of durations that the bins allow, or `undefined` when they do not hold `total` durations. */
const boundsOfSum = (bins: Bins, total: number): readonly [number, number] | undefined => {
  let held = 0
  let least = 0
  let greatest = 0
  for (const [bin, [fromMs, toMs]] of BIN_RANGES.entries()) {
    const count = bins[bin]
    if (count === undefined) continue
    held += count
    // The first and the last bin are open to one side.
    least += bin === 0 ? 0 : count * fromMs
    greatest += bin === LATENCY_BINS - 1 ? Number.POSITIVE_INFINITY : count * toMs
  }
  return held === total ? [least, greatest] : undefined
}

/**
 * Sum of the durations of an hour's successes: n × exp(μ + σ²/2), of the exact logarithmic moments. Better than bins,
 * which are up to 12 % off where all durations fall into one. Exact for lognormal durations; right to the second order of
 * the spread for others, so it is taken hour by hour and cell by cell, where durations are alike, and not of the whole.
 * A few that are far out would mislead it, so that it is kept within what the bins allow.
 */
const sumOfDurationsMs = ({ counts, latencyBins }: HourRecord): number => {
  const { success } = counts
  if (success === 0) return 0
  const { mu, variance } = momentsOf(counts)
  const sum = success * Math.exp(mu + variance / 2)
  const [least, greatest] = boundsOfSum(latencyBins, success) ?? [0, sum]
  return Math.min(Math.max(sum, least), greatest)
}

/** Every outcome that the provider answers for. */
const requestsOf = (counts: Readonly<OutcomeCounts>): number => counts.success + failuresOf(counts)

/**
 * Figures of these hours taken together; `undefined` when nothing was tried in them. `timeScale` is routing's
 * milliseconds by real one: 1 but for tests.
 */
export const performanceOf = (
  records: readonly HourRecord[],
  timeScale: number,
): Performance | undefined => {
  const counts = noCounts()
  const latencyBins = new Array<number>(LATENCY_BINS).fill(0)
  const firstByteBins = new Array<number>(LATENCY_BINS).fill(0)
  let durationsMs = 0
  for (const record of records) {
    addCounts(counts, record.counts)
    addBins(latencyBins, record.latencyBins)
    addBins(firstByteBins, record.firstByteBins)
    durationsMs += sumOfDurationsMs(record)
  }
  const requests = requestsOf(counts)
  if (requests + counts.rate_limited + counts.refused === 0) return undefined
  const toReal = (ms: number | undefined) => (ms === undefined ? undefined : ms / timeScale)
  return {
    p50Ms: toReal(durationQuantileMs(counts, latencyBins, 0.5)),
    p95Ms: toReal(durationQuantileMs(counts, latencyBins, 0.95)),
    meanMs: toReal(counts.success > 0 ? durationsMs / counts.success : undefined),
    successRate: requests > 0 ? counts.success / requests : undefined,
    requests,
    timeToFirstByteP50Ms: toReal(quantileMs(firstByteBins, 0.5)),
    timeToFirstByteP95Ms: toReal(quantileMs(firstByteBins, 0.95)),
    rateLimited: counts.rate_limited,
    refused: counts.refused,
  }
}

/** Figures of each window. An hour belongs to every window that it reaches into. `nowMs` is routing's. */
export const performanceByWindow = (
  records: readonly HourRecord[],
  nowMs: number,
  timeScale: number,
): PerformanceByWindow => {
  const figuresOf = (window: PerformanceWindow) => {
    const sinceMs = nowMs - WINDOWS_MS[window]
    const within = records.filter(({ hourMs }) => hourMs + HOUR_MS > sinceMs)
    return performanceOf(within, timeScale)
  }
  return { '24h': figuresOf('24h'), '7d': figuresOf('7d'), '30d': figuresOf('30d') }
}

/** Figures of every hour in which something was tried, the earliest first. */
export const performanceByHour = (
  records: readonly HourRecord[],
  timeScale: number,
): readonly HourPerformance[] =>
  [...Map.groupBy(records, ({ hourMs }) => hourMs)]
    .sort(([left], [right]) => left - right)
    .flatMap(([hourMs, hours]) => {
      const performance = performanceOf(hours, timeScale)
      return performance ? [{ atMs: hourMs / timeScale, performance }] : []
    })

/**
 * What is told of an offering: what was measured, when at least one attempt counts; else what its model file says, as it
 * stands there; `undefined` when that says nothing either.
 */
export const performanceToShow = (
  live: Performance | undefined,
  { performance }: Pick<Offering, 'performance'>,
): ShownPerformance | undefined => {
  if (live && live.requests > 0) return { source: 'live', ...live }
  if (!performance) return undefined
  return { source: 'model_file', ...performance, rateLimited: undefined, refused: undefined }
}
