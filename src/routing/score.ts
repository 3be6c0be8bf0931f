import type { Sort } from '#src/domain/image-request.ts'
import { type MicroUsd, usdFromMicroUsd } from '#src/domain/money.ts'
import type { Estimate } from './estimate.ts'
import { probabilityWithin, truncatedMean } from './normal-distribution.ts'

/** What a second, a dollar and an attempt weigh against each other. */
export interface SortWeights {
  readonly time: number
  /** Seconds that a US dollar is worth. */
  readonly secondsPerUsd: number
  /** Seconds that an attempt is worth in itself. */
  readonly secondsPerAttempt: number
}

/** One formula serves every sort. */
export const SORT_WEIGHTS: Readonly<Record<Sort, SortWeights>> = {
  latency: { time: 1, secondsPerUsd: 0, secondsPerAttempt: 3 },
  balanced: { time: 1, secondsPerUsd: 500, secondsPerAttempt: 3 },
  price: { time: 0.001, secondsPerUsd: 1_000, secondsPerAttempt: 0 },
  success: { time: 0.02, secondsPerUsd: 0, secondsPerAttempt: 100 },
}

/** Share of failures that are billed all the same, until it is measured. */
const BILLED_FAILURES = 0.3

/** What a try costs and promises, and how that makes its score. Smaller is better. */
export interface Score {
  /** Expected cost of one try divided by the probability that it brings an image, in weighted seconds. */
  readonly score: number
  /** Probability that a try brings an image, a second try's penalty included. */
  readonly success: number
  /** Probability that a success comes within the time it is given. */
  readonly inTime: number
  /** Expected time of a success, cut off at the time it is given, in s. */
  readonly successSeconds: number
  /** Expected time until a failure shows, in s. */
  readonly failureSeconds: number
  /** The three parts of the cost of one try, in weighted seconds. */
  readonly timeCost: number
  readonly moneyCost: number
  readonly attemptCost: number
  /** Time that the try is given, in ms. */
  readonly timeoutMs: number
}

/** A chance below this is taken as this: a score must be a number. */
const LEAST_CHANCE = 1e-6

/**
 * The index of least-cost testing: trying in ascending order of cost / probability minimises the expected cost of
 * getting one image, whatever the costs are made of (D. Blackwell; README.md derives it). Pure.
 */
export const scoreTry = (
  estimate: Estimate,
  { leftMs, pricePerImage, factor }: { leftMs: number; pricePerImage: MicroUsd; factor: number },
  weights: SortWeights,
): Score => {
  const timeoutMs = Math.min(estimate.timeoutMs, leftMs)
  const success = estimate.success * factor
  const inTime = probabilityWithin(estimate.latency, timeoutMs)
  const successSeconds = truncatedMean(estimate.latency, timeoutMs) / 1000
  const failureSeconds = Math.min(estimate.failureMs, timeoutMs) / 1000
  const timeCost = weights.time * (success * successSeconds + (1 - success) * failureSeconds)
  const moneyCost =
    weights.secondsPerUsd *
    usdFromMicroUsd(pricePerImage) *
    (success + (1 - success) * BILLED_FAILURES)
  const attemptCost = weights.secondsPerAttempt
  const chance = Math.max(LEAST_CHANCE, success * inTime)
  return {
    score: (timeCost + moneyCost + attemptCost) / chance,
    success,
    inTime,
    successSeconds,
    failureSeconds,
    timeCost,
    moneyCost,
    attemptCost,
    timeoutMs,
  }
}
