import {
  addCounts,
  type Cell,
  healthKeyOf,
  noCounts,
  type OutcomeCounts,
} from '#src/domain/provider-stats.ts'
import { ArrivalRate } from './arrival-rate.ts'
import { DecayedCounts } from './decayed-counts.ts'
import { type Estimate, type Evidence, estimate, type Prior } from './estimate.ts'
import type { RoutingPolicy } from './policy.ts'
import { learnOffsets, offsetOf, type Shape, shapeOf, type TierOffsets } from './tier-offsets.ts'

/** An offering that is kept track of. */
export interface TrackedOffering {
  readonly modelId: string
  readonly provider: string
  readonly configKey: string
  readonly prior: Prior
}

interface CellState {
  readonly cell: Cell
  readonly shape: Shape
  /** What pictures of this cell take more than those at 1K, in ln; learnt anew with each tick. */
  offset: number
  readonly fast: DecayedCounts
  readonly slow: DecayedCounts
  late: number
}

interface ModelState {
  readonly arrivals: ArrivalRate
  /** By cell id. */
  readonly cells: Map<string, CellState>
  readonly byProvider: Map<string, CellState[]>
  offsets: TierOffsets
}

const NONE: Readonly<OutcomeCounts> = noCounts()

/** Adds counts as if their latencies had been shorter by `shift` in ln. */
const addShifted = (into: OutcomeCounts, counts: Readonly<OutcomeCounts>, shift: number): void => {
  addCounts(into, counts)
  into.logLatency -= counts.success * shift
  into.logLatencySquared += counts.success * shift * shift - 2 * shift * counts.logLatency
}

/** What was seen of each cell, in a fast and a slow window, and what follows from it. */
export class CellBook {
  readonly #policy: RoutingPolicy
  /** By config key. */
  readonly #offerings = new Map<string, TrackedOffering>()
  readonly #models = new Map<string, ModelState>()
  /** By health key: when a cell there was last seen to end an attempt. */
  readonly #lastSeenMs = new Map<string, number>()
  /** By health key: what was seen before does not count for the fast window. */
  readonly #fastSinceMs = new Map<string, number>()
  /** Gateways whose observations come here, this one included. */
  #heardGateways = 1

  constructor(offerings: readonly TrackedOffering[], policy: RoutingPolicy, nowMs: number) {
    this.#policy = policy
    this.follow(offerings, nowMs)
  }

