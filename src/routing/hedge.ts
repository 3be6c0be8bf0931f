import { quantileMs } from './normal-distribution.ts'
import type { RoutingPolicy } from './policy.ts'
import {
  type RankedOption,
  type RoutingOption,
  rankOptions,
  type Situation,
  withTry,
} from './rank-options.ts'

/** Where the right to begin one comes from. */
export interface HedgeAllowance {
  /** True: there was one, and it is spent. */
  spend(): boolean
}

/** At most one of another allowance: a request hedges once. */
export const onceFrom = (allowance: HedgeAllowance): HedgeAllowance => {
  let isSpent = false
  return {
    spend: () => {
      if (isSpent || !allowance.spend()) return false
      isSpent = true
      return true
    },
  }
}

/** Hedges that may still be begun: each request earns a fraction of one, up to a limit. One per gateway. */
export class HedgeBudget implements HedgeAllowance {
  readonly #policy: RoutingPolicy
  #saved: number

  constructor(policy: RoutingPolicy) {
    this.#policy = policy
    this.#saved = policy.hedgeSavings
  }

  earn(): void {
    this.#saved = Math.min(this.#policy.hedgeSavings, this.#saved + this.#policy.hedgeEarned)
  }

  spend(): boolean {
    if (this.#saved < 1) return false
    this.#saved -= 1
    return true
  }
}

/** Whether the request lets a second attempt run beside this one, one of which will be cancelled. */
export const mayHedge = (
  option: RoutingOption,
  { preferences: { hedge, allowFallbacks } }: Pick<Situation, 'preferences'>,
): boolean =>
  allowFallbacks !== false && (hedge === 'billed' || (hedge === true && option.isCancelFree))

/** Age in ms at which an attempt is slower than a success there nearly always is. */
export const hedgeAfterMs = (
  running: RankedOption,
  { tracker, nowMs, policy }: Situation,
): number => quantileMs(tracker.estimateOf(running.option.cell, nowMs).latency, policy.hedgeSigmas)

/** The start of a hedge, as a decision like any other. */
export interface HedgeDecision<Option extends RoutingOption = RoutingOption> {
  readonly type: 'try'
  readonly chosen: RankedOption<Option>
  readonly reason: 'hedge'
  readonly timeoutMs: number
  readonly ranking: readonly RankedOption<Option>[]
}

/**
 * Whom a slow attempt is to race against: the best that is ready, untried and at another provider. Nobody, once the
 * content was refused: one other provider is asked then, and not two.
 */
export const chooseHedge = <Option extends RoutingOption>(
  running: RankedOption<Option>,
  situation: Situation<Option>,
): HedgeDecision<Option> | undefined => {
  const { provider } = running.option.cell
  if (situation.history.refusedBy !== undefined) return undefined
  const history = withTry(situation.history, provider)
  const ranking = rankOptions({ ...situation, history })
  const chosen = ranking.find(
    ({ option, standing, tries, score, health }) =>
      standing === 'usable' &&
      health.firstInFlight < health.slowStartLimit &&
      tries === 0 &&
      score.inTime >= situation.policy.leastFinishProbability &&
      mayHedge(option, situation),
  )
  if (!chosen) return undefined
  return { type: 'try', chosen, reason: 'hedge', timeoutMs: chosen.score.timeoutMs, ranking }
}
