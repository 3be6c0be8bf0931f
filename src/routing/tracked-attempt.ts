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

/** How an attempt ended, as the tracker sees it. */
const endOf = (attempt: Attempt, { clock: { fromReal } }: Routing): AttemptEnd => {
  const { failure, fault, firstByteMs } = attempt
  const durationMs = fromReal(attempt.providerMs)
  if (fault || attempt.status === 'cancelled') return { outcome: 'abandoned', durationMs }
  if (!failure) {
    const first = firstByteMs === undefined ? {} : { firstByteMs: fromReal(firstByteMs) }
    return { outcome: 'success', durationMs, ...first }
  }
  const { retryAfterMs } = failure.details
  const { outcome } = FAILURE_RULES[failure.kind]
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs: fromReal(retryAfterMs) }
  return { outcome, durationMs, ...wait }
}

const begin = ({ tracker, clock }: Routing, order: AttemptOrder): Ticket => {
  const { candidate, isFirst, isProbe, timeoutMs: limitMs } = order
  return tracker.begin(candidate.cell, { isFirst, isProbe, limitMs }, clock.nowMs())
}

const settle = (routing: Routing, ticket: Ticket, attempt: Attempt): void => {
  const { tracker, clock } = routing
  const nowMs = clock.nowMs()
  tracker.settle(ticket, endOf(attempt, routing), nowMs)
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
  const { candidate, count } = order
  const result = await runAttempt(work, context, candidate, { count, timeoutMs })
  settle(routing, ticket, result.attempt)
  return result
}
