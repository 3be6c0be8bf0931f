import { quantileMs } from './normal-distribution.ts'
import {
  type ChainHistory,
  type RankedOption,
  type RoutingOption,
  rankOptions,
  type Situation,
} from './rank-options.ts'

/** Why this option and not the one with the best score. */
export type ChoiceReason = 'best' | 'stale' | 'probe' | 'last_resort' | 'hedge'

/** What comes next in a chain of attempts. */
export type Decision<Option extends RoutingOption = RoutingOption> =
  | {
      readonly type: 'try'
      readonly chosen: RankedOption<Option>
      readonly reason: ChoiceReason
      /** Time that the attempt is given. */
      readonly timeoutMs: number
      /** Where a paid copy of the request is to be sent, to find out if the provider is back. */
      readonly probe?: RankedOption<Option>
      readonly ranking: readonly RankedOption<Option>[]
    }
  /** Every candidate is rate limited, and one of them soon no longer. */
  | {
      readonly type: 'wait'
      readonly waitMs: number
      readonly ranking: readonly RankedOption<Option>[]
    }
  | {
      readonly type: 'stop'
      /**
       * `exhausted`: nothing is left to try. `no_time`: nothing would finish. `rate_limited`: all that is left is, for
       * longer than can be waited.
       */
      readonly reason: 'exhausted' | 'no_time' | 'rate_limited'
      /** Until the first of the rate limits ends; absent: there is none. */
      readonly retryAfterMs?: number
      readonly ranking: readonly RankedOption<Option>[]
    }

const attemptsOf = ({ tries }: ChainHistory): number =>
  tries.filter(({ isRateLimited }) => !isRateLimited).length

/** Whether this chain may try the option at all. */
const isAllowed = ({ option, tries }: RankedOption, situation: Situation): boolean => {
  const { history, policy, preferences } = situation
  const { provider } = option.cell
  if (provider === history.refusedBy) return false
  if (history.tries.some((entry) => entry.provider === provider && entry.isFinal)) return false
  const maxTries = preferences.allowFallbacks === false ? 1 : policy.maxTriesPerProvider
  return tries < maxTries
}

const canFinish = ({ score }: RankedOption, { policy }: Situation): boolean =>
  score.inTime >= policy.leastFinishProbability

/** Until when it is to be left alone. */
const untilMsOf = ({ health }: RankedOption): number =>
  health.pause?.untilMs ?? health.nextTurnMs ?? 0

/** Whether it comes back from a rate limit. */
const isResuming = ({ health }: RankedOption): boolean => health.nextTurnMs !== undefined

/**
 * Those without a pause that may be tried now. Where nothing else is up than what comes back from a rate limit, many have
 * waited for that, and take turns.
 */
const pickReady = <Option extends RoutingOption>(
  options: readonly RankedOption<Option>[],
  nowMs: number,
): readonly RankedOption<Option>[] => {
  const ready = options.filter(({ health }) => !health.pause)
  const isElsewhere = ready.some((entry) => entry.standing !== 'open' && !isResuming(entry))
  return isElsewhere ? ready : ready.filter((entry) => untilMsOf(entry) <= nowMs)
}

/**
 * For a first try where nothing that is ready would finish in time: of the fittest the best of the chances, or what the client ordered.
 * What is believed of a provider can be wrong, and is only corrected by trying.
 */
const againstTheOdds = <Option extends RoutingOption>(
  allowed: readonly RankedOption<Option>[],
  { history, nowMs, preferences }: Situation<Option>,
): RankedOption<Option> | undefined => {
  if (history.tries.length > 0) return undefined
  const ready = pickReady(allowed, nowMs)
  if (preferences.order) return ready[0]
  const fittest = ready.filter(({ standing }) => standing === ready[0]?.standing)
  return fittest.sort((left, right) => right.score.inTime - left.score.inTime)[0]
}

/** The candidate that nobody tried for longest, if that is long enough ago and chance says so. */
const pickStale = <Option extends RoutingOption>(
  usable: readonly RankedOption<Option>[],
  { history, nowMs, policy, preferences, random }: Situation<Option>,
): RankedOption<Option> | undefined => {
  if (preferences.order || preferences.allowFallbacks === false) return undefined
  const isFirst = history.tries.length === 0
  const fewest = Math.min(...usable.map(({ option }) => option.shortcomings))
  const stale = usable
    .filter(({ option, tries }) => option.shortcomings === fewest && tries === 0)
    .filter(({ score }) => score.inTime >= policy.leastFinishProbability)
    .filter(({ health }) => nowMs - health.lastSeenMs > policy.staleMs)
    .sort((left, right) => left.health.lastSeenMs - right.health.lastSeenMs)[0]
  if (!stale) return undefined
  return random() < (isFirst ? policy.exploreFirst : policy.exploreFailover) ? stale : undefined
}

/**
 * An attempt gets what a success there nearly always keeps to, up to a limit. One that is the only one possible is not
 * held to the limit, and gets at least that: nothing would be tried instead.
 */
const timeoutOf = (
  chosen: RankedOption,
  allowed: readonly RankedOption[],
  { leftMs, nowMs, policy, tracker }: Situation,
): number => {
  if (allowed.length > 1) return chosen.score.timeoutMs
  const { latency } = tracker.estimateOf(chosen.option.cell, nowMs)
  const slowMs = policy.timeoutMargin * quantileMs(latency, policy.timeoutSigmas)
  return Math.min(leftMs, Math.max(slowMs, policy.longestTimeoutMs))
}

