import type { Offering } from './offering.ts'
import {
  addCounts,
  type DurationScale,
  failuresOf,
  HISTORY_MS,
  HOUR_MS,
  type HourRecord,
  LATENCY_BINS,
  LATENCY_SCALE,
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

/** Attempts of all cells of an offering within one hour. */
export interface HourSums extends Pick<HourRecord, 'hourMs' | 'counts'> {
  /** As those of an `HourRecord`, without gaps. */
  readonly latencyBins: readonly number[]
  readonly firstByteBins: readonly number[]
}

type Sums = Omit<HourSums, 'hourMs'>

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
const quantileMs = (
  bins: readonly number[],
  share: number,
  { rangeOf }: DurationScale = LATENCY_SCALE,
): number | undefined => {
  let total = 0
  for (const count of bins) total += count
  const rank = share * total
  let below = 0
  // By index, as `addBins`.
  for (let bin = 0; bin < bins.length; bin += 1) {
    const count = bins[bin] ?? 0
    if (count === 0) continue
    if (below + count >= rank) {
      const [fromMs, toMs] = rangeOf(bin)
      return fromMs * (toMs / fromMs) ** ((rank - below) / count)
    }
    below += count
  }
  return undefined
}

/** How many durations there are, with the sums of ln(duration) and of its square. */
export type DurationMoments = Readonly<
  Pick<OutcomeCounts, 'success' | 'logLatency' | 'logLatencySquared'>
>

/** Mean and variance of ln(duration) of the successes, of which there is at least one. */
const momentsOf = ({ success, logLatency, logLatencySquared }: DurationMoments) => {
  const mu = logLatency / success
  return { mu, variance: Math.max(0, logLatencySquared / success - mu ** 2) }
}

/**
 * The same for durations, whose exact moments say more where all of them fall into a bin or two: whatever the
 * distribution, its q-quantile lies between μ − σ√((1−q)/q) and μ + σ√(q/(1−q)) (Cantelli's inequality). Ten images that
 * took 26 s each have a median of 26.0 s, not of 27.6 s, where the middle of their bin is.
 */
export const durationQuantileMs = (
  counts: DurationMoments,
  bins: readonly number[],
  share: number,
  scale: DurationScale = LATENCY_SCALE,
): number | undefined => {
  const ms = quantileMs(bins, share, scale)
  if (ms === undefined || counts.success === 0) return ms
  const { mu, variance } = momentsOf(counts)
  const sigma = Math.sqrt(variance)
  const least = Math.exp(mu - sigma * Math.sqrt((1 - share) / share))
  const greatest = Math.exp(mu + sigma * Math.sqrt(share / (1 - share)))
  return Math.min(Math.max(ms, least), greatest)
}

/** Every outcome that the provider answers for. */
const requestsOf = (counts: Readonly<OutcomeCounts>): number => counts.success + failuresOf(counts)

const emptyBins = (): number[] => new Array<number>(LATENCY_BINS).fill(0)

const sumOf = (records: readonly Omit<HourRecord, 'configKey' | 'mode' | 'tier'>[]): Sums => {
  const sums = { counts: noCounts(), latencyBins: emptyBins(), firstByteBins: emptyBins() }
  for (const record of records) {
    addCounts(sums.counts, record.counts)
    addBins(sums.latencyBins, record.latencyBins)
    addBins(sums.firstByteBins, record.firstByteBins)
  }
  return sums
}

/** What figures are worked out of: one entry for each hour in which something was tried, in no particular order. */
export const sumByHour = (records: readonly HourRecord[]): readonly HourSums[] =>
  [...Map.groupBy(records, ({ hourMs }) => hourMs)].map(([hourMs, hours]) => ({
    hourMs,
    ...sumOf(hours),
  }))

const figuresOf = (sums: Sums, timeScale: number): Performance | undefined => {
  const { counts, latencyBins, firstByteBins } = sums
  const requests = requestsOf(counts)
  if (requests + counts.rate_limited + counts.refused === 0) return undefined
  const toReal = (ms: number | undefined) => (ms === undefined ? undefined : ms / timeScale)
  return {
    p50Ms: toReal(durationQuantileMs(counts, latencyBins, 0.5)),
    p95Ms: toReal(durationQuantileMs(counts, latencyBins, 0.95)),
    meanMs: toReal(counts.success > 0 ? counts.successMs / counts.success : undefined),
    successRate: requests > 0 ? counts.success / requests : undefined,
    requests,
    timeToFirstByteP50Ms: toReal(quantileMs(firstByteBins, 0.5)),
    timeToFirstByteP95Ms: toReal(quantileMs(firstByteBins, 0.95)),
    rateLimited: counts.rate_limited,
    refused: counts.refused,
  }
}

/**
 * Figures of these hours taken together; `undefined` when nothing was tried in them. `timeScale` is routing's
 * milliseconds by real one: 1 but for tests.
 */
export const performanceOf = (
  hours: readonly HourSums[],
  timeScale: number,
): Performance | undefined => figuresOf(sumOf(hours), timeScale)

/** Figures of each window. An hour belongs to every window that it reaches into. `nowMs` is routing's. */
export const performanceByWindow = (
  hours: readonly HourSums[],
  nowMs: number,
  timeScale: number,
): PerformanceByWindow => {
  const within = (window: PerformanceWindow) => {
    const sinceMs = nowMs - WINDOWS_MS[window]
    const latest = hours.filter(({ hourMs }) => hourMs + HOUR_MS > sinceMs)
    return performanceOf(latest, timeScale)
  }
  return { '24h': within('24h'), '7d': within('7d'), '30d': within('30d') }
}

/** Figures of every hour in which something was tried, the earliest first. */
export const performanceByHour = (
  hours: readonly HourSums[],
  timeScale: number,
): readonly HourPerformance[] =>
  hours
    .toSorted((left, right) => left.hourMs - right.hourMs)
    .flatMap((sums) => {
      const performance = figuresOf(sums, timeScale)
      return performance ? [{ atMs: sums.hourMs / timeScale, performance }] : []
    })

/** Attempts from which on what was measured says more than what was published: a 95th percentile is one in twenty. */
export const LEAST_LIVE_REQUESTS = 20

/**
 * What is told of an offering, all of it from one source: what was measured, once `LEAST_LIVE_REQUESTS` attempts count,
 * with images or without; until then what its model file says, as it stands there. Where that says nothing, what was
 * measured, however little; `undefined` when no attempt counts either.
 */
export const performanceToShow = (
  live: Performance | undefined,
  { performance }: Pick<Offering, 'performance'>,
): ShownPerformance | undefined => {
  const requests = live?.requests ?? 0
  if (live && requests >= (performance ? LEAST_LIVE_REQUESTS : 1))
    return { source: 'live', ...live }
  if (!performance) return undefined
  return { source: 'model_file', ...performance, rateLimited: undefined, refused: undefined }
}
