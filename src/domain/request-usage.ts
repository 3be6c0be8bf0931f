import type { MicroUsd } from './money.ts'
import { durationQuantileMs } from './performance.ts'
import {
  createDurationScale,
  type DurationScale,
  HOUR_MS,
  LATENCY_BINS,
  LATENCY_SCALE,
} from './provider-stats.ts'
import type { RequestFilter, RequestRecord } from './request-record.ts'

/** What usage is summed up from: of each request what the index of the log holds. */
export interface RequestFigures
  extends Pick<RequestRecord, 'createdAtMs' | 'status' | 'model' | 'provider' | 'cost'> {
  /** Absent: not known. */
  readonly durationMs?: number
  /** Absent: not known. */
  readonly overheadMs?: number
}

/** A time that usage is told for, and the intervals that it is cut into, which begin at whole ones in UTC. */
export interface UsageSpan {
  /** Wall-clock ms, this one included. */
  readonly fromMs: number
  /** Wall-clock ms; what came later is part of the last interval. */
  readonly toMs: number
  readonly intervalMs: number
}

/** Which requests are meant, and how they are to be summed up. */
export interface UsageQuery extends Pick<RequestFilter, 'keyId' | 'model'> {
  readonly span: UsageSpan
}

/** Times that usage is told for, each ending now, and their intervals: some thirty of each. */
export const USAGE_WINDOWS = {
  '24h': { windowMs: 24 * HOUR_MS, interval: 'hour', intervalMs: HOUR_MS },
  '7d': { windowMs: 7 * 24 * HOUR_MS, interval: '6_hours', intervalMs: 6 * HOUR_MS },
  '30d': { windowMs: 30 * 24 * HOUR_MS, interval: 'day', intervalMs: 24 * HOUR_MS },
} as const
export type UsageWindow = keyof typeof USAGE_WINDOWS

/** Durations in real ms. */
export interface DurationFigures {
  /** `undefined`: there were none. */
  readonly p50Ms: number | undefined
  readonly p95Ms: number | undefined
  readonly meanMs: number | undefined
}

/** Requests together. */
export interface UsageFigures {
  readonly requests: number
  /** How many stand so. */
  readonly counts: Readonly<Record<RequestRecord['status'], number>>
  readonly cost: MicroUsd
  /** Of those that completed. */
  readonly durations: DurationFigures
}

/** Figures of one model or provider. */
export interface UsageShare extends UsageFigures {
  /** `undefined`: all that there was no room for, together. */
  readonly name: string | undefined
}

export interface RequestUsage {
  readonly totals: UsageFigures
  /** Of those that completed: what the gateway itself took. */
  readonly overhead: DurationFigures
  /** In order, without gaps; the first and the last are cut by the span's ends. */
  readonly intervals: readonly (UsageFigures & { readonly atMs: number })[]
  /** The dearest first. */
  readonly models: readonly UsageShare[]
  /** By who served, or was tried last. The dearest first. */
  readonly providers: readonly UsageShare[]
  /** Whether those of other gateways are missing, as they could not be asked for. */
  readonly isPartial: boolean
}

/** What the gateway takes is short: from 0.1 ms to 7 s. */
const OVERHEAD_SCALE = createDurationScale(0.1)
/** ln 0 is no number: shorter than these is not told apart, in ms. */
const LEAST_DURATION_MS = 1
const LEAST_OVERHEAD_MS = 0.1

/** Durations as sums that quantiles can be told from, however many there are. */
class DurationSums {
  readonly #scale: DurationScale
  readonly #leastMs: number
  readonly #moments = { success: 0, logLatency: 0, logLatencySquared: 0 }
  /** Absent: nothing was added yet. */
  #bins: number[] | undefined
  #sumMs = 0

  constructor(scale: DurationScale, leastMs: number) {
    this.#scale = scale
    this.#leastMs = leastMs
  }

