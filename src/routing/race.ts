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
  /** Attempts of the race that ended before it. */
  readonly endedBefore: number
}

/** What came of a race, in the order in which it is to be judged: whoever ran on after a refusal is the one that follows it. */
export const inOrderOfEnd = <Item>(runners: readonly Runner<Item>[]): readonly Runner<Item>[] =>
  runners.toSorted((left, right) => left.endedBefore - right.endedBefore)

export interface RaceContext<Answer, Item> extends TrackedAttempt<Answer, Item> {
  readonly hedges: HedgeAllowance
  /** Told when a second attempt is begun. */
  readonly onDecision: (decision: HedgeDecision<Candidate>) => void
}

type Running = Promise<Runner<unknown>>

/**
 * Whether nobody else would have been asked after this. A refusal is not raced against, but where one other may be asked
 * after it, the rival is that one.
 */
const isFinal = (
  { attempt: { failure, fault } }: AttemptResult<unknown>,
  { policy }: Routing,
): boolean => {
  if (fault) return true
  if (!failure) return false
  const { failover } = FAILURE_RULES[failure.kind]
  if (failover === 'moderation_policy') return policy.moderationFailover === 'off'
  return failover === 'no'
}

/** Resolves once one of them has brought items, the first has ended for good, or none is left. */
const untilDecided = (first: Running, second: Running, routing: Routing): Promise<void> =>
  new Promise((resolve) => {
    let left = 2
    const onEnd = (isDecided: boolean): void => {
      left -= 1
      if (isDecided || left === 0) resolve()
    }
    first.then(({ result }) => onEnd(result.items.length > 0 || isFinal(result, routing)))
    second.then(({ result }) => onEnd(result.items.length > 0))
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
    return [{ candidate: order.candidate, result, hasLost: false, endedBefore: 0 }]
  }
  const lost = new AbortController()
  const raced = {
    ...context,
    gone: AbortSignal.any([gone, lost.signal]),
    cancelGraceMs: () => (lost.signal.aborted ? loserGraceMs(routing) : context.cancelGraceMs()),
  }
  let ended = 0
  const begin = async (runnerOrder: AttemptOrder): Promise<Runner<Item>> => {
    const result = await trackAttempt(raced, runnerOrder)
    const hasLost = lost.signal.aborted && result.attempt.status === 'cancelled'
    ended += 1
    return { candidate: runnerOrder.candidate, result, hasLost, endedBefore: ended - 1 }
  }
  const first = begin(order)
  const only = async () => [await first]
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
  const second = begin({
    ...order,
    candidate: rival.chosen.option,
    timeoutMs: rival.timeoutMs,
    reason: rival.reason,
    isFirst: false,
    isProbe: false,
  })
  await untilDecided(first, second, routing)
  lost.abort()
  return [await first, await second]
}
