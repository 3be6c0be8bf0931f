import {
  type Cell,
  type CircuitRecord,
  failuresOf,
  type Outcome,
  type OutcomeCounts,
  type StatsExchange,
} from '#src/domain/provider-stats.ts'
import type { CellBook } from './cell-book.ts'
import {
  addEvidence,
  closed,
  cutShortEvidence,
  evidenceOf,
  isSilent,
  type OutcomeEvidence,
  opened,
} from './circuit.ts'
import type { HealthBook, HealthState, Ticket } from './health-book.ts'
import { probabilityWithin, quantileMs } from './normal-distribution.ts'
import type { RoutingPolicy } from './policy.ts'

export interface BreakersOptions {
  readonly policy: RoutingPolicy
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly exchange: StatsExchange
  readonly cells: CellBook
  readonly health: HealthBook
}

/** Whether one of these attempts was answered at all. */
const isAlive = (counts: Readonly<OutcomeCounts>): boolean =>
  counts.success + counts.outage + counts.empty + counts.rate_limited + counts.refused > 0

/**
 * Whether nothing begun later was served. An attempt that hangs while later ones are served is lost for itself: the
 * provider is not down. Without this, a burst of requests would bring its few stragglers all at once.
 */
const isUnanswered = ({ lastServedMs }: HealthState, begunMs: number): boolean =>
  begunMs > lastServedMs

/** Longest that another gateway can keep a breaker open here, in times of what this one would. */
const LONGEST_OPEN_FACTOR = 2

/** Judges from what happens whether providers are down, and opens and closes their breakers. */
export class Breakers {
  readonly #policy: RoutingPolicy
  readonly #random: () => number
  readonly #exchange: StatsExchange
  readonly #cells: CellBook
  readonly #health: HealthBook

  constructor({ policy, random, exchange, cells, health }: BreakersOptions) {
    this.#policy = policy
    this.#random = random
    this.#exchange = exchange
    this.#cells = cells
    this.#health = health
  }

  #evidenceOf(cell: Cell, nowMs: number): OutcomeEvidence {
    return evidenceOf(this.#cells.estimateOf(cell, nowMs).usualSuccess, this.#policy)
  }

  #timeoutEvidenceOf({ cell, isCutShort, latency, limitMs }: Ticket, nowMs: number): number {
    const { usualSuccess } = this.#cells.estimateOf(cell, nowMs)
    return isCutShort
      ? cutShortEvidence(usualSuccess, probabilityWithin(latency, limitMs), this.#policy)
      : evidenceOf(usualSuccess, this.#policy).timeout
  }

  #set(state: HealthState, circuit: CircuitRecord): void {
    this.#take(state, circuit)
    this.#exchange.shareHealth({ key: state.key, circuit })
  }

  /**
   * Another gateway has changed a breaker. One more that is open than may be stays closed here, at the brink; and no time
   * open is believed that no gateway would choose.
   */
  adopt(state: HealthState, circuit: CircuitRecord): void {
    const { sinceMs } = circuit
    if (sinceMs <= state.circuit.sinceMs) return
    const isOneMore = circuit.state === 'open' && state.circuit.state === 'closed'
    if (isOneMore && !this.#health.mayOpen(state)) {
      state.evidence = Math.max(state.evidence, this.#neededEvidence(state, sinceMs))
      return
    }
    const longestMs = LONGEST_OPEN_FACTOR * this.#policy.longestOpenMs
    this.#take(state, { ...circuit, untilMs: Math.min(circuit.untilMs, sinceMs + longestMs) })
  }

  #take(state: HealthState, circuit: CircuitRecord): void {
    state.circuit = circuit
    state.evidence = 0
    state.grants = 0
    if (circuit.state === 'closed') this.#cells.clearFast(state, circuit.sinceMs)
  }

