import type { ResolutionTier } from '#src/domain/media.ts'
import type { Offering } from '#src/domain/offering.ts'
import type { Lognormal } from '#src/routing/normal-distribution.ts'

/** Shares of a provider's failures; they add up to 1. */
export interface FailureMix {
  /** Answered with a 5xx at once. */
  readonly quick: number
  /** Answered without an image, after the time of a full generation. */
  readonly empty: number
  /** Never answered. */
  readonly hang: number
}

/** How much a provider takes. `rate`: requests begun per second; more get a 429. `slots`: jobs at once; more queue there. */
export type Quota =
  | { readonly type: 'rate'; readonly perSecond: number }
  | { readonly type: 'slots'; readonly slots: number }

/** A time during which a provider is not as usual. */
export interface Change {
  readonly fromMs: number
  readonly untilMs: number
  /** Success rate at its begin and end, straight in between; absent: as usual. */
  readonly success?: readonly [from: number, until: number]
  /** Factor on the duration of generations at its begin and end. */
  readonly slowness?: readonly [from: number, until: number]
  readonly quotaFactor?: number
  /** `refuses`: every call gets a fast 503, and what is under way is dropped. `hangs`: nothing is answered. */
  readonly dead?: 'refuses' | 'hangs'
}

/** What pictures of one scale are like at a provider, compared with `USUAL_TIER`. */
export interface TierTruth {
  /** Factor on the duration of generations. */
  readonly slowness: number
  /** Factor on the success rate. */
  readonly successFactor: number
}

/** The scale that a provider's figures stand for. */
export const USUAL_TIER: ResolutionTier = '1K'

/** A provider of the simulated world, as it truly is. */
export interface SimulatedProvider {
  readonly name: string
  /** Probability that a first try brings an image. */
  readonly success: number
  readonly latency: Lognormal
  readonly failures: FailureMix
  readonly quota: Quota
  readonly usdPerImage: number
  /** What the model file says of it; absent: nothing. */
  readonly published?: NonNullable<Offering['performance']>
  readonly changes: readonly Change[]
  /** Scales of picture that take it more or less than the usual one; absent: all are the same to it. */
  readonly tiers?: Readonly<Partial<Record<ResolutionTier, TierTruth>>>
}

/** What is true of a provider at one moment. */
export interface Truth {
  readonly success: number
  readonly slowness: number
  readonly quotaFactor: number
  readonly dead?: 'refuses' | 'hangs'
}

const between = ([from, until]: readonly [number, number], share: number): number =>
  from + (until - from) * share

/** What is true for pictures of one scale. Of several changes at one moment the last one named holds. */
export const truthAt = (
  provider: SimulatedProvider,
  nowMs: number,
  tier: ResolutionTier = USUAL_TIER,
): Truth => {
  let truth: Truth = { success: provider.success, slowness: 1, quotaFactor: 1 }
  for (const change of provider.changes) {
    if (nowMs < change.fromMs || nowMs >= change.untilMs) continue
    const share = (nowMs - change.fromMs) / (change.untilMs - change.fromMs)
    truth = {
      success: change.success ? between(change.success, share) : truth.success,
      slowness: change.slowness ? between(change.slowness, share) : truth.slowness,
      quotaFactor: change.quotaFactor ?? truth.quotaFactor,
      ...(change.dead ? { dead: change.dead } : truth.dead && { dead: truth.dead }),
    }
  }
  const own = provider.tiers?.[tier]
  if (!own) return truth
  return {
    ...truth,
    success: truth.success * own.successFactor,
    slowness: truth.slowness * own.slowness,
  }
}

/** The first death that begins after `afterMs` and before `beforeMs`. */
export const deathBetween = (
  provider: SimulatedProvider,
  afterMs: number,
  beforeMs: number,
): Change | undefined =>
  provider.changes
    .filter(({ dead, fromMs }) => dead && fromMs > afterMs && fromMs < beforeMs)
    .sort((left, right) => left.fromMs - right.fromMs)[0]
