import type { Pause } from '#src/domain/pause.ts'
import {
  type Cell,
  type CircuitRecord,
  countsOf,
  type HealthRecord,
  type Observation,
  type Outcome,
  type OutcomeCounts,
  parseCellId,
  providerKeyOf,
  type StatsExchange,
  type StatsReceiver,
} from '#src/domain/provider-stats.ts'
import { Breakers } from './breakers.ts'
import { CellBook, type TrackedOffering } from './cell-book.ts'
import { areCredible } from './credible-counts.ts'
import { countsWithin } from './cut-short.ts'
import type { Estimate } from './estimate.ts'
import { GatewayCount } from './gateway-count.ts'
import { HealthBook, type HealthState, type Ticket } from './health-book.ts'
import { quantileMs } from './normal-distribution.ts'
import type { RoutingPolicy } from './policy.ts'

/** What an attempt begins with. */
export interface AttemptBegin extends Pick<Ticket, 'isFirst' | 'isProbe'> {
  /** Time that it is given. */
  readonly limitMs: number
}

/** A limit is the usual one down to this share of it: clocks and timers round. */
const USUAL_LIMIT = 0.98

/** How an attempt ended, for the tracker. */
export interface AttemptEnd {
  /**
   * `answered`: the provider answered, but nothing can be learnt about it (the request was wrong). `abandoned`: nobody
   * knows (the client left, the gateway failed).
   */
  readonly outcome: Outcome | 'answered' | 'abandoned'
  readonly durationMs: number
  readonly firstByteMs?: number
  /** How long the provider asks to be left alone; absent: it said nothing. */
  readonly retryAfterMs?: number
}

export interface TrackerOptions {
  /** Those of configured providers. */
  readonly offerings: readonly TrackedOffering[]
  readonly policy: RoutingPolicy
  readonly nowMs: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Time that requests have which ask for no less: what no attempt gets more of is the usual time. Absent: no limit. */
  readonly usualLimitMs?: number
  /** Absent: this gateway is alone. */
  readonly exchange?: StatsExchange
}

/** A circuit that is open for the purpose of choosing. */
export interface HealthView {
  readonly isOpen: boolean
  readonly pause?: Pause
  /** A rate limit's time is over, but no answer has shown yet that it is: when those that waited may begin one more. */
  readonly nextTurnMs?: number
  /** First tries that may be in flight there from this gateway, and those that are. */
  readonly slowStartLimit: number
  readonly firstInFlight: number
  /** Attempts of this gateway that are under way there, and how many end per ms of late. */
  readonly inFlight: number
  readonly endsPerMs: number
  readonly hasProbe: boolean
  readonly lastSeenMs: number
  readonly circuit: CircuitRecord
}

const ALONE: StatsExchange = { share: () => undefined, shareHealth: () => undefined }

/**
 * What one gateway believes of every offering: estimates, breakers, pauses, what is in flight. Told of each attempt's
 * begin and end, and by `tick` that time passes; asked by `chooseNext`. Knows no clock: times are arguments, in routing's
 * milliseconds. The same code runs in the gateway and in the simulation.
 */
export class ProviderTracker implements StatsReceiver {
  readonly #policy: RoutingPolicy
  readonly #random: () => number
  readonly #usualLimitMs: number
  readonly #exchange: StatsExchange
  readonly #cells: CellBook
  readonly #health: HealthBook
  readonly #breakers: Breakers
  readonly #gateways: GatewayCount

