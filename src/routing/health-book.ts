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
import type { RoutingPolicy } from './policy.ts'

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
  /** Whether requests may still come here; else only those end that had come before. */
  isOffered: boolean
}

const beginState = (place: Place, nowMs: number, loadHalfLifeMs: number): HealthState => ({
  key: healthKeyOf(place),
  modelId: place.modelId,
  provider: place.provider,
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
  isOffered: true,
})

/** Health of every model at every provider. Bounded by the number of offerings that there ever were. */
export class HealthBook {
  readonly #states = new Map<string, HealthState>()
  /** By provider key: pauses of all its models. */
  readonly #providerPauses = new Map<string, Pause>()
  readonly #providerKeys = new Set<string>()
  readonly #loadHalfLifeMs: number

  constructor(places: readonly Place[], nowMs: number, loadHalfLifeMs: number) {
    this.#loadHalfLifeMs = loadHalfLifeMs
    this.follow(places, nowMs)
  }

  /** From now on these are offered. What is known of others is kept for the attempts that are in flight there. */
  follow(places: readonly Place[], nowMs: number): void {
    for (const state of this.#states.values()) state.isOffered = false
    for (const place of places) {
      const key = healthKeyOf(place)
      const present = this.#states.get(key)
      if (present) present.isOffered = true
      else this.#states.set(key, beginState(place, nowMs, this.#loadHalfLifeMs))
      this.#providerKeys.add(providerKeyOf(place.provider))
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
    const all = [...this.#states.values()].filter(
      (state) => state.modelId === modelId && state.isOffered,
    )
    const open = all.filter(({ circuit }) => circuit.state === 'open').length
    return open + 1 <= Math.floor(all.length / 2)
  }

  /** Keys of what is open and is due to be tried again. */
  wantedProbes(
    nowMs: number,
    { maxProbes, probeIntervalMs }: Pick<RoutingPolicy, 'maxProbes' | 'probeIntervalMs'>,
  ): readonly string[] {
    return [...this.#states.values()]
      .filter(
        ({ circuit, grants, grantedMs, probesInFlight, isOffered }) =>
          isOffered &&
          circuit.state === 'open' &&
          nowMs >= circuit.untilMs &&
          grants === 0 &&
          probesInFlight < maxProbes &&
          nowMs >= grantedMs + probeIntervalMs,
      )
      .map(({ key }) => key)
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
