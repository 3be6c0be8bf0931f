import { FAILURE_RULES } from '#src/domain/errors.ts'
import {
  type Attempt,
  type AttemptLimits,
  type AttemptResult,
  type AttemptWork,
  runAttempt,
} from './attempt.ts'
import type { Candidate } from './candidates.ts'
import type { Ticket } from './health-book.ts'
import { quantileMs } from './normal-distribution.ts'
import type { AttemptEnd } from './provider-tracker.ts'
import type { Routing } from './routing.ts'

/** What one attempt is made with. */
export interface TrackedAttempt<Answer, Item> extends AttemptLimits {
  readonly work: AttemptWork<Answer, Item>
  readonly routing: Routing
}

export interface AttemptOrder {
  readonly candidate: Candidate
  readonly count: number
  /** In routing's milliseconds. */
  readonly timeoutMs: number
  readonly isFirst: boolean
  readonly isProbe: boolean
}

/** A time limit that is shorter than a usual success there says nothing about the provider. */
const isCutShort = ({ failure }: Attempt, ticket: Ticket, { policy }: Routing, tookMs: number) =>
  failure?.kind === 'timeout' &&
  failure.details.upstreamStatus === undefined &&
  tookMs < quantileMs(ticket.latency, policy.lateSigmas)

/** How an attempt ended, as the tracker sees it. */
const endOf = (attempt: Attempt, ticket: Ticket, routing: Routing): AttemptEnd => {
  const { fromReal } = routing.clock
  const { failure, fault, firstByteMs } = attempt
  const durationMs = fromReal(attempt.providerMs)
  if (fault || attempt.status === 'cancelled') return { outcome: 'abandoned', durationMs }
  if (!failure) {
    const first = firstByteMs === undefined ? {} : { firstByteMs: fromReal(firstByteMs) }
    return { outcome: 'success', durationMs, ...first }
  }
  if (isCutShort(attempt, ticket, routing, durationMs)) return { outcome: 'abandoned', durationMs }
  const { retryAfterMs } = failure.details
  const { outcome } = FAILURE_RULES[failure.kind]
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs: fromReal(retryAfterMs) }
  return { outcome, durationMs, ...wait }
}

const begin = ({ tracker, clock }: Routing, order: AttemptOrder): Ticket => {
  const { candidate, isFirst, isProbe } = order
  return tracker.begin(candidate.cell, { isFirst, isProbe }, clock.nowMs())
}

const settle = (routing: Routing, ticket: Ticket, attempt: Attempt): void => {
  const { tracker, clock } = routing
  const nowMs = clock.nowMs()
  tracker.settle(ticket, endOf(attempt, ticket, routing), nowMs)
  if (attempt.failure && FAILURE_RULES[attempt.failure.kind].takesOut) {
    tracker.takeOut(attempt.provider, nowMs)
  }
}

/** Makes one attempt and tells the tracker of its begin and end. Never rejects. */
export const trackAttempt = async <Answer, Item>(
  context: TrackedAttempt<Answer, Item>,
  order: AttemptOrder,
): Promise<AttemptResult<Item>> => {
  const { routing, work } = context
  const ticket = begin(routing, order)
  const timeoutMs = routing.clock.toReal(order.timeoutMs)
  const result = await runAttempt(work, context, order.candidate, {
    count: order.count,
    timeoutMs,
  })
  settle(routing, ticket, result.attempt)
  return result
}
