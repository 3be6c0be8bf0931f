import { FAILURE_RULES, type FailureKind } from '#src/domain/errors.ts'
import { type RoutingPreferences, SORTS, type Sort } from '#src/domain/image-request.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import type { Cell } from '#src/domain/provider-stats.ts'
import type { Estimate } from './estimate.ts'
import { meanOf } from './normal-distribution.ts'
import type { RoutingPolicy } from './policy.ts'
import type { HealthView, ProviderTracker } from './provider-tracker.ts'
import { type Score, SORT_WEIGHTS, scoreTry } from './score.ts'

/** What routing needs to know of an offering that can serve a request. */
export interface RoutingOption {
  readonly cell: Cell
  /** Expected price of one image. */
  readonly pricePerImage: MicroUsd
  /** How much of the request it cannot honour. */
  readonly shortcomings: number
  /** Whether a call that is cancelled under way costs nothing. */
  readonly isCancelFree: boolean
}

/**
 * How ready an option is, best first. `usable`: nothing speaks against it. `busy`: slow start has no room. `open`: the
 * breaker takes it for down. `rate_limited`, `taken_out`: under a pause.
 */
export const STANDINGS = ['usable', 'busy', 'open', 'rate_limited', 'taken_out'] as const
export type Standing = (typeof STANDINGS)[number]

/** An option in its place, with everything that put it there. */
export interface RankedOption<Option extends RoutingOption = RoutingOption> {
  readonly option: Option
  readonly score: Score
  readonly standing: Standing
  /** How much slower than usual a try is taken to be, as others queue there; 1: nobody does. */
  readonly crowding: number
  readonly health: HealthView
  /** How often this chain has tried its provider. */
  readonly tries: number
}

/** What one chain of attempts has done so far. */
export interface ChainHistory {
  /** In order. */
  readonly tries: readonly ChainTry[]
  /** Provider that refused the content, once another is being asked. */
  readonly refusedBy?: string
}

export interface ChainTry {
  readonly provider: string
  /** Counts neither as an attempt nor as a try of its provider. */
  readonly isRateLimited: boolean
  /** Whether another try there makes no sense. */
  readonly isFinal: boolean
}

export const NO_HISTORY: ChainHistory = { tries: [] }

/** The history after one more try, which ended in a failure of this kind; absent: in too few images. */
export const withTry = (
  history: ChainHistory,
  provider: string,
  failure?: FailureKind,
): ChainHistory => ({
  ...history,
  tries: [
    ...history.tries,
    {
      provider,
      isRateLimited: failure === 'rate_limited',
      isFinal: failure !== undefined && FAILURE_RULES[failure].takesOut,
    },
  ],
})

/** What a choice is made from. */
export interface Situation<Option extends RoutingOption = RoutingOption> {
  readonly options: readonly Option[]
  readonly preferences: RoutingPreferences
  readonly history: ChainHistory
  /** Time until the request's deadline. */
  readonly leftMs: number
  readonly nowMs: number
  readonly tracker: ProviderTracker
  readonly policy: RoutingPolicy
  /** Uniform in [0, 1). */
  readonly random: () => number
}

export const triesOf = ({ tries }: ChainHistory, provider: string): number =>
  tries.filter((entry) => entry.provider === provider && !entry.isRateLimited).length

const standingOf = (
  { cell }: RoutingOption,
  health: HealthView,
  { history, preferences }: Situation,
): Standing => {
  if (health.pause) return health.pause.reason
  if (health.isOpen) return 'open'
  const isFirstTry = history.tries.length === 0
  const isWished = preferences.order?.includes(cell.provider) ?? false
  const isFull = health.firstInFlight >= health.slowStartLimit
  return isFirstTry && !isWished && isFull ? 'busy' : 'usable'
}

/** Place in `provider.order`; those not named come after all that are. */
const placeInOrder = ({ order = [] }: RoutingPreferences, provider: string): number => {
  const place = order.indexOf(provider)
  return place === -1 ? order.length : place
}

/** Little's law: as many are in flight as begin in the time that one takes. Those beyond it wait in a queue. */
const crowdingOf = (
  { success, latency, failureMs }: Estimate,
  { inFlight, endsPerMs }: HealthView,
  { freeInFlight, loadMargin }: RoutingPolicy,
): number => {
  const usualMs = success * meanOf(latency) + (1 - success) * failureMs
  return Math.max(1, inFlight / (freeInFlight + endsPerMs * usualMs) / loadMargin)
}

const slowedBy = (calm: Estimate, crowding: number): Estimate =>
  crowding === 1
    ? calm
    : { ...calm, latency: { ...calm.latency, logMean: calm.latency.logMean + Math.log(crowding) } }

/** A client that allows one try wants that provider, however it stands. */
const compareStanding = (
  left: RankedOption,
  right: RankedOption,
  { allowFallbacks }: RoutingPreferences,
): number =>
  allowFallbacks === false
    ? 0
    : STANDINGS.indexOf(left.standing) - STANDINGS.indexOf(right.standing)

/** What is no number comes last. */
const compareScores = ({ score: left }: Score, { score: right }: Score): number => {
  if (Number.isFinite(left) && Number.isFinite(right)) return left - right
  return Number(Number.isFinite(right)) - Number(Number.isFinite(left))
}

const compare = (
  left: RankedOption,
  right: RankedOption,
  preferences: RoutingPreferences,
): number =>
  compareStanding(left, right, preferences) ||
  left.tries - right.tries ||
  placeInOrder(preferences, left.option.cell.provider) -
    placeInOrder(preferences, right.option.cell.provider) ||
  left.option.shortcomings - right.option.shortcomings ||
  compareScores(left.score, right.score)

const DEFAULT_SORT: Sort = SORTS[0]

/**
 * All options in the order in which they would be tried now: the ready ones first, then those not yet tried, then as the
 * client ordered, then those that honour most of the request, then by score.
 */
export const rankOptions = <Option extends RoutingOption>(
  situation: Situation<Option>,
): readonly RankedOption<Option>[] => {
  const { options, preferences, history, leftMs, nowMs, tracker, policy } = situation
  const weights = SORT_WEIGHTS[preferences.sort ?? DEFAULT_SORT]
  return options
    .map((option): RankedOption<Option> => {
      const { cell, pricePerImage } = option
      const tries = triesOf(history, cell.provider)
      const factor = policy.retryFactor ** tries
      const health = tracker.healthOf(cell, nowMs)
      const calm = tracker.estimateOf(cell, nowMs)
      const crowding = crowdingOf(calm, health, policy)
      const estimate = slowedBy(calm, crowding)
      return {
        option,
        score: scoreTry(estimate, { leftMs, pricePerImage, factor }, weights),
        standing: standingOf(option, health, situation),
        crowding,
        health,
        tries,
      }
    })
    .sort((left, right) => compare(left, right, preferences))
}