/** A pause goes before a probe: a provider that asked to be left alone is. */
const mayProbe = ({ standing, health }: RankedOption): boolean =>
  standing === 'open' && health.hasProbe

const tryOption = <Option extends RoutingOption>(
  chosen: RankedOption<Option>,
  reason: ChoiceReason,
  allowed: readonly RankedOption<Option>[],
  ranking: readonly RankedOption<Option>[],
  situation: Situation<Option>,
): Decision<Option> => {
  const { history, policy, preferences } = situation
  const isFirst = history.tries.length === 0
  const probe =
    isFirst && policy.probe === 'duplicate' && preferences.allowFallbacks !== false
      ? ranking.find((entry) => entry !== chosen && mayProbe(entry))
      : undefined
  const timeoutMs = timeoutOf(chosen, allowed, situation)
  return { type: 'try', chosen, reason, timeoutMs, ranking, ...(probe && { probe }) }
}

/** The one whose pause ends first. */
const firstToResume = <Option extends RoutingOption>(
  paused: readonly RankedOption<Option>[],
): RankedOption<Option> | undefined =>
  [...paused].sort((left, right) => untilMsOf(left) - untilMsOf(right))[0]

/** Nothing but rate-limited candidates: wait for the first, or try the one whose pause ends first. */
const chooseAmongPaused = <Option extends RoutingOption>(
  paused: readonly RankedOption<Option>[],
  ranking: readonly RankedOption<Option>[],
  situation: Situation<Option>,
): Decision<Option> => {
  const { history, leftMs, nowMs, policy } = situation
  const limited = paused.filter((entry) => entry.standing === 'rate_limited' || isResuming(entry))
  const soonest = firstToResume(limited.length > 0 ? limited : paused)
  if (!soonest) return { type: 'stop', reason: 'exhausted', ranking }
  const waitMs = untilMsOf(soonest) - nowMs
  const longestMs = Math.min(policy.longestWaitMs, leftMs - policy.leastLeftAfterWaitMs)
  if (limited.length > 0 && waitMs <= longestMs) return { type: 'wait', waitMs, ranking }
  // Who told this very chain to wait is not asked again before the time.
  const untold = paused.filter(
    ({ option }) =>
      !history.tries.some(
        ({ provider, isRateLimited }) => isRateLimited && provider === option.cell.provider,
      ),
  )
  const lastResort = firstToResume(untold)
  // A pause that is over by its time stops nobody who has no time for his turn.
  const isFresh =
    limited.length === paused.length && history.tries.length === 0 && !limited.some(isResuming)
  if (isFresh || !lastResort) {
    return { type: 'stop', reason: 'rate_limited', retryAfterMs: waitMs, ranking }
  }
  return tryOption(lastResort, 'last_resort', paused, ranking, situation)
}

/**
 * What a chain of attempts does next. The whole policy is here and in `rankOptions`; whoever runs a chain only obeys.
 * Changes nothing: what comes of it is told to the tracker.
 */
export const chooseNext = <Option extends RoutingOption>(
  situation: Situation<Option>,
): Decision<Option> => {
  const { history, leftMs, nowMs, policy, preferences } = situation
  const ranking = rankOptions(situation)
  const isFirst = history.tries.length === 0
  const stop = (reason: 'exhausted' | 'no_time'): Decision<Option> => {
    const limited = ranking.filter(({ standing }) => standing === 'rate_limited')
    const untilMs = firstToResume(limited)?.health.pause?.untilMs
    const wait = untilMs === undefined ? {} : { retryAfterMs: untilMs - situation.nowMs }
    return { type: 'stop', reason, ranking, ...wait }
  }
  if (history.tries.length >= policy.maxCalls || attemptsOf(history) >= policy.maxAttempts) {
    return stop('exhausted')
  }
  if (!isFirst && preferences.allowFallbacks === false) return stop('exhausted')
  if (leftMs <= 0 || (!isFirst && leftMs < policy.leastAttemptMs)) return stop('no_time')

  const eligible = preferences.allowFallbacks === false ? ranking.slice(0, 1) : ranking
  const allowed = eligible.filter((entry) => isAllowed(entry, situation))
  if (allowed.length === 0) return stop('exhausted')
  const feasible = allowed.filter((entry) => canFinish(entry, situation))
  if (!isFirst && feasible.length === 0) return stop('no_time')

  const live = policy.probe === 'live' && isFirst ? feasible.find(mayProbe) : undefined
  if (live) {
    return tryOption(live, 'probe', feasible, ranking, situation)
  }
  const ready = pickReady(feasible, nowMs)
  const usable = ready.filter(({ standing }) => standing === 'usable')
  const stale = pickStale(usable, situation)
  if (stale) return tryOption(stale, 'stale', feasible, ranking, situation)
  const best = ready[0]
  // What is down finishes nothing, however fast it was.
  const isDown = isFirst && best?.standing === 'open'
  const isFitter = isDown && pickReady(allowed, nowMs).some(({ standing }) => standing !== 'open')
  if (best && !isFitter) return tryOption(best, 'best', feasible, ranking, situation)
  const isHeld = !best && feasible.some(({ health }) => !health.pause)
  const unlikely = isHeld ? undefined : againstTheOdds(allowed, situation)
  if (unlikely) return tryOption(unlikely, 'last_resort', allowed, ranking, situation)
  const left = isFirst && !isHeld ? allowed : feasible
  return chooseAmongPaused(left, ranking, situation)
}
