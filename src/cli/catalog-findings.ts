import pLimit from 'p-limit'
import type { Catalog, Model } from '#src/catalog/catalog.ts'
import { type Drift, findDrift, isNews } from '#src/catalog/catalog-drift.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type { Offering } from '#src/domain/offering.ts'
import type { PublishedModel, PublishedModels } from '#src/domain/published-model.ts'

/** What was found of one offering. */
export interface OfferingFinding {
  readonly configKey: string
  readonly provider: string
  readonly providerModelId: string
  /**
   * - `same`: as its provider publishes it, or the provider has more besides
   * - `drift`: requests may fail, or not do what was asked
   * - `unread`: what the provider publishes could not be read
   * - `skipped`: the provider was not to be asked
   */
  readonly state: 'same' | 'drift' | 'unread' | 'skipped'
  readonly drifts: readonly Drift[]
  /** Why nothing is known; absent: something is. */
  readonly reason?: string
}

export interface CheckOptions {
  /** By provider slug, of those that can be asked. */
  readonly readers: ReadonlyMap<string, PublishedModels>
  /** Longest time that the answer about one model is waited for, in ms. */
  readonly limitMs: number
}

/** Most questions at once: nobody waits for this, and providers limit what is not paid for. */
const AT_ONCE = 4

/** Rejects when the time is up, whatever the reader does. */
const readWithin = async (
  reader: PublishedModels,
  providerModelId: string,
  limitMs: number,
): Promise<PublishedModel | undefined> => {
  const signal = AbortSignal.timeout(limitMs)
  const late = Promise.withResolvers<never>()
  const onAbort = (): void => late.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([reader.read(providerModelId, signal), late.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Words that hold no key and nothing that the provider wrote. */
const reasonOf = (error: unknown, limitMs: number): string => {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `no answer within ${limitMs / 1_000} s`
  }
  return error instanceof ProviderError ? error.message : 'what it answers cannot be read'
}

const findingOf = (
  model: Model,
  offering: Offering,
  published: PublishedModel | undefined,
): Pick<OfferingFinding, 'state' | 'drifts'> => {
  const drifts = findDrift(model, offering, published)
  return { state: drifts.every(isNews) ? 'same' : 'drift', drifts }
}

/** Compares every offering with what its provider publishes, each model of it read once. */
export const checkCatalog = (
  { models }: Catalog,
  { readers, limitMs }: CheckOptions,
): Promise<readonly OfferingFinding[]> => {
  const limit = pLimit(AT_ONCE)
  const readings = new Map<string, Promise<PublishedModel | undefined>>()
  const read = (reader: PublishedModels, { provider, providerModelId }: Offering) => {
    const key = `${provider} ${providerModelId}`
    const reading = readings.get(key) ?? limit(() => readWithin(reader, providerModelId, limitMs))
    readings.set(key, reading)
    return reading
  }
  const check = async (model: Model, offering: Offering): Promise<OfferingFinding> => {
    const { configKey, provider, providerModelId } = offering
    const named = { configKey, provider, providerModelId }
    const reader = readers.get(provider)
    if (!reader) return { ...named, state: 'skipped', drifts: [], reason: 'not configured' }
    try {
      return { ...named, ...findingOf(model, offering, await read(reader, offering)) }
    } catch (error) {
      return { ...named, state: 'unread', drifts: [], reason: reasonOf(error, limitMs) }
    }
  }
  return Promise.all(
    models.flatMap((model) => model.offerings.map((offering) => check(model, offering))),
  )
}
