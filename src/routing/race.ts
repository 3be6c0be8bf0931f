import { setTimeout as sleep } from 'node:timers/promises'
import { FAILURE_RULES } from '#src/domain/errors.ts'
import type { AttemptResult } from './attempt.ts'
import type { Candidate } from './candidates.ts'
import {
  chooseHedge,
  type HedgeAllowance,
  type HedgeDecision,
  hedgeAfterMs,
  mayHedge,
} from './hedge.ts'
import type { RankedOption, Situation } from './rank-options.ts'
import type { Routing } from './routing.ts'
import { type AttemptOrder, type TrackedAttempt, trackAttempt } from './tracked-attempt.ts'

/** One attempt of a race, with whom it was made. */
export interface Runner<Item> {
  readonly candidate: Candidate
  readonly result: AttemptResult<Item>
  /** Whether it was cancelled because the other one won. */
  readonly hasLost: boolean
}

export interface RaceContext<Answer, Item> extends TrackedAttempt<Answer, Item> {
  readonly hedges: HedgeAllowance
  /** Told when a second attempt is begun. */
  readonly onDecision: (decision: HedgeDecision<Candidate>) => void
}

type Running = Promise<AttemptResult<unknown>>

/** Whether nobody else would have been asked after this: a refusal is not raced against. */
const isFinal = ({ attempt: { failure, fault } }: AttemptResult<unknown>): boolean =>
  fault !== undefined || (failure !== undefined && FAILURE_RULES[failure.kind].failover !== 'yes')

/** Resolves once one of them has brought items, the first has ended for good, or none is left. */
const untilDecided = (first: Running, second: Running): Promise<void> =>
  new Promise((resolve) => {
    let left = 2
    const onEnd = (isDecided: boolean): void => {
      left -= 1
      if (isDecided || left === 0) resolve()
    }
    first.then((result) => onEnd(result.items.length > 0 || isFinal(result)))
    second.then(({ items }) => onEnd(items.length > 0))
  })

/** Whether the attempt is still under way after `ms` real milliseconds. */
const isSlow = async (attempt: Promise<unknown>, ms: number): Promise<boolean> => {
  const timer = new AbortController()
  const slow = sleep(ms, true, { signal: timer.signal }).catch(() => false)
  const isLeft = await Promise.race([attempt.then(() => false), slow])
  timer.abort()
  return isLeft
}

/** The winner's image waits no longer than this for the loser to confirm that it was cancelled, in real ms. */
const loserGraceMs = ({ clock, policy }: Routing): number => clock.toReal(policy.loserGraceMs)

/**
 * Makes an attempt, and where the request allows it and the attempt is slower than usual, a second one beside it at
 * another provider. The first to bring items wins, the other is cancelled. In the order of their begin.
 */
export const race = async <Answer, Item>(
  context: RaceContext<Answer, Item>,
  order: AttemptOrder,
  ranked: RankedOption<Candidate>,
  situationNow: () => Situation<Candidate>,
): Promise<readonly Runner<Item>[]> => {
  const { routing, gone } = context
  if (!mayHedge(order.candidate, situationNow())) {
    const result = await trackAttempt(context, order)
    return [{ candidate: order.candidate, result, hasLost: false }]
  }
  const lost = new AbortController()
  const raced = {
    ...context,
    gone: AbortSignal.any([gone, lost.signal]),
    cancelGraceMs: () => (lost.signal.aborted ? loserGraceMs(routing) : context.cancelGraceMs()),
  }
  const first = trackAttempt(raced, order)
  const runner = async (candidate: Candidate, run: typeof first): Promise<Runner<Item>> => {
    const result = await run
    const hasLost = lost.signal.aborted && result.attempt.status === 'cancelled'
    return { candidate, result, hasLost }
  }
  const only = async () => [await runner(order.candidate, first)]
  const waitMs = routing.clock.toReal(hedgeAfterMs(ranked, situationNow()))
  if (!(await isSlow(first, waitMs)) || gone.aborted) return only()
  const now = situationNow()
  const options = now.options.filter(({ mapped }) => mapped.imagesPerCall >= order.count)
  const situation = { ...now, options }
  const rival = chooseHedge(ranked, situation)
  if (!rival || situation.leftMs < situation.policy.leastAttemptMs || !context.hedges.spend()) {
    return only()
  }
  context.onDecision(rival)
  const second = trackAttempt(raced, {
    ...order,
    candidate: rival.chosen.option,
    timeoutMs: rival.timeoutMs,
    isFirst: false,
    isProbe: false,
  })
  await untilDecided(first, second)
  lost.abort()
  return [await runner(order.candidate, first), await runner(rival.chosen.option, second)]
}