  constructor({ offerings, policy, nowMs, random, usualLimitMs, exchange }: TrackerOptions) {
    this.#policy = policy
    this.#random = random
    this.#usualLimitMs = usualLimitMs ?? Number.POSITIVE_INFINITY
    this.#exchange = exchange ?? ALONE
    this.#gateways = new GatewayCount(policy, nowMs)
    this.#cells = new CellBook(offerings, policy, nowMs)
    this.#health = new HealthBook(offerings, nowMs, policy.loadHalfLifeMs)
    const [cells, health] = [this.#cells, this.#health]
    this.#breakers = new Breakers({ policy, random, exchange: this.#exchange, cells, health })
  }

  /** From now on these are offered; requests that came before may still be under way elsewhere. */
  follow(offerings: readonly TrackedOffering[], nowMs: number): void {
    this.#cells.follow(offerings, nowMs)
    this.#health.follow(offerings, nowMs)
  }

  // -- What is asked ---------------------------------------------------------------------------------------------

  estimateOf(cell: Cell, nowMs: number): Estimate {
    return this.#cells.estimateOf(cell, nowMs)
  }

  healthOf(place: Pick<Cell, 'modelId' | 'provider'>, nowMs: number): HealthView {
    const state = this.#health.of(place)
    const { slowStartBase, slowStartFactor } = this.#policy
    const { total, heard } = this.#gateways
    // What other gateways see, and do not tell, is taken to be as much.
    const recent = (this.#cells.recentSuccesses(place, nowMs) * total) / heard
    const pause = this.#health.pauseOf(state, nowMs)
    const nextTurnMs = pause ? undefined : this.#nextTurnMs(state, recent / total)
    return {
      isOpen: state.circuit.state === 'open',
      slowStartLimit: Math.ceil((slowStartBase + slowStartFactor * recent) / total),
      firstInFlight: state.firstInFlight,
      inFlight: state.inFlight.size,
      endsPerMs: state.ends.perMs(nowMs),
      hasProbe: state.grants > 0,
      lastSeenMs: this.#cells.lastSeenMs(place),
      circuit: state.circuit,
      ...(pause && { pause }),
      ...(nextTurnMs !== undefined && { nextTurnMs }),
    }
  }

  /**
   * After a rate limit's time as many attempts may begin as lately succeeded there in such a time, at least one, and each step
   * twice as many in all: so those that waited for its end do not all come back at once, and another rate limit stops
   * them before the next step.
   */
  #nextTurnMs({ pause, inFlight }: HealthState, ownSuccesses: number): number | undefined {
    if (pause?.reason !== 'rate_limited') return undefined
    const { resumeStepMs, shortestFastHalfLifeMs } = this.#policy
    let begun = 0
    for (const { begunMs } of inFlight) if (begunMs >= pause.untilMs) begun += 1
    const successesPerMs = (ownSuccesses * Math.LN2) / shortestFastHalfLifeMs
    const missedMs = pause.untilMs - pause.sinceMs + resumeStepMs
    const first = Math.max(1, successesPerMs * missedMs)
    const steps = begun < first ? 0 : Math.floor(Math.log2(begun / first)) + 1
    return pause.untilMs + steps * resumeStepMs
  }

  // -- What is told ----------------------------------------------------------------------------------------------

  /** A request for a model came. */
  arrive(modelId: string, nowMs: number): void {
    this.#cells.arrive(modelId, nowMs)
  }

  /** An attempt begins, which is given `limitMs`. */
  begin(cell: Cell, { limitMs, ...part }: AttemptBegin, nowMs: number): Ticket {
    const state = this.#health.of(cell)
    const { latency, timeoutMs } = this.estimateOf(cell, nowMs)
    const lateMs = quantileMs(latency, this.#policy.lateSigmas)
    const usualMs = USUAL_LIMIT * Math.min(timeoutMs, this.#usualLimitMs)
    const ticket: Ticket = {
      cell,
      begunMs: nowMs,
      latency,
      limitMs,
      isCutShort: limitMs < Math.min(lateMs, usualMs),
      isLate: false,
      lateEvidence: 0,
      ...part,
    }
    state.inFlight.add(ticket)
    if (ticket.isFirst) state.firstInFlight += 1
    if (ticket.isProbe) {
      state.grants = Math.max(0, state.grants - 1)
      state.probesInFlight += 1
    }
    return ticket
  }

  settle(ticket: Ticket, end: AttemptEnd, nowMs: number): void {
    const { outcome } = end
    const state = this.#health.of(ticket.cell)
    state.inFlight.delete(ticket)
    this.#breakers.markLate(state, nowMs)
    state.ends.add(nowMs)
    if (ticket.isFirst) state.firstInFlight -= 1
    if (ticket.isProbe) state.probesInFlight -= 1
    if (ticket.isLate) this.#cells.changeLate(ticket.cell, -1, nowMs)
    if (outcome === 'abandoned') return
    if (outcome !== 'timeout') state.lastCompletionMs = nowMs
    if (outcome === 'answered') {
      this.#breakers.answered(state, ticket)
      return
    }
    this.#record(ticket, { ...end, outcome }, nowMs)
    this.#endPauses(state, ticket, outcome, end, nowMs)
    this.#breakers.judge(state, ticket, outcome, nowMs)
  }

  /** Every attempt is part of the history; others learn from those alone that had the usual time. */
  #record(
    { cell, isCutShort, limitMs }: Ticket,
    { outcome, durationMs, firstByteMs }: AttemptEnd & { readonly outcome: Outcome },
    nowMs: number,
  ): void {
    const first = firstByteMs === undefined ? {} : { firstByteMs }
    const attempt: Observation = { cell, outcome, durationMs, atMs: nowMs, ...first }
    const isMeasure = !isCutShort || outcome === 'rate_limited' || outcome === 'refused'
    const counts = isMeasure
      ? countsOf(attempt)
      : countsWithin(attempt, this.estimateOf(cell, nowMs), limitMs)
    this.#cells.record(cell, counts, nowMs, nowMs)
    this.#exchange.share(isMeasure ? attempt : { ...attempt, isCutShort: true })
  }

  #endPauses(
    state: HealthState,
    { cell, begunMs }: Ticket,
    outcome: Outcome,
    { retryAfterMs }: AttemptEnd,
    nowMs: number,
  ): void {
    if (outcome === 'rate_limited') {
      this.#pauseAfterRateLimit(state, begunMs, retryAfterMs, nowMs)
      return
    }
    if (outcome !== 'success') return
    state.guessedPauses = 0
    for (const key of [state.key, providerKeyOf(cell.provider)]) {
      if (this.#health.resume(key, begunMs)) {
        this.#exchange.shareHealth({ key, resumeBegunMs: begunMs })
      }
    }
  }

  #pauseAfterRateLimit(
    state: HealthState,
    begunMs: number,
    retryAfterMs: number | undefined,
    nowMs: number,
  ): void {
    const { rateLimitPauseMs, longestGuessedPauseMs, longestRateLimitPauseMs } = this.#policy
    // Attempts that were in flight together say the same thing once.
    const isNews = !state.pause || begunMs >= state.pause.sinceMs
    if (retryAfterMs === undefined && isNews) state.guessedPauses += 1
    const doublings = Math.max(0, state.guessedPauses - 1)
    const guessMs = Math.min(longestGuessedPauseMs, rateLimitPauseMs * 2 ** doublings)
    const jitter = 1 + this.#policy.pauseJitter * this.#random()
    // A hint of nothing would let one request spend all its calls in a moment.
    const askedMs = Math.max(rateLimitPauseMs, retryAfterMs ?? guessMs)
    const pauseMs = Math.min(longestRateLimitPauseMs, askedMs * jitter)
    const { key } = state
    const pause = { reason: 'rate_limited', sinceMs: nowMs, untilMs: nowMs + pauseMs } as const
    if (this.#health.pause(key, pause)) this.#exchange.shareHealth({ key, pause })
  }

  /**
   * The provider does not accept the operator's key or account: all its models are tried last for a while. Not told to
   * the others: they may have another key, and so may this gateway when it is started again.
   */
  takeOut(provider: string, nowMs: number): void {
    const untilMs = nowMs + this.#policy.takeOutMs
    const pause = { reason: 'taken_out', sinceMs: nowMs, untilMs } as const
    this.#health.pause(providerKeyOf(provider), pause)
  }

  /** To be called about once a second: attempts that have become late, silence, offsets of tiers. */
  tick(nowMs: number): void {
    this.#gateways.tick(nowMs)
    const { heard } = this.#gateways
    this.#cells.setHeardGateways(heard)
    for (const state of this.#health.states) this.#breakers.watch(state, heard, nowMs)
    this.#cells.learnOffsets(nowMs)
  }

  // -- Other gateways --------------------------------------------------------------------------------------------

  absorb(cellId: string, counts: Readonly<OutcomeCounts>, atMs: number, nowMs: number): void {
    const parts = parseCellId(cellId)
    const offering = parts && this.#cells.offeringOf(parts.configKey)
    if (!parts || !offering || !areCredible(counts)) return
    const { modelId, provider } = offering
    const cell: Cell = { ...parts, id: cellId, modelId, provider }
    const state = this.#health.of(cell)
    this.#breakers.markLate(state, nowMs)
    this.#cells.record(cell, counts, atMs, nowMs)
    this.#breakers.hear(state, cell, counts, { atMs, nowMs })
  }

  adoptHealth(key: string, { circuit, pause, resumedMs }: HealthRecord): void {
    const state = this.#health.find(key)
    if (state && circuit) this.#breakers.adopt(state, circuit)
    if (resumedMs !== undefined) this.#health.resume(key, resumedMs)
    if (pause?.reason === 'rate_limited') this.#health.pause(key, pause)
  }

  setReplicas(count: number): void {
    this.#gateways.exchanged(count)
    this.#cells.setHeardGateways(this.#gateways.heard)
  }

  wantedProbes(nowMs: number): readonly string[] {
    return this.#policy.probe === 'off' ? [] : this.#health.wantedProbes(nowMs, this.#policy)
  }

  grantProbe(key: string, nowMs: number): void {
    const state = this.#health.find(key)
    if (state?.circuit.state !== 'open') return
    state.grants = 1
    state.grantedMs = nowMs
  }
}
