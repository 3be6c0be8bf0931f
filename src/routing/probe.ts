import type { Attempt, AttemptWork } from './attempt.ts'
import type { Candidate } from './candidates.ts'
import type { RankedOption } from './rank-options.ts'
import { type TrackedAttempt, trackAttempt } from './tracked-attempt.ts'

/**
 * Sends a copy of a request to a provider whose breaker is open, to find out if it is back, beside the attempt that serves
 * the client. One image, which nobody sees; the tracker learns from it. Ends with the client, or after its own time.
 */
export const sendProbe = <Answer, Item>(
  context: TrackedAttempt<Answer, Item>,
  { option, score }: RankedOption<Candidate>,
  onProbe: (attempt: Attempt) => void,
): void => {
  const { work, routing } = context
  const discarding: AttemptWork<Answer, never> = {
    generate: (candidate, count, attempt) => work.probe(candidate, count, attempt),
    deliver: async (candidate) => ({ items: [], cost: work.priceOf(candidate, 1), fetchMs: 0 }),
    probe: work.probe,
    priceOf: work.priceOf,
  }
  // The client's deadline is not the probe's: it may run on after the answer.
  const deadlineMs = context.clock.monotonicMs() + 2 * routing.clock.toReal(score.timeoutMs)
  const gone = AbortSignal.any([context.gone, routing.closing])
  const limits = { ...context, deadlineMs, gone, work: discarding }
  const order = {
    candidate: option,
    count: 1,
    timeoutMs: score.timeoutMs,
    isFirst: false,
    isProbe: true,
  }
  trackAttempt(limits, order).then(({ attempt }) => onProbe(attempt))
}
