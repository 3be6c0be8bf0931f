import type { Offering } from '#src/domain/offering.ts'
import { failuresOf, type OutcomeCounts } from '#src/domain/provider-stats.ts'
import { type Lognormal, quantileMs } from './normal-distribution.ts'
import type { RoutingPolicy } from './policy.ts'

/** What is believed of an offering before anything was seen. */
export interface Prior {
  readonly successRate: number
  readonly successTrials: number
  /** Of pictures at 1K, in ln ms. */
  readonly logLatency: number
  readonly sigma: number
  readonly latencyTrials: number
  readonly failureTrials: number
  /** The longest time-out that makes sense, in ms. */
  readonly longestTimeoutMs: number
}

/** Standard deviations between the median and the 95th percentile. */
const P95_SIGMAS = 1.645

const clamp = (value: number, [least, most]: readonly [number, number]): number =>
  Math.min(most, Math.max(least, value))

/** The model file's figures as a prior, worth as many trials as they were taken from, up to a limit. */
export const priorOf = (performance: Offering['performance'], policy: RoutingPolicy): Prior => {
  if (!performance) {
    return {
      successRate: policy.unknownSuccess,
      successTrials: policy.unknownSuccessTrials,
      logLatency: Math.log(policy.unknownLatencyMs),
      sigma: policy.unknownSigma,
      latencyTrials: policy.unknownLatencyTrials,
      failureTrials: policy.unknownLatencyTrials,
      longestTimeoutMs: policy.longestTimeoutMs,
    }
  }
  const { p50Ms, p95Ms, successRate, requests } = performance
  const trials = Math.min(policy.maxPriorTrials, requests)
  return {
    successRate,
    successTrials: trials,
    logLatency: Math.log(p50Ms),
    sigma: clamp(Math.log(p95Ms / p50Ms) / P95_SIGMAS, policy.sigmaRange),
    latencyTrials: trials,
    failureTrials: policy.slowFailureTrials,
    longestTimeoutMs: Math.max(policy.longestTimeoutMs, p95Ms),
  }
}

/** What was seen of one cell. Sums are decayed to now. */
export interface Evidence {
  readonly fast: Readonly<OutcomeCounts>
  readonly slow: Readonly<OutcomeCounts>
  /** Attempts in flight that are older than a success would be. */
  readonly late: number
  /** The same of the model's other cells at this provider, latencies brought to this cell's scale. */
  readonly siblings: {
    readonly fast: Readonly<OutcomeCounts>
    readonly slow: Readonly<OutcomeCounts>
  }
  /** What pictures of this cell take more than those at 1K, in ln. */
  readonly tierOffset: number
}

/** What one try at an offering promises. */
export interface Estimate {
  /** Probability that a try brings an image, 0 to 1. */
  readonly success: number
  /** The same from the slow window alone: what is normal there. */
  readonly usualSuccess: number
  /** Duration of a success. */
  readonly latency: Lognormal
  /** Expected time until a failure shows, in ms. */
  readonly failureMs: number
  /** What an attempt is given, in ms, unless the request has less left. */
  readonly timeoutMs: number
}

/** Mean of a prior of `trials` and of `count` observations adding up to `sum`. */
const pooled = (prior: number, trials: number, sum: number, count: number): number =>
  trials + count > 0 ? (trials * prior + sum) / (trials + count) : prior

/**
 * What the prior of a cell is worth: what the model file's figures are, which stand for all cells together, and no more
 * than `pooledTrials` once the other cells have been seen as often themselves.
 */
const priorTrials = (own: number, siblings: number, { pooledTrials }: RoutingPolicy): number =>
  Math.max(Math.min(pooledTrials, own + siblings), own - siblings)

const estimateSuccess = (
  prior: Prior,
  { fast, slow, late, siblings }: Evidence,
  policy: RoutingPolicy,
): Pick<Estimate, 'success' | 'usualSuccess'> => {
  const siblingTrials = siblings.slow.success + failuresOf(siblings.slow)
  const mean = pooled(prior.successRate, prior.successTrials, siblings.slow.success, siblingTrials)
  const trials = priorTrials(prior.successTrials, siblingTrials, policy)
  const ownTrials = slow.success + failuresOf(slow)
  const usualSuccess = pooled(mean, trials, slow.success, ownTrials)

  const fastSiblingTrials = siblings.fast.success + failuresOf(siblings.fast)
  const lent = Math.min(1, policy.pooledTrials / fastSiblingTrials || 0)
  const hits = policy.slowSuccessTrials * usualSuccess + fast.success + lent * siblings.fast.success
  const misses =
    policy.slowSuccessTrials * (1 - usualSuccess) +
    failuresOf(fast) +
    late +
    lent * failuresOf(siblings.fast)
  return { success: hits / (hits + misses), usualSuccess }
}

const estimateLatency = (
  prior: Prior,
  { fast, slow, siblings, tierOffset }: Evidence,
  policy: RoutingPolicy,
): Lognormal => {
  const priorMean = prior.logLatency + tierOffset
  const { slow: others } = siblings
  const mean = pooled(priorMean, prior.latencyTrials, others.logLatency, others.success)
  const trials = priorTrials(prior.latencyTrials, others.success, policy)
  const slowMean = pooled(mean, trials, slow.logLatency, slow.success)
  const logMean = pooled(slowMean, policy.slowLatencyTrials, fast.logLatency, fast.success)

  const squares =
    slow.logLatencySquared - 2 * slowMean * slow.logLatency + slow.success * slowMean ** 2
  const variance = pooled(prior.sigma ** 2, trials, Math.max(0, squares), slow.success)
  return { logMean, sigma: clamp(Math.sqrt(variance), policy.sigmaRange) }
}

const estimateFailureMs = (
  prior: Prior,
  { fast, slow, siblings }: Evidence,
  policy: RoutingPolicy,
): number => {
  const { slow: others } = siblings
  const mean = pooled(
    policy.priorFailureMs,
    prior.failureTrials,
    others.failureMs,
    failuresOf(others),
  )
  const slowMean = pooled(mean, prior.failureTrials, slow.failureMs, failuresOf(slow))
  return pooled(slowMean, policy.slowFailureTrials, fast.failureMs, failuresOf(fast))
}

/** What one try in a cell promises, by what was believed before and what was seen. Pure. */
export const estimate = (prior: Prior, evidence: Evidence, policy: RoutingPolicy): Estimate => {
  const latency = estimateLatency(prior, evidence, policy)
  const timeoutMs = policy.timeoutMargin * quantileMs(latency, policy.timeoutSigmas)
  return {
    ...estimateSuccess(prior, evidence, policy),
    latency,
    failureMs: estimateFailureMs(prior, evidence, policy),
    timeoutMs: clamp(timeoutMs, [policy.leastTimeoutMs, prior.longestTimeoutMs]),
  }
}