  /** Keeps track of these too. Of others it goes on, as requests that came before may still be under way there. */
  follow(offerings: readonly TrackedOffering[], nowMs: number): void {
    for (const offering of offerings) {
      const { modelId, configKey } = offering
      this.#offerings.set(configKey, offering)
      if (!this.#models.has(modelId)) {
        const arrivals = new ArrivalRate(nowMs, this.#policy.arrivalHalfLifeMs)
        const none = { cells: new Map(), byProvider: new Map(), offsets: new Map() }
        this.#models.set(modelId, { arrivals, ...none })
      }
      const key = healthKeyOf(offering)
      if (!this.#lastSeenMs.has(key)) this.#lastSeenMs.set(key, nowMs)
    }
  }

  /** Observations of so many gateways come here, this one's included. */
  setHeardGateways(count: number): void {
    this.#heardGateways = count
  }

  offeringOf(configKey: string): TrackedOffering | undefined {
    return this.#offerings.get(configKey)
  }

  /** A request for this model came to this gateway. */
  arrive(modelId: string, nowMs: number): void {
    this.#models.get(modelId)?.arrivals.add(nowMs)
  }

  /** Requests for this model, per second, that come to all gateways whose observations come here. */
  arrivalsPerSecond(modelId: string, nowMs: number): number {
    const arrivals = this.#models.get(modelId)?.arrivals
    return arrivals ? arrivals.perMs(nowMs) * 1_000 * this.#heardGateways : 0
  }

  #fastHalfLifeMs({ arrivals }: ModelState, nowMs: number): number {
    const { fastArrivals, shortestFastHalfLifeMs, longestFastHalfLifeMs } = this.#policy
    const wantedMs = fastArrivals / (arrivals.perMs(nowMs) * this.#heardGateways)
    return Math.min(longestFastHalfLifeMs, Math.max(shortestFastHalfLifeMs, wantedMs))
  }

  #stateOf(cell: Cell, nowMs: number): CellState | undefined {
    const model = this.#models.get(cell.modelId)
    const present = model?.cells.get(cell.id)
    if (present || !model) return present
    const [fast, slow] = [new DecayedCounts(nowMs), new DecayedCounts(nowMs)]
    const offset = offsetOf(model.offsets, cell, this.#policy)
    const state: CellState = { cell, shape: shapeOf(cell), offset, fast, slow, late: 0 }
    model.cells.set(cell.id, state)
    const siblings = model.byProvider.get(cell.provider)
    if (siblings) siblings.push(state)
    else model.byProvider.set(cell.provider, [state])
    return state
  }

  /** Adds what was observed of a cell at `atMs`. */
  record(cell: Cell, counts: Readonly<OutcomeCounts>, atMs: number, nowMs: number): void {
    const state = this.#stateOf(cell, nowMs)
    const model = this.#models.get(cell.modelId)
    // What is no number would never decay.
    if (!state || !model || !Object.values(counts).every(Number.isFinite)) return
    const key = healthKeyOf(cell)
    state.slow.add(counts, atMs, nowMs, this.#policy.slowHalfLifeMs)
    if (atMs >= (this.#fastSinceMs.get(key) ?? 0)) {
      state.fast.add(counts, atMs, nowMs, this.#fastHalfLifeMs(model, nowMs))
    }
    this.#lastSeenMs.set(key, Math.max(atMs, this.#lastSeenMs.get(key) ?? 0))
  }

  /** One more, or one less, attempt in flight that is older than a success would be. */
  changeLate(cell: Cell, by: 1 | -1, nowMs: number): void {
    const state = this.#stateOf(cell, nowMs)
    if (state) state.late += by
  }

  #cellsAt({ modelId, provider }: Pick<Cell, 'modelId' | 'provider'>): readonly CellState[] {
    return this.#models.get(modelId)?.byProvider.get(provider) ?? []
  }

  /** Forgets the fast window: a provider that came back is not what it was. */
  clearFast(part: Pick<Cell, 'modelId' | 'provider'>, sinceMs: number): void {
    this.#fastSinceMs.set(healthKeyOf(part), sinceMs)
    for (const { fast } of this.#cellsAt(part)) fast.clear(sinceMs)
  }

  /** Successes in the fast window, all cells together. */
  recentSuccesses(part: Pick<Cell, 'modelId' | 'provider'>, nowMs: number): number {
    const model = this.#models.get(part.modelId)
    if (!model) return 0
    const halfLifeMs = this.#fastHalfLifeMs(model, nowMs)
    let sum = 0
    for (const { fast } of this.#cellsAt(part)) sum += fast.at(nowMs, halfLifeMs).success
    return sum
  }

  /** When an attempt there last ended, or this book was begun. */
  lastSeenMs(part: Pick<Cell, 'modelId' | 'provider'>): number {
    return this.#lastSeenMs.get(healthKeyOf(part)) ?? 0
  }

  #evidenceOf(cell: Cell, model: ModelState, nowMs: number): Evidence {
    const { slowHalfLifeMs } = this.#policy
    const fastHalfLifeMs = this.#fastHalfLifeMs(model, nowMs)
    const own = model.cells.get(cell.id)
    const tierOffset = own?.offset ?? offsetOf(model.offsets, cell, this.#policy)
    const siblings = { fast: noCounts(), slow: noCounts() }
    for (const other of model.byProvider.get(cell.provider) ?? []) {
      if (other === own) continue
      const shift = other.offset - tierOffset
      addShifted(siblings.fast, other.fast.at(nowMs, fastHalfLifeMs), shift)
      addShifted(siblings.slow, other.slow.at(nowMs, slowHalfLifeMs), shift)
    }
    return {
      fast: own?.fast.at(nowMs, fastHalfLifeMs) ?? NONE,
      slow: own?.slow.at(nowMs, slowHalfLifeMs) ?? NONE,
      late: own?.late ?? 0,
      siblings,
      tierOffset,
    }
  }

  /** What a try in this cell promises now. Throws for an offering that is not kept track of. */
  estimateOf(cell: Cell, nowMs: number): Estimate {
    const offering = this.#offerings.get(cell.configKey)
    const model = this.#models.get(cell.modelId)
    if (!offering || !model) throw new Error(`${cell.configKey} is not kept track of`)
    return estimate(offering.prior, this.#evidenceOf(cell, model, nowMs), this.#policy)
  }

  /** Learns anew what each mode and scale takes, from the slow windows. */
  learnOffsets(nowMs: number): void {
    for (const model of this.#models.values()) {
      const sums = [...model.cells.values()].map(({ cell, shape, slow }) => ({
        provider: cell.provider,
        shape,
        tier: cell.tier,
        slow: slow.at(nowMs, this.#policy.slowHalfLifeMs),
      }))
      model.offsets = learnOffsets(sums, model.offsets, this.#policy)
      for (const state of model.cells.values()) {
        state.offset = offsetOf(model.offsets, state.cell, this.#policy)
      }
    }
  }
}
