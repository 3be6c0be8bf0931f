import type { Attempt, AttemptWork } from './attempt.ts'
import type { Candidate } from './candidates.ts'
import type { RankedOption } from './rank-options.ts'
import { type TrackedAttempt, type TrackedWork, trackAttempt } from './tracked-attempt.ts'

/**
 * Sends a copy of a request to a provider whose breaker is open, to find out if it is back, beside the attempt that serves
 * the client. One image, which nobody sees; the tracker learns from it. Ends after the time that is usual there.
 */
export const sendProbe = <Answer, Item>(
  context: TrackedAttempt<Answer, Item> & { readonly work: TrackedWork<Answer, Item> },
  { option }: RankedOption<Candidate>,
  onProbe: (attempt: Attempt) => void,
): void => {
  const { work, routing } = context
  const discarding: AttemptWork<Answer, never> = {
    generate: (candidate, count, attempt) => work.probe(candidate, count, attempt),
    deliver: async (candidate) => ({ items: [], cost: work.priceOf(candidate, 1), fetchMs: 0 }),
    priceOf: work.priceOf,
    observe: (candidate, begin, make) =>
      work.observe?.(candidate, { ...begin, isProbe: true }, make) ?? make(),
  }
  // Neither the client's deadline nor its leaving is the probe's: it is paid for to be learnt from.
  const { timeoutMs } = routing.tracker.estimateOf(option.cell, routing.clock.nowMs())
  const deadlineMs = context.clock.monotonicMs() + 2 * routing.clock.toReal(timeoutMs)
  const limits = { ...context, deadlineMs, gone: routing.closing, work: discarding }
  const order = {
    candidate: option,
    count: 1,
    timeoutMs,
    reason: 'probe' as const,
    isFirst: false,
    isProbe: true,
  }
  trackAttempt(limits, order).then(({ attempt }) => onProbe(attempt))
}
