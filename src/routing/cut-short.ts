import type { Observation, OutcomeCounts } from '#src/domain/provider-stats.ts'
import { addCounts, countsOf, noCounts } from '#src/domain/provider-stats.ts'
import type { Estimate } from './estimate.ts'
import { type Lognormal, normalCdf, normalDensity } from './normal-distribution.ts'

/** A limit further below the usual latency is taken as this, in standard deviations: ratios of tails stay numbers. */
const LEAST_SIGMAS = -5

/** A share below this is taken as this: what divides by it must stay a number. */
const LEAST_SHARE = 1e-6

/** What a success that had to be fast says of all successes: those that are slower were not let finish. */
const countSuccess = (counts: OutcomeCounts, { sigma }: Lognormal, limitSigmas: number): void => {
  const cut = normalDensity(limitSigmas) / normalCdf(limitSigmas)
  const log = counts.logLatency + sigma * cut
  counts.logLatency = log
  counts.logLatencySquared = log * log + sigma * sigma * cut * (limitSigmas + cut)
}

/**
 * What an attempt teaches that was given only `limitMs`, less than the usual time. A success counts in full, its latency
 * raised by what successes within such a limit are faster than all; an end without an image counts as a failure only
 * in part, as more time might have brought one. So, as long as `believed` is right, such attempts move it nowhere on average,
 * however short their limits are; where it is wrong, they correct it.
 */
export const countsWithin = (
  observation: Observation,
  believed: Pick<Estimate, 'success' | 'latency'>,
  limitMs: number,
): OutcomeCounts => {
  const { latency, success } = believed
  const sigmas = (Math.log(limitMs) - latency.logMean) / latency.sigma
  const limitSigmas = Math.max(LEAST_SIGMAS, sigmas)
  const counts = countsOf(observation)
  if (observation.outcome === 'success') {
    countSuccess(counts, latency, limitSigmas)
    return counts
  }
  const inTime = normalCdf(limitSigmas)
  const share = (inTime * (1 - success)) / Math.max(LEAST_SHARE, 1 - success * inTime)
  const part = noCounts()
  addCounts(part, counts, share)
  return part
}
