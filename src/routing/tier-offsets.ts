import type { Cell, OutcomeCounts } from '#src/domain/provider-stats.ts'
import type { RoutingPolicy } from './policy.ts'

/** Mode and tier of a cell: what makes a picture slower at every provider. */
export type Shape = `${Cell['mode']}|${Cell['tier']}`

export const shapeOf = ({ mode, tier }: Pick<Cell, 'mode' | 'tier'>): Shape => `${mode}|${tier}`

/** The shape that others are compared with. */
const REFERENCE: Shape = 'text_to_image|1K'

/** What was seen of one shape at one provider. */
export interface ShapeSums {
  readonly provider: string
  readonly shape: Shape
  readonly tier: Cell['tier']
  readonly slow: Readonly<OutcomeCounts>
}

/** Offsets in ln of the time at 1K, by shape. */
export type TierOffsets = ReadonlyMap<Shape, number>

export const offsetOf = (
  offsets: TierOffsets,
  cell: Pick<Cell, 'mode' | 'tier'>,
  policy: RoutingPolicy,
): number => offsets.get(shapeOf(cell)) ?? Math.log(policy.tierFactor[cell.tier])

/** Successes below this are what rounding leaves of none. */
const LEAST_COUNT = 1e-9

/**
 * What each shape takes more than the reference, learnt over all providers of a model: at each, its mean is compared
 * with that of the other shapes there, weighted as the difference of two means is. Pure; `present` is a step back.
 */
export const learnOffsets = (
  sums: readonly ShapeSums[],
  present: TierOffsets,
  policy: RoutingPolicy,
): TierOffsets => {
  const before = ({ shape, tier }: ShapeSums): number =>
    present.get(shape) ?? Math.log(policy.tierFactor[tier])
  const learnt = new Map<Shape, { sum: number; weight: number }>()
  /** By provider: successes, and the sum of their latencies brought to the reference. */
  const totals = new Map<string, { success: number; latency: number }>()
  for (const own of sums) {
    const total = totals.get(own.provider) ?? { success: 0, latency: 0 }
    total.success += own.slow.success
    total.latency += own.slow.logLatency - own.slow.success * before(own)
    totals.set(own.provider, total)
  }
  for (const own of sums) {
    if (own.shape === REFERENCE || own.slow.success === 0) continue
    const all = totals.get(own.provider)
    const count = (all?.success ?? 0) - own.slow.success
    if (!all || count <= LEAST_COUNT) continue
    const total = all.latency - (own.slow.logLatency - own.slow.success * before(own))
    const weight = (own.slow.success * count) / (own.slow.success + count)
    const difference = own.slow.logLatency / own.slow.success - total / count
    const prior = Math.log(policy.tierFactor[own.tier]) * policy.tierFactorTrials
    const entry = learnt.get(own.shape) ?? { sum: prior, weight: policy.tierFactorTrials }
    learnt.set(own.shape, {
      sum: entry.sum + weight * difference,
      weight: entry.weight + weight,
    })
  }
  return new Map([...learnt].map(([shape, { sum, weight }]) => [shape, sum / weight]))
}
