import type { CircuitRecord, OutcomeCounts } from '#src/domain/provider-stats.ts'
import { type Lognormal, probabilityWithin } from './normal-distribution.ts'
import type { RoutingPolicy } from './policy.ts'

export const CLOSED: CircuitRecord = { state: 'closed', sinceMs: 0, untilMs: 0, openings: 0 }

/** Success rates that evidence is weighed by lie within these: no certainty either way. */
const USUAL_SUCCESS_RANGE = [0.25, 0.98] as const

/** How much each outcome speaks for "down" against "up", as a log likelihood ratio. */
export interface OutcomeEvidence {
  readonly success: number
  readonly outage: number
  readonly timeout: number
}

/** Probability that an attempt at a provider that is up brings an image. */
const successWhenUp = (usualSuccess: number, { upSuccessFactor }: RoutingPolicy): number => {
  const [least, most] = USUAL_SUCCESS_RANGE
  return upSuccessFactor * Math.min(most, Math.max(least, usualSuccess))
}

export const evidenceOf = (usualSuccess: number, policy: RoutingPolicy): OutcomeEvidence => {
  const up = successWhenUp(usualSuccess, policy)
  const down = policy.downFailureProbability
  const outage = Math.log(down / (1 - up))
  return {
    success: Math.log((1 - down) / up),
    outage,
    timeout: Math.max(policy.timeoutEvidence, outage),
  }
}

/**
 * What a time-out speaks for "down" that came before a success usually does: as much as it was unlikely. `inTime`:
 * probability that a success would have come by then.
 */
export const cutShortEvidence = (
  usualSuccess: number,
  inTime: number,
  policy: RoutingPolicy,
): number => {
  const up = inTime * successWhenUp(usualSuccess, policy)
  return Math.max(0, Math.log(policy.downFailureProbability / (1 - up)))
}

/** One-sided cumulative sum: what speaks for "up" is never saved up. Within `counts` the order is taken as unknown. */
export const addEvidence = (
  sum: number,
  counts: Pick<OutcomeCounts, 'success' | 'outage' | 'timeout'>,
  evidence: OutcomeEvidence,
): number => {
  const against = sum + counts.outage * evidence.outage + counts.timeout * evidence.timeout
  return Math.max(0, against + counts.success * evidence.success)
}

/** Surprise of an attempt that has not finished at age `ageMs`, given that the provider is up. */
const surprise = (latency: Lognormal, ageMs: number, policy: RoutingPolicy): number => {
  const down = policy.downFailureProbability
  return -Math.log(down * (1 - probabilityWithin(latency, ageMs)) + 1 - down)
}

/** An attempt under way, as the silence detector sees it. */
export interface WaitingAttempt {
  readonly begunMs: number
  readonly latency: Lognormal
}

/**
 * Whether attempts in flight have been silent for longer than chance explains. Counted is the surprise since the last
 * completion, as that one proved the provider alive; gateways that would have told of a completion, and did not, are
 * taken to wait as this one does. `heardGateways` counts them, and this one.
 */
export const isSilent = (
  waiting: readonly WaitingAttempt[],
  lastCompletionMs: number,
  nowMs: number,
  heardGateways: number,
  policy: RoutingPolicy,
): boolean => {
  if (waiting.length < policy.silenceInFlight) return false
  if (nowMs - lastCompletionMs < policy.silenceMs) return false
  let sum = 0
  let contributors = 0
  for (const { begunMs, latency } of waiting) {
    const before = surprise(latency, Math.max(0, lastCompletionMs - begunMs), policy)
    const gained = surprise(latency, nowMs - begunMs, policy) - before
    if (gained > 0.01) contributors += 1
    sum += gained
  }
  return contributors >= policy.silenceInFlight && heardGateways * sum > policy.silenceEvidence
}

/** The circuit opened once more, for longer than the time before. `random`: 0 to 1. */
export const opened = (
  circuit: CircuitRecord,
  nowMs: number,
  random: number,
  policy: RoutingPolicy,
): CircuitRecord => {
  const openMs = Math.min(policy.longestOpenMs, policy.firstOpenMs * 2 ** circuit.openings)
  const jitter = 1 + policy.openJitter * (2 * random - 1)
  return {
    state: 'open',
    sinceMs: nowMs,
    untilMs: nowMs + openMs * jitter,
    openings: circuit.openings + 1,
  }
}

export const closed = (nowMs: number): CircuitRecord => ({ ...CLOSED, sinceMs: nowMs })
