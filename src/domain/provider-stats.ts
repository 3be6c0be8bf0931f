import { RESOLUTION_TIERS, type ResolutionTier } from './media.ts'
import { MODES, type Mode } from './model-card.ts'
import type { Pause } from './pause.ts'

/*
 * What gateways learn about offerings, and how they tell each other. All times and durations here are routing's own
 * milliseconds: real ones multiplied by `TIME_SCALE`, so that a half-life of an hour is an hour at any scale.
 */

/** What is estimated on its own: one offering, for one mode, at one scale of picture. */
export interface Cell {
  /** `<configKey>|<mode>|<tier>`. */
  readonly id: string
  readonly modelId: string
  readonly provider: string
  readonly configKey: string
  readonly mode: Mode
  readonly tier: ResolutionTier
}

export const cellIdOf = (configKey: string, mode: Mode, tier: ResolutionTier): string =>
  `${configKey}|${mode}|${tier}`

/** The parts of a cell's id, or `undefined` for text that is none. */
export const parseCellId = (id: string): Pick<Cell, 'configKey' | 'mode' | 'tier'> | undefined => {
  const [configKey, modeText, tierText, ...rest] = id.split('|')
  const mode = MODES.find((entry) => entry === modeText)
  const tier = RESOLUTION_TIERS.find((entry) => entry === tierText)
  if (!configKey || !mode || !tier || rest.length > 0) return undefined
  return { configKey, mode, tier }
}

/** What the circuit and pauses of one model at one provider are kept under. */
export const healthKeyOf = (part: Pick<Cell, 'modelId' | 'provider'>): string =>
  `${part.modelId}:${part.provider}`

/** What a pause of all models of a provider is kept under (its key, its account). */
export const providerKeyOf = (provider: string): string => `*:${provider}`

/**
 * How an attempt ended, as the statistics see it.
 * - `success`: an image
 * - `outage`: the provider could not serve (5xx, connection failed): evidence that it is down
 * - `timeout`: nothing came in time: stronger evidence
 * - `empty`: an answer without an image, or one that cannot be read: a failure, but the provider is alive
 * - `rate_limited`: no failure, but a reason to pause
 * - `refused`: the content was refused: no failure, and proof of life
 */
export const OUTCOMES = [
  'success',
  'outage',
  'timeout',
  'empty',
  'rate_limited',
  'refused',
] as const
export type Outcome = (typeof OUTCOMES)[number]

/** One attempt, as the statistics see it; told once. */
export interface Observation {
  readonly cell: Cell
  readonly outcome: Outcome
  /** When it ended. */
  readonly atMs: number
  /** Until the image was there, or until it failed. */
  readonly durationMs: number
  /** Until the provider's answer was there, its files not yet fetched; absent: none came. */
  readonly firstByteMs?: number
  /**
   * Whether its request left it less than the usual time, so that it is part of the history, but no measure of the
   * provider; absent: it is one.
   */
  readonly isCutShort?: boolean
}

/** Attempts of one cell added up; any two can be added. */
export interface OutcomeCounts {
  success: number
  outage: number
  timeout: number
  empty: number
  rate_limited: number
  refused: number
  /** Sum of ln(duration in ms) over successes. */
  logLatency: number
  /** Sum of ln² over successes. */
  logLatencySquared: number
  /** Sum of the durations in ms of successes. */
  successMs: number
  /** Sum of the durations in ms of `outage`, `timeout` and `empty`. */
  failureMs: number
}

export const noCounts = (): OutcomeCounts => ({
  success: 0,
  outage: 0,
  timeout: 0,
  empty: 0,
  rate_limited: 0,
  refused: 0,
  logLatency: 0,
  logLatencySquared: 0,
  successMs: 0,
  failureMs: 0,
})

/** Shortest latency told apart, in ms: the logarithm of zero is none. */
const LEAST_DURATION_MS = 1

/** The counts of one attempt. */
export const countsOf = ({ outcome, durationMs }: Observation): OutcomeCounts => {
  const counts = noCounts()
  counts[outcome] = 1
  if (outcome === 'success') {
    counts.logLatency = Math.log(Math.max(durationMs, LEAST_DURATION_MS))
    counts.logLatencySquared = counts.logLatency ** 2
    counts.successMs = durationMs
  } else if (outcome !== 'rate_limited' && outcome !== 'refused') {
    counts.failureMs = durationMs
  }
  return counts
}

/** `into` plus `weight` times `counts`. Written out: it runs for every cell of every decision. */
export const addCounts = (
  into: OutcomeCounts,
  counts: Readonly<OutcomeCounts>,
  weight = 1,
): void => {
  into.success += counts.success * weight
  into.outage += counts.outage * weight
  into.timeout += counts.timeout * weight
  into.empty += counts.empty * weight
  into.rate_limited += counts.rate_limited * weight
  into.refused += counts.refused * weight
  into.logLatency += counts.logLatency * weight
  into.logLatencySquared += counts.logLatencySquared * weight
  into.successMs += counts.successMs * weight
  into.failureMs += counts.failureMs * weight
}

