import type { RoutingPreferences, Sort } from '#src/domain/image-request.ts'
import type { Pause, ProviderHealth } from '#src/domain/provider-health.ts'
import type { Candidate } from './candidates.ts'

/** A candidate in its place, with the pause it is under. */
export interface RankedCandidate extends Candidate {
  /** Absent: none. */
  readonly pause?: Pause
}

/** A pause of the offering or, longer, of its whole provider. */
export const pauseOf = (
  health: ProviderHealth,
  { offering }: Candidate,
  nowMs: number,
): Pause | undefined => {
  const pauses = [offering.configKey, offering.provider].flatMap(
    (key) => health.pauseOf(key, nowMs) ?? [],
  )
  return pauses.sort((left, right) => right.untilMs - left.untilMs)[0]
}

/** Place in `provider.order`; those not named come after all that are. */
const placeInOrder = (order: readonly string[], provider: string): number => {
  const place = order.indexOf(provider)
  return place === -1 ? order.length : place
}

/** What each sort puts first, smallest first; from the model file. `balanced` is the catalogue's own order. */
const SORT_KEYS: Readonly<Record<Sort, (candidate: Candidate) => number>> = {
  balanced: () => 0,
  latency: ({ offering }) => offering.performance.p50Ms,
  price: ({ pricePerImage }) => pricePerImage,
  success: ({ offering }) => -offering.performance.successRate,
}

/**
 * The order in which candidates are tried: those under a pause last, then as the client ordered, then those that can
 * honour the whole request before those that cannot, then by `sort`, then as the catalogue lists them.
 */
export const rankCandidates = (
  candidates: readonly Candidate[],
  preferences: RoutingPreferences,
  health: ProviderHealth,
  nowMs: number,
): readonly RankedCandidate[] => {
  const order = preferences.order ?? []
  const keyed = candidates.map((candidate) => {
    const pause = pauseOf(health, candidate, nowMs)
    return {
      candidate: { ...candidate, ...(pause && { pause }) },
      keys: [
        pause ? 1 : 0,
        placeInOrder(order, candidate.offering.provider),
        candidate.mapped.warnings.length,
        SORT_KEYS[preferences.sort ?? 'balanced'](candidate),
      ],
    }
  })
  keyed.sort((left, right) => {
    const index = left.keys.findIndex((key, position) => key !== right.keys[position])
    return index === -1 ? 0 : (left.keys[index] ?? 0) - (right.keys[index] ?? 0)
  })
  const ranked = keyed.map(({ candidate }) => candidate)
  return preferences.allowFallbacks === false ? ranked.slice(0, 1) : ranked
}
