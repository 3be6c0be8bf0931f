import { readModelFiles } from '#src/catalog/model-files.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import type { Offering } from '#src/domain/offering.ts'
import type { FailureMix, Quota, SimulatedProvider } from './upstream-model.ts'

/** How providers fail: `A` as is likely, `B` more slowly. */
export type MixName = 'A' | 'B'

/** Shares of failures at each provider, assumed from their documented errors (README.md). */
const FAILURE_MIXES: Readonly<Record<MixName, Readonly<Record<string, FailureMix>>>> = {
  A: {
    gemini: { quick: 0.55, empty: 0.35, hang: 0.1 },
    replicate: { quick: 0.7, empty: 0.2, hang: 0.1 },
    vertex: { quick: 0.8, empty: 0.12, hang: 0.08 },
    fal: { quick: 0.15, empty: 0.7, hang: 0.15 },
  },
  B: {
    gemini: { quick: 0.25, empty: 0.55, hang: 0.2 },
    replicate: { quick: 0.25, empty: 0.55, hang: 0.2 },
    vertex: { quick: 0.25, empty: 0.55, hang: 0.2 },
    fal: { quick: 0.1, empty: 0.6, hang: 0.3 },
  },
}

/** What the providers take at each size of traffic. */
export type QuotaName = 'small' | 'large' | 'saturated'
const rate = (perSecond: number): Quota => ({ type: 'rate', perSecond })
const slots = (count: number): Quota => ({ type: 'slots', slots: count })
const QUOTAS: Readonly<Record<QuotaName, Readonly<Record<string, Quota>>>> = {
  small: { gemini: rate(5), vertex: rate(10), replicate: rate(5), fal: slots(100) },
  large: { gemini: rate(30), vertex: rate(30), replicate: rate(30), fal: slots(1_500) },
  saturated: { gemini: rate(10), vertex: rate(10), replicate: rate(10), fal: slots(400) },
}

/** The order that a lucky operator writes down: that of the true index. */
const LUCKY_ORDER = ['gemini', 'fal', 'replicate', 'vertex']
const FIRST_MODEL = 'gemini-3.1-flash-image-preview'
/** Standard deviations between the median and the 95th percentile. */
const P95_SIGMAS = 1.645

const usdAt1k = ({ prices }: Offering): number => {
  const price = prices.find(({ metric }) => metric === 'output_image')
  return price?.usdByResolution?.['1K'] ?? price?.usd ?? 0
}

/** Reads the first model's file of this folder of models. */
export const readFirstModel = async (folder: string): Promise<ModelFile> => {
  const file = (await readModelFiles([folder])).find(({ card }) => card.id === FIRST_MODEL)
  if (!file) throw new Error(`${folder} has no file for ${FIRST_MODEL}`)
  return file
}

/** The first model's four providers as their published figures make them. */
export const firstModelProviders = (
  { offerings }: ModelFile,
  mix: MixName,
  quota: QuotaName,
): readonly SimulatedProvider[] =>
  LUCKY_ORDER.map((name): SimulatedProvider => {
    const offering = offerings.find(
      ({ provider, modes }) => provider === name && modes.includes('text_to_image'),
    )
    const failures = FAILURE_MIXES[mix][name]
    const limits = QUOTAS[quota][name]
    if (!offering?.performance || !failures || !limits) throw new Error(`No figures of ${name}`)
    const { p50Ms, p95Ms, successRate } = offering.performance
    return {
      name,
      success: successRate,
      latency: { logMean: Math.log(p50Ms), sigma: Math.log(p95Ms / p50Ms) / P95_SIGMAS },
      failures,
      quota: limits,
      usdPerImage: usdAt1k(offering),
      published: offering.performance,
      changes: [],
    }
  })
