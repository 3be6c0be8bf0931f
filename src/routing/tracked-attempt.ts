import { FAILURE_RULES } from '#src/domain/errors.ts'
import {
  type Attempt,
  type AttemptLimits,
  type AttemptResult,
  type AttemptWork,
  runAttempt,
} from './attempt.ts'
import type { Candidate } from './candidates.ts'
import type { ChoiceReason } from './choose-next.ts'
import type { Ticket } from './health-book.ts'
import type { AttemptEnd } from './provider-tracker.ts'
import type { Routing } from './routing.ts'

/** How attempts are made that routing learns from. */
export interface TrackedWork<Answer, Item> extends AttemptWork<Answer, Item> {
  /** As `generate`, for a copy of the request whose answer nobody sees. */
  readonly probe: AttemptWork<Answer, Item>['generate']
}

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
  /** Why it was chosen. */
  readonly reason: ChoiceReason
  readonly isFirst: boolean
  readonly isProbe: boolean
}

/** What an attempt's end says of its offering. */
export const outcomeOf = ({ failure, fault, status }: Attempt): AttemptEnd['outcome'] => {
  if (fault || status === 'cancelled') return 'abandoned'
  return failure ? FAILURE_RULES[failure.kind].outcome : 'success'
}

/** How an attempt ended, as the tracker sees it. */
const endOf = (attempt: Attempt, { clock: { fromReal } }: Routing): AttemptEnd => {
  const { failure, firstByteMs } = attempt
  const durationMs = fromReal(attempt.providerMs)
  const outcome = outcomeOf(attempt)
  if (outcome === 'abandoned') return { outcome, durationMs }
  if (!failure) {
    const first = firstByteMs === undefined ? {} : { firstByteMs: fromReal(firstByteMs) }
    return { outcome, durationMs, ...first }
  }
  const { retryAfterMs } = failure.details
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
  const { candidate, count, reason } = order
  const result = await runAttempt(work, context, candidate, { count, timeoutMs, reason })
  settle(routing, ticket, result.attempt)
  return result
}
