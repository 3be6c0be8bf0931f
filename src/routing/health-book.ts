import type { Pause } from '#src/domain/pause.ts'
import {
  type Cell,
  type CircuitRecord,
  healthKeyOf,
  providerKeyOf,
} from '#src/domain/provider-stats.ts'
import { ArrivalRate } from './arrival-rate.ts'
import { CLOSED } from './circuit.ts'
import type { Lognormal } from './normal-distribution.ts'

type Place = Pick<Cell, 'modelId' | 'provider'>

/** An attempt in flight. */
export interface Ticket {
  readonly cell: Cell
  readonly begunMs: number
  /** Duration of a success there, as believed when it began. */
  readonly latency: Lognormal
  /** Time that it is given. */
  readonly limitMs: number
  /** Whether its request leaves it less than the usual time: only the fast ones of such attempts can succeed. */
  readonly isCutShort: boolean
  /** Whether it is the first of its chain; slow start counts these. */
  readonly isFirst: boolean
  /** Whether it is sent to find out if the provider is back. */
  readonly isProbe: boolean
  /** Whether it is older than a success would be; counts as a failure until it ends. */
  isLate: boolean
  /** What the breaker was told when it became late; taken back should it be answered after all. */
  lateEvidence: number
}

/** What is known of one model at one provider, beside its statistics. */
export interface HealthState extends Place {
  readonly key: string
  circuit: CircuitRecord
  /** Cumulative evidence that it is down. */
  evidence: number
  pause?: Pause
  /** Rate limits in a row that named no time. */
  guessedPauses: number
  readonly inFlight: Set<Ticket>
  firstInFlight: number
  /** How often attempts end there. */
  readonly ends: ArrivalRate
  probesInFlight: number
  /** Probes that may be sent and were not yet. */
  grants: number
  /** When a probe was last granted. */
  grantedMs: number
  /** When an attempt last ended there, or it was begun to be watched. */
  lastCompletionMs: number
  /** When the attempt was begun that was served last, by its begin: the provider was up then. */
  lastServedMs: number
}

/** Health of every model at every provider. Bounded by the number of offerings. */
export class HealthBook {
  readonly #states = new Map<string, HealthState>()
  /** By provider key: pauses of all its models. */
  readonly #providerPauses = new Map<string, Pause>()
  readonly #providerKeys: ReadonlySet<string>

  constructor(places: readonly Place[], nowMs: number, loadHalfLifeMs: number) {
    this.#providerKeys = new Set(places.map(({ provider }) => providerKeyOf(provider)))
    for (const { modelId, provider } of places) {
      const key = healthKeyOf({ modelId, provider })
      this.#states.set(key, {
        key,
        modelId,
        provider,
        circuit: CLOSED,
        evidence: 0,
        guessedPauses: 0,
        inFlight: new Set(),
        firstInFlight: 0,
        ends: new ArrivalRate(nowMs, loadHalfLifeMs),
        probesInFlight: 0,
        grants: 0,
        grantedMs: Number.NEGATIVE_INFINITY,
        lastCompletionMs: nowMs,
        lastServedMs: Number.NEGATIVE_INFINITY,
      })
    }
  }

  get states(): Iterable<HealthState> {
    return this.#states.values()
  }

  find(key: string): HealthState | undefined {
    return this.#states.get(key)
  }

  /** Throws for a place that is not watched. */
  of(place: Place): HealthState {
    const state = this.#states.get(healthKeyOf(place))
    if (!state) throw new Error(`${healthKeyOf(place)} is not watched`)
    return state
  }

  /** Whether one more of a model's providers may be taken for down: at most half of them, never the last. */
  mayOpen({ modelId }: Place): boolean {
    const all = [...this.#states.values()].filter((state) => state.modelId === modelId)
    const open = all.filter(({ circuit }) => circuit.state === 'open').length
    return open + 1 <= Math.floor(all.length / 2)
  }

  /** The pause in force, of the model there or of the whole provider, whichever ends later. */
  pauseOf({ pause, provider }: HealthState, nowMs: number): Pause | undefined {
    const all =
      this.#providerPauses.size > 0 ? this.#providerPauses.get(providerKeyOf(provider)) : undefined
    const latest = all && all.untilMs > (pause?.untilMs ?? 0) ? all : pause
    return latest && latest.untilMs > nowMs ? latest : undefined
  }

  /** Keeps the later of two pauses. True: it was news. Keys of nobody here are ignored. */
  pause(key: string, pause: Pause): boolean {
    const state = this.#states.get(key)
    if (!state && !this.#providerKeys.has(key)) return false
    const present = state ? state.pause : this.#providerPauses.get(key)
    if (present && present.untilMs >= pause.untilMs) return false
    if (state) state.pause = pause
    else this.#providerPauses.set(key, pause)
    return true
  }

  /** Ends a pause learnt at or before `begunMs`. True: there was one. */
  resume(key: string, begunMs: number): boolean {
    const state = this.#states.get(key)
    const present = state ? state.pause : this.#providerPauses.get(key)
    if (!present || present.sinceMs > begunMs) return false
    if (state) delete state.pause
    else this.#providerPauses.delete(key)
    return true
  }
}
