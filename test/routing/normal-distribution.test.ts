import { describe, expect, it } from 'vitest'
import {
  normalCdf,
  probabilityWithin,
  quantileMs,
  truncatedMean,
} from '#src/routing/normal-distribution.ts'

const gemini = { logMean: Math.log(26_026), sigma: 0.334 }

/** E[min(S, T)] by adding up the survival function, in steps of 5 ms. */
const truncatedMeanBySum = (latency: typeof gemini, limitMs: number): number => {
  const stepMs = 5
  let sum = 0
  for (let ms = stepMs / 2; ms < limitMs; ms += stepMs) {
    sum += (1 - probabilityWithin(latency, ms)) * stepMs
  }
  return sum
}

describe('the normal distribution', () => {
  it.each([
    [0, 0.5],
    [1, 0.841344746],
    [-1, 0.158655254],
    [1.645, 0.950015094],
    [1.96, 0.975002105],
    [2.576, 0.995002467],
    [-3, 0.001349898],
    [-8, 0],
    [8, 1],
    [Number.NEGATIVE_INFINITY, 0],
    [Number.POSITIVE_INFINITY, 1],
  ])('lies below %d with the tabulated probability', (z, probability) => {
    expect(normalCdf(z)).toBeCloseTo(probability, 6)
  })
})

describe('a lognormal duration', () => {
  it('is below its median half of the time, and never below nothing', () => {
    expect(probabilityWithin(gemini, 26_026)).toBeCloseTo(0.5, 6)
    expect(probabilityWithin(gemini, 0)).toBe(0)
    expect(probabilityWithin(gemini, -1)).toBe(0)
  })

  it('gives back the published 95th percentile', () => {
    expect(quantileMs(gemini, 1.645) / 45_077).toBeCloseTo(1, 3)
    expect(probabilityWithin(gemini, quantileMs(gemini, 1.96))).toBeCloseTo(0.975, 5)
  })

  it.each([10_000, 26_026, 68_000])(
    'that is cut off at %d ms has the mean of the sum',
    (limitMs) => {
      const mean = truncatedMean(gemini, limitMs)
      expect(mean / truncatedMeanBySum(gemini, limitMs)).toBeCloseTo(1, 4)
    },
  )

  it('that is cut off late has the plain mean, and early the limit', () => {
    expect(truncatedMean(gemini, 1e9)).toBeCloseTo(Math.exp(gemini.logMean + 0.334 ** 2 / 2), 0)
    expect(truncatedMean(gemini, 100)).toBeCloseTo(100, 6)
    expect(truncatedMean(gemini, 0)).toBe(0)
    expect(truncatedMean(gemini, -5)).toBe(0)
  })
})
