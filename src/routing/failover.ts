import { randomUUID } from 'node:crypto'
import type { Clock } from '#src/domain/clock.ts'
import { FAILURE_RULES, type FailureKind, GatewayError, ProviderError } from '#src/domain/errors.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import type { ProviderHealth } from '#src/domain/provider-health.ts'
import type { RoutingPolicy } from './policy.ts'
import type { RankedCandidate } from './rank.ts'

/** One try at one offering, as it ended. */
export interface Attempt {
  readonly id: string
  readonly provider: string
  readonly configKey: string
  readonly status: 'completed' | 'failed' | 'cancelled'
  /** Absent: it completed. */
  readonly failure?: ProviderError
  /** What was thrown when it was no `ProviderError`: a bug, for the log. */
  readonly unexpected?: unknown
  /** Images asked of it. */
  readonly count: number
  readonly durationMs: number
  /** What it cost, or may have cost when it failed after the provider had begun. */
  readonly cost: MicroUsd
}

/** What an attempt is given, besides the candidate and the number of images. */
export interface AttemptContext {
  readonly attemptId: string
  /** Aborted when the client left or the attempt's time is up. */
  readonly signal: AbortSignal
  readonly timeoutMs: number
}

/** What one attempt brought: items, and what they cost. */
export interface AttemptYield<Item> {
  readonly items: readonly Item[]
  readonly cost: MicroUsd
}

export interface FailoverInput<Item> {
  /** In the order of trying. Each is tried at most once for each image. */
  readonly ranked: readonly RankedCandidate[]
  /** Items wanted in all. */
  readonly count: number
  /**
   * Runs one attempt. Rejects with `ProviderError`; or with `GatewayError` when the gateway itself cannot go on, which
   * ends the request: another provider would be paid for nothing.
   */
  readonly execute: (
    candidate: RankedCandidate,
    count: number,
    context: AttemptContext,
  ) => Promise<AttemptYield<Item>>
  /** Expected price of `count` items at a candidate, for attempts that fail after work may have begun. */
  readonly priceOf: (candidate: RankedCandidate, count: number) => MicroUsd
  /** On the clock's monotonic scale. */
  readonly deadlineMs: number
  /** Aborted when the client went away. */
  readonly clientSignal: AbortSignal
  readonly policy: RoutingPolicy
  readonly health: ProviderHealth
  readonly clock: Clock
  /** Told of each attempt as it ends. */
  readonly onAttempt: (attempt: Attempt, candidate: RankedCandidate) => void
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

const unexpectedFailure = (): ProviderError =>
  new ProviderError({
    kind: 'bad_response',
    workMayExist: true,
    publicMessage: 'The answer could not be handled.',
  })

/** An aborted adapter rejects with `cancelled`; whether the client or the clock did it is known here. */
const nameAbort = (error: ProviderError, clientSignal: AbortSignal): ProviderError =>
  error.kind !== 'cancelled' || clientSignal.aborted
    ? error
    : new ProviderError({
        ...error.details,
        kind: 'timeout',
        publicMessage: 'No answer came in time.',
      })

/** Rejects `graceMs` after the signal aborts, so that an adapter that does not end holds nobody. */
const abandonAfter = (signal: AbortSignal, graceMs: number, done: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const abandon = () =>
      reject(
        new ProviderError({
          kind: 'cancelled',
          workMayExist: true,
          publicMessage: 'The provider did not confirm the cancellation.',
        }),
      )
    const onAbort = () => {
      const timer = setTimeout(abandon, graceMs)
      done.addEventListener('abort', () => clearTimeout(timer), { once: true })
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true, signal: done })
  })

const runAttempt = async <Item>(
  input: FailoverInput<Item>,
  candidate: RankedCandidate,
  count: number,
): Promise<AttemptYield<Item> & { failure?: ProviderError }> => {
  const { policy, clock, clientSignal } = input
  const startMs = clock.monotonicMs()
  const timeoutMs = Math.ceil(Math.min(policy.attemptTimeoutMs, input.deadlineMs - startMs))
  const signal = AbortSignal.any([clientSignal, AbortSignal.timeout(timeoutMs)])
  const done = new AbortController()
  const id = randomUUID()
  const end = (part: Pick<Attempt, 'status' | 'cost' | 'failure' | 'unexpected'>): void => {
    const { provider, configKey } = candidate.offering
    const durationMs = Math.round(clock.monotonicMs() - startMs)
    input.onAttempt({ id, provider, configKey, count, durationMs, ...part }, candidate)
  }
  try {
    const result = await Promise.race([
      input.execute(candidate, count, { attemptId: id, signal, timeoutMs }),
      abandonAfter(signal, policy.cancelGraceMs, done.signal),
    ])
    end({ status: 'completed', cost: result.cost })
    return result
  } catch (error) {
    const known = error instanceof ProviderError ? error : unexpectedFailure()
    const failure = nameAbort(known, clientSignal)
    const cost = failure.details.workMayExist ? input.priceOf(candidate, count) : 0
    const unexpected = known === error ? {} : { unexpected: error }
    end({
      status: failure.kind === 'cancelled' ? 'cancelled' : 'failed',
      cost,
      failure,
      ...unexpected,
    })
    if (error instanceof GatewayError) throw error
    return { items: [], cost, failure }
  } finally {
    done.abort()
  }
}