/** Attempts that ended without an image through the provider's fault. */
export const failuresOf = (counts: Readonly<OutcomeCounts>): number =>
  counts.outage + counts.timeout + counts.empty

/** The breaker of one model at one provider. */
export interface CircuitRecord {
  readonly state: 'closed' | 'open'
  /** When it changed. */
  readonly sinceMs: number
  /** Open: until when nothing is tried there, not even a probe. Closed: 0. */
  readonly untilMs: number
  /** Times that it opened in a row, each for longer. Closed: 0. */
  readonly openings: number
}

/** What gateways share of the health of one key. Absent parts: as if nothing had ever gone wrong. */
export interface HealthRecord {
  readonly circuit?: CircuitRecord
  readonly pause?: Pause
  /** When an attempt began whose answer ended a pause: one learnt at or before is over. */
  readonly resumedMs?: number
}

/** What one gateway tells the others about one key. Of two circuit records the later `sinceMs` holds. */
export type HealthChange =
  | { readonly key: string; readonly circuit: CircuitRecord }
  /** Of two pauses the one with the later end holds. */
  | { readonly key: string; readonly pause: Pause }
  /** Ends a pause learnt at or before `begunMs`. */
  | { readonly key: string; readonly resumeBegunMs: number }

/** Where a gateway tells what it learns. Never waits, never throws. */
export interface StatsExchange {
  share(observation: Observation): void
  shareHealth(change: HealthChange): void
}

/** What an exchange tells a gateway of the others. */
export interface StatsReceiver {
  /** Counts of other gateways for one cell, observed at about `atMs`. Unknown cells are ignored. */
  absorb(cellId: string, counts: Readonly<OutcomeCounts>, atMs: number, nowMs: number): void
  /** What the others know of a key; older knowledge is ignored. */
  adoptHealth(key: string, record: HealthRecord): void
  /** How many gateways there are, this one included. */
  setReplicas(count: number): void
  /** Keys whose breaker is open and whose time for a probe has come. */
  wantedProbes(nowMs: number): readonly string[]
  /** This gateway may send one probe to the key. */
  grantProbe(key: string, nowMs: number): void
}

/** Attempts of one offering within one hour. */
export interface HourRecord {
  readonly configKey: string
  readonly mode: Mode
  readonly tier: ResolutionTier
  /** Start of the hour. */
  readonly hourMs: number
  readonly counts: Readonly<OutcomeCounts>
  /** Successes by `latencyBinOf` their duration; absent bins are empty. */
  readonly latencyBins: Readonly<Record<number, number>>
  /** Successes by `latencyBinOf` their time to first byte. */
  readonly firstByteBins: Readonly<Record<number, number>>
}

/** What happened, by the hour, for 30 days. */
export interface PerformanceHistory {
  /** Hours of these offerings since `sinceMs`, in no particular order. Falls back to what this gateway knows itself. */
  read(configKeys: readonly string[], sinceMs: number): Promise<readonly HourRecord[]>
}

export const HOUR_MS = 3_600_000
/** How long hours are kept. */
export const HISTORY_MS = 30 * 24 * HOUR_MS

/** Bins are a quarter wider each; there are as many of every scale. */
const BIN_RATIO = 1.25
export const LATENCY_BINS = 52

/** Where durations are counted by their size: `LATENCY_BINS` bins, 70,000 times the first's end in all. */
export interface DurationScale {
  /** The bin of a duration. The first has all that are shorter, the last all that are longer. */
  binOf(ms: number): number
  /** Lower and upper end of a bin in ms. */
  rangeOf(bin: number): readonly [fromMs: number, toMs: number]
}

/** A scale whose first bin ends here. */
export const createDurationScale = (firstBinMs: number): DurationScale => ({
  binOf: (ms) => {
    const bin = 1 + Math.floor(Math.log(ms / firstBinMs) / Math.log(BIN_RATIO))
    return ms <= firstBinMs ? 0 : Math.min(bin, LATENCY_BINS - 1)
  },
  rangeOf: (bin) =>
    bin === 0
      ? [firstBinMs / BIN_RATIO, firstBinMs]
      : [firstBinMs * BIN_RATIO ** (bin - 1), firstBinMs * BIN_RATIO ** bin],
})

/** Latencies go from 10 ms (bin 0: up to there) to 700 s (the last: from there). */
export const LATENCY_SCALE = createDurationScale(10)
export const { binOf: latencyBinOf } = LATENCY_SCALE
