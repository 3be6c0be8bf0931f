import {
  FAILURE_RULES,
  type FailureKind,
  type GatewayError,
  type ProviderError,
} from '#src/domain/errors.ts'
import type { ProviderHealth } from '#src/domain/provider-health.ts'
import { type Attempt, type AttemptLimits, type AttemptWork, runAttempt } from './attempt.ts'
import type { RoutingPolicy } from './policy.ts'
import type { RankedCandidate } from './rank.ts'

export interface FailoverInput<Answer, Item> extends AttemptLimits {
  readonly work: AttemptWork<Answer, Item>
  /** In the order of trying. Each is tried at most once for each image. */
  readonly ranked: readonly RankedCandidate[]
  /** Items wanted in all. */
  readonly count: number
  /** No further attempt is started with less time left than this, in milliseconds. */
  readonly leastAttemptMs: number
  readonly health: ProviderHealth
  /** Told of each attempt as it ends. */
  readonly onAttempt: (attempt: Attempt, candidate: RankedCandidate) => void
}

/** What all chains of one request share. */
interface Run<Answer, Item> extends FailoverInput<Answer, Item> {
  /** Set once the gateway itself cannot go on: nothing further is begun, what runs has been paid for and ends. */
  fault?: GatewayError
}

/** How far one image's chain of attempts has come. */
interface Chain {
  /** Index of the next candidate. */
  readonly place: number
  /** Provider that refused the content, once another is being asked. */
  readonly refusedBy?: string
}

/** 7 images at 4 a call: 4, 3. */
const splitCount = (count: number, perCall: number): number[] => {
  const calls = Math.ceil(count / perCall)
  return Array.from({ length: calls }, (_, index) => Math.min(perCall, count - index * perCall))
}

/** What an attempt's end means to the pauses of the offering and its provider. */
const updateHealth = (
  { health, policy, clock }: Pick<Run<unknown, unknown>, 'health' | 'policy' | 'clock'>,
  { offering }: RankedCandidate,
  { failure, begunMs }: Attempt,
): void => {
  const nowMs = clock.now()
  if (!failure) {
    health.resume(offering.configKey, begunMs)
    health.resume(offering.provider, begunMs)
    return
  }
  const { effect } = FAILURE_RULES[failure.kind]
  if (effect === 'cool_down') {
    const wantedMs = failure.details.retryAfterMs ?? policy.rateLimitPauseMs
    const untilMs = nowMs + Math.min(wantedMs, policy.longestRateLimitPauseMs)
    health.pause(offering.configKey, { reason: 'rate_limited', sinceMs: nowMs, untilMs })
  }
  if (effect === 'take_out') {
    const untilMs = nowMs + policy.takeOutMs
    health.pause(offering.provider, { reason: 'taken_out', sinceMs: nowMs, untilMs })
  }
}

const AMBIGUOUS_KINDS: readonly FailureKind[] = ['timeout', 'network']

const stopsAsAmbiguous = (
  { offering }: RankedCandidate,
  { details }: ProviderError,
  policy: RoutingPolicy,
): boolean =>
  details.workMayExist &&
  AMBIGUOUS_KINDS.includes(details.kind) &&
  (offering.ambiguous ?? policy.ambiguous) === 'stop'

/** Where the chain goes on after this failure; `undefined`: it ends. */
const nextInChain = (
  { policy, ranked }: Pick<Run<unknown, unknown>, 'policy' | 'ranked'>,
  chain: Chain,
  candidate: RankedCandidate,
  failure: ProviderError,
): Chain | undefined => {
  if (stopsAsAmbiguous(candidate, failure, policy)) return undefined
  switch (FAILURE_RULES[failure.kind].failover) {
    case 'yes':
      return chain.refusedBy === undefined ? { place: chain.place + 1 } : undefined
    case 'no':
      return undefined
    case 'moderation_policy': {
      if (policy.moderationFailover === 'off' || chain.refusedBy !== undefined) return undefined
      const refusedBy = candidate.offering.provider
      const place = ranked.findIndex(
        ({ offering }, index) => index > chain.place && offering.provider !== refusedBy,
      )
      return place === -1 ? undefined : { place, refusedBy }
    }
  }
}

const runCall = async <Answer, Item>(
  run: Run<Answer, Item>,
  chain: Chain,
  candidate: RankedCandidate,
  count: number,
): Promise<readonly Item[]> => {
  const { attempt, items } = await runAttempt(run.work, run, candidate, count)
  run.onAttempt(attempt, candidate)
  if (attempt.fault) {
    run.fault ??= attempt.fault
    return []
  }
  updateHealth(run, candidate, attempt)
  const missing = count - items.length
  if (missing <= 0) return items
  const next = attempt.failure
    ? nextInChain(run, chain, candidate, attempt.failure)
    : { ...chain, place: chain.place + 1 }
  return next ? [...items, ...(await runChain(run, next, missing))] : items
}

/** Timers may fire a little early: without a least time, a deadline's own failure would start another attempt. */
const isTimeUp = (
  {
    clock,
    deadlineMs,
    leastAttemptMs,
  }: Pick<Run<unknown, unknown>, 'clock' | 'deadlineMs' | 'leastAttemptMs'>,
  { place }: Chain,
): boolean => {
  const leftMs = deadlineMs - clock.monotonicMs()
  return leftMs <= 0 || (place > 0 && leftMs < leastAttemptMs)
}

const runChain = async <Answer, Item>(
  run: Run<Answer, Item>,
  chain: Chain,
  count: number,
): Promise<readonly Item[]> => {
  const candidate = run.ranked[chain.place]
  if (!candidate || run.gone.aborted || run.fault || isTimeUp(run, chain)) return []
  const calls = splitCount(count, candidate.mapped.imagesPerCall)
  const results = await Promise.all(calls.map((size) => runCall(run, chain, candidate, size)))
  return results.flat()
}

/**
 * Tries candidates in order until there are `count` items, nothing is left, a failure forbids another try, the deadline
 * passes or the client leaves. Where a call makes fewer images than are wanted, several calls run side by side, each
 * with a chain of its own. What failed is told through `onAttempt`; rejects only when a `GatewayError` of the work left no
 * item at all.
 */
export const runAttempts = async <Answer, Item>(
  input: FailoverInput<Answer, Item>,
): Promise<readonly Item[]> => {
  const run: Run<Answer, Item> = { ...input }
  const items = await runChain(run, { place: 0 }, input.count)
  if (run.fault && items.length === 0) throw run.fault
  return items
}