  #open(state: HealthState, nowMs: number): void {
    this.#set(state, opened(state.circuit, nowMs, this.#random(), this.#policy))
  }

  /** Evidence that opens: chance reaches any sum more often, the more there is to see. */
  #neededEvidence({ modelId }: HealthState, nowMs: number): number {
    const { leastOpenEvidence, openEvidence, trafficEvidence } = this.#policy
    const perSecond = this.#cells.arrivalsPerSecond(modelId, nowMs)
    return Math.max(leastOpenEvidence, openEvidence + trafficEvidence * Math.log(perSecond))
  }

  #openIfDown(state: HealthState, nowMs: number): void {
    const openEvidence = this.#neededEvidence(state, nowMs)
    if (state.circuit.state === 'open' || state.evidence < openEvidence) return
    // Kept at the brink, so that it opens as soon as it may, and a few successes take it back.
    if (this.#health.mayOpen(state)) this.#open(state, nowMs)
    else state.evidence = openEvidence
  }

  /** An attempt of this gateway has ended, and the statistics know it. */
  judge(state: HealthState, ticket: Ticket, outcome: Outcome, nowMs: number): void {
    if (outcome === 'success') state.lastServedMs = Math.max(state.lastServedMs, ticket.begunMs)
    // What was sent before the breaker changed says nothing about how things are since.
    if (ticket.begunMs < state.circuit.sinceMs) return
    if (state.circuit.state === 'open') this.#judgeWhileOpen(state, ticket, outcome, nowMs)
    else this.#judgeWhileClosed(state, ticket, outcome, nowMs)
  }

  #judgeWhileOpen(state: HealthState, ticket: Ticket, outcome: Outcome, nowMs: number): void {
    const isBack = outcome === 'success' || outcome === 'refused' || outcome === 'rate_limited'
    if (isBack) this.#set(state, closed(nowMs))
    else if (ticket.isProbe) this.#open(state, nowMs)
  }

  #judgeWhileClosed(state: HealthState, ticket: Ticket, outcome: Outcome, nowMs: number): void {
    const { success, outage } = this.#evidenceOf(ticket.cell, nowMs)
    if (outcome !== 'timeout') state.evidence -= ticket.lateEvidence
    if (outcome === 'success') state.evidence += success
    if (outcome === 'outage') state.evidence += outage
    // One that was late was weighed when it became late.
    if (outcome === 'timeout' && !ticket.isLate && isUnanswered(state, ticket.begunMs)) {
      state.evidence += this.#timeoutEvidenceOf(ticket, nowMs)
    }
    state.evidence = Math.max(0, state.evidence)
    this.#openIfDown(state, nowMs)
  }

  /** The provider answered an attempt in a way that says nothing else: it was not late after all. */
  answered(state: HealthState, { begunMs, lateEvidence }: Ticket): void {
    if (begunMs < state.circuit.sinceMs) return
    state.evidence = Math.max(0, state.evidence - lateEvidence)
  }

  /** Other gateways have told what they saw, and the statistics know it. */
  hear(
    state: HealthState,
    cell: Cell,
    counts: Readonly<OutcomeCounts>,
    { atMs, nowMs }: { readonly atMs: number; readonly nowMs: number },
  ): void {
    if (isAlive(counts)) state.lastCompletionMs = Math.max(state.lastCompletionMs, atMs)
    if (counts.success > 0) {
      const begunMs = atMs - Math.exp(counts.logLatency / counts.success)
      state.lastServedMs = Math.max(state.lastServedMs, begunMs)
    }
    const isCurrent = atMs >= Math.max(state.circuit.sinceMs, nowMs - this.#policy.evidenceMs)
    if (state.circuit.state === 'open' || !isCurrent) return
    const begunMs = atMs - counts.failureMs / Math.max(1, failuresOf(counts))
    const timeout = isUnanswered(state, begunMs) ? counts.timeout : 0
    const heard = { ...counts, timeout }
    state.evidence = addEvidence(state.evidence, heard, this.#evidenceOf(cell, nowMs))
    this.#openIfDown(state, nowMs)
  }

  /**
   * Counts attempts that are older than a success would be; not those that are over by their own limit and only wait for
   * the provider to confirm it. To be called before any other news of the same place.
   */
  markLate(state: HealthState, nowMs: number): void {
    for (const ticket of state.inFlight) {
      if (ticket.isLate || ticket.isCutShort) continue
      const lateAfterMs = quantileMs(ticket.latency, this.#policy.lateSigmas)
      if (nowMs - ticket.begunMs > lateAfterMs) this.#countLate(state, ticket, nowMs)
    }
  }

  #countLate(state: HealthState, ticket: Ticket, nowMs: number): void {
    ticket.isLate = true
    this.#cells.changeLate(ticket.cell, 1, nowMs)
    if (ticket.begunMs < state.circuit.sinceMs) return
    if (state.circuit.state === 'closed') {
      if (!isUnanswered(state, ticket.begunMs)) return
      ticket.lateEvidence = this.#evidenceOf(ticket.cell, nowMs).timeout
      state.evidence += ticket.lateEvidence
      this.#openIfDown(state, nowMs)
    } else if (ticket.isProbe) {
      this.#open(state, nowMs)
    }
  }

  /** Time has passed. `heardGateways`: how many gateways' completions are known here, this one's included. */
  watch(state: HealthState, heardGateways: number, nowMs: number): void {
    if (state.inFlight.size > 0) this.markLate(state, nowMs)
    const { circuit, lastCompletionMs } = state
    if (circuit.state === 'open') {
      // Nobody probes: time alone closes it.
      const isOver = nowMs >= circuit.untilMs && this.#policy.probe === 'off'
      if (isOver) this.#set(state, closed(nowMs))
      return
    }
    if (state.inFlight.size < this.#policy.silenceInFlight) return
    const waiting = [...state.inFlight].filter(({ begunMs }) => begunMs >= circuit.sinceMs)
    if (!isSilent(waiting, lastCompletionMs, nowMs, heardGateways, this.#policy)) return
    state.evidence = Math.max(state.evidence, this.#neededEvidence(state, nowMs))
    this.#openIfDown(state, nowMs)
  }
}