  add(ms: number): void {
    const log = Math.log(Math.max(this.#leastMs, ms))
    this.#moments.success += 1
    this.#moments.logLatency += log
    this.#moments.logLatencySquared += log ** 2
    this.#sumMs += ms
    this.#bins ??= new Array<number>(LATENCY_BINS).fill(0)
    const bin = this.#scale.binOf(ms)
    this.#bins[bin] = (this.#bins[bin] ?? 0) + 1
  }

  figures(): DurationFigures {
    const { success } = this.#moments
    const bins = this.#bins ?? []
    const quantile = (share: number) => durationQuantileMs(this.#moments, bins, share, this.#scale)
    const meanMs = success > 0 ? this.#sumMs / success : undefined
    return { p50Ms: quantile(0.5), p95Ms: quantile(0.95), meanMs }
  }
}

class UsageSums {
  readonly #durations = new DurationSums(LATENCY_SCALE, LEAST_DURATION_MS)
  readonly #counts = { completed: 0, pending: 0, rejected: 0, upstream_failure: 0, cancelled: 0 }
  #requests = 0
  #cost = 0

  add({ status, cost, durationMs }: RequestFigures): void {
    this.#requests += 1
    this.#counts[status] += 1
    this.#cost += cost
    if (status === 'completed' && durationMs !== undefined) this.#durations.add(durationMs)
  }

  figures(): UsageFigures {
    return {
      requests: this.#requests,
      counts: this.#counts,
      cost: this.#cost,
      durations: this.#durations.figures(),
    }
  }
}

/** Most names that are told apart: clients choose some of them, and only as many for which no provider was tried. */
const MAX_NAMES = 500
const MAX_UNTRIED_NAMES = 100

const dearestFirst = (left: UsageShare, right: UsageShare): number =>
  right.cost - left.cost ||
  right.requests - left.requests ||
  ((left.name ?? '') < (right.name ?? '') ? -1 : 1)

/** Sums by name, of a bounded number of names. */
class NamedSums {
  readonly #byName = new Map<string, UsageSums>()
  #others: UsageSums | undefined

  add(name: string, figures: RequestFigures): void {
    this.#sumsOf(name, figures.provider === undefined ? MAX_UNTRIED_NAMES : MAX_NAMES).add(figures)
  }

  #sumsOf(name: string, most: number): UsageSums {
    const known = this.#byName.get(name)
    if (known) return known
    if (this.#byName.size >= most) {
      this.#others ??= new UsageSums()
      return this.#others
    }
    const sums = new UsageSums()
    this.#byName.set(name, sums)
    return sums
  }

  shares(): UsageShare[] {
    const shares = [...this.#byName].map(([name, sums]) => ({ name, ...sums.figures() }))
    const others = this.#others?.figures()
    return [...shares.sort(dearestFirst), ...(others ? [{ name: undefined, ...others }] : [])]
  }
}

/** Sums up requests one by one, in any order, in memory that does not grow with their number. */
export class UsageTally {
  readonly #span: UsageSpan
  readonly #totals = new UsageSums()
  readonly #overhead = new DurationSums(OVERHEAD_SCALE, LEAST_OVERHEAD_MS)
  readonly #intervals: UsageSums[]
  readonly #models = new NamedSums()
  readonly #providers = new NamedSums()

  constructor(span: UsageSpan) {
    this.#span = span
    const count = this.#intervalOf(span.toMs) + 1
    this.#intervals = Array.from({ length: count }, () => new UsageSums())
  }

  /** Which interval a time is in, from 0. */
  #intervalOf(atMs: number): number {
    const { fromMs, intervalMs } = this.#span
    return Math.floor(atMs / intervalMs) - Math.floor(fromMs / intervalMs)
  }

  add(figures: RequestFigures): void {
    const { status, provider, overheadMs, createdAtMs, model } = figures
    const last = this.#intervals.length - 1
    this.#totals.add(figures)
    this.#intervals[Math.min(last, Math.max(0, this.#intervalOf(createdAtMs)))]?.add(figures)
    this.#models.add(model, figures)
    if (provider !== undefined) this.#providers.add(provider, figures)
    if (status === 'completed' && overheadMs !== undefined) this.#overhead.add(overheadMs)
  }

  usage(): Omit<RequestUsage, 'isPartial'> {
    const { fromMs, intervalMs } = this.#span
    const firstMs = Math.floor(fromMs / intervalMs) * intervalMs
    return {
      totals: this.#totals.figures(),
      overhead: this.#overhead.figures(),
      intervals: this.#intervals.map((sums, index) => ({
        atMs: firstMs + index * intervalMs,
        ...sums.figures(),
      })),
      models: this.#models.shares(),
      providers: this.#providers.shares(),
    }
  }
}

/** The filter of the requests that a query means. */
export const usageFilterOf = ({ span, ...filter }: UsageQuery): RequestFilter => ({
  ...filter,
  createdFromMs: span.fromMs,
})