/** What a failure, or its absence, means to the pauses of the offering and its provider. */
const updateHealth = (
  { health, policy, clock }: Pick<FailoverInput<unknown>, 'health' | 'policy' | 'clock'>,
  { offering }: RankedCandidate,
  failure: ProviderError | undefined,
): void => {
  const nowMs = clock.now()
  if (!failure) {
    health.resume(offering.configKey)
    health.resume(offering.provider)
    return
  }
  const { effect } = FAILURE_RULES[failure.kind]
  if (effect === 'cool_down') {
    const wantedMs = failure.details.retryAfterMs ?? policy.rateLimitPauseMs
    const untilMs = nowMs + Math.min(wantedMs, policy.longestRateLimitPauseMs)
    health.pause(offering.configKey, { reason: 'rate_limited', untilMs })
  }
  if (effect === 'take_out') {
    health.pause(offering.provider, { reason: 'taken_out', untilMs: nowMs + policy.takeOutMs })
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
const nextInChain = <Item>(
  input: FailoverInput<Item>,
  chain: Chain,
  candidate: RankedCandidate,
  failure: ProviderError,
): Chain | undefined => {
  const next: Chain = { ...chain, place: chain.place + 1 }
  if (stopsAsAmbiguous(candidate, failure, input.policy)) return undefined
  switch (FAILURE_RULES[failure.kind].failover) {
    case 'yes':
      return chain.refusedBy === undefined ? next : undefined
    case 'no':
      return undefined
    case 'moderation_policy': {
      if (input.policy.moderationFailover === 'off' || chain.refusedBy !== undefined)
        return undefined
      const refusedBy = candidate.offering.provider
      const place = input.ranked.findIndex(
        ({ offering }, index) => index > chain.place && offering.provider !== refusedBy,
      )
      return place === -1 ? undefined : { place, refusedBy }
    }
  }
}

const runCall = async <Item>(
  input: FailoverInput<Item>,
  chain: Chain,
  candidate: RankedCandidate,
  count: number,
): Promise<readonly Item[]> => {
  const { items, failure } = await runAttempt(input, candidate, count)
  updateHealth(input, candidate, failure)
  const missing = count - items.length
  if (missing <= 0) return items
  const next = failure
    ? nextInChain(input, chain, candidate, failure)
    : { ...chain, place: chain.place + 1 }
  return next ? [...items, ...(await runChain(input, next, missing))] : items
}

/** Timers may fire a little early: without a least time, a deadline's own failure would start another attempt. */
const isTimeUp = (
  { clock, deadlineMs, policy }: Pick<FailoverInput<unknown>, 'clock' | 'deadlineMs' | 'policy'>,
  { place }: Chain,
): boolean => {
  const leftMs = deadlineMs - clock.monotonicMs()
  return leftMs <= 0 || (place > 0 && leftMs < policy.leastAttemptMs)
}

const runChain = async <Item>(
  input: FailoverInput<Item>,
  chain: Chain,
  count: number,
): Promise<readonly Item[]> => {
  const candidate = input.ranked[chain.place]
  if (!candidate || input.clientSignal.aborted || isTimeUp(input, chain)) return []
  const calls = splitCount(count, candidate.mapped.imagesPerCall)
  const results = await Promise.all(calls.map((size) => runCall(input, chain, candidate, size)))
  return results.flat()
}

/**
 * Tries candidates in order until there are `count` items, nothing is left, a failure forbids another try, the deadline
 * passes or the client leaves. Where a call makes fewer images than are wanted, several calls run side by side, each
 * with a chain of its own. What failed is told through `onAttempt`; rejects only with a `GatewayError` of `execute`.
 */
export const runAttempts = <Item>(input: FailoverInput<Item>): Promise<readonly Item[]> =>
  runChain(input, { place: 0 }, input.count)
