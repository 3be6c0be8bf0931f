import { failuresOf, HISTORY_MS, type OutcomeCounts } from '#src/domain/provider-stats.ts'

/** More attempts than one cell sees in a day. */
const MOST_ATTEMPTS = 1e7
/** Longer than any attempt takes, in ms, and the logarithm of that. */
const LONGEST_MS = HISTORY_MS
const LONGEST_LOG = Math.log(LONGEST_MS)
/** Sums are rounded, each attempt's part by half a unit at most. */
const ROUNDING = 1e-3

const isWithin = (value: number, least: number, most: number): boolean =>
  value >= least - ROUNDING * (1 + Math.abs(least)) &&
  value <= most + ROUNDING * (1 + Math.abs(most))

/**
 * Whether counts can be what somebody saw: no sum is negative, and each is one that so many attempts can make. Counts come
 * from a place that anybody can write to, and one that cannot be true would outweigh everything that was seen.
 */
export const areCredible = (counts: Readonly<OutcomeCounts>): boolean => {
  const { success, outage, timeout, empty, rate_limited, refused } = counts
  const attempts = [success, outage, timeout, empty, rate_limited, refused]
  if (!attempts.every((count) => isWithin(count, 0, MOST_ATTEMPTS))) return false
  const { logLatency, logLatencySquared, successMs, failureMs } = counts
  const leastSquares = success > 0 ? logLatency ** 2 / success : 0
  return (
    isWithin(logLatency, 0, success * LONGEST_LOG) &&
    isWithin(logLatencySquared, leastSquares, success * LONGEST_LOG ** 2) &&
    isWithin(successMs, 0, success * LONGEST_MS) &&
    isWithin(failureMs, 0, failuresOf(counts) * LONGEST_MS)
  )
}
