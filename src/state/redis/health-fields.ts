import type { Pause } from '#src/domain/pause.ts'
import {
  type CircuitRecord,
  type HealthChange,
  type HealthRecord,
  HOUR_MS,
} from '#src/domain/provider-stats.ts'
import { splitField } from './count-fields.ts'
import type { Moment } from './redis-keys.ts'

/** No circuit is open and no pause lasts for longer, in routing's ms: the policy allows no more. */
export const LONGEST_TROUBLE_MS = HOUR_MS
/** How far ahead of now a record may be: gateways know Redis' clock no better. Routing's ms, and at least real ones. */
const AHEAD_MS = 60_000
const LEAST_AHEAD_MS = 1_000
/** More than any breaker ever opens in a row. */
const MOST_OPENINGS = 1_000_000

/** What was learnt of one key and not told yet. */
interface PendingHealth {
  circuit?: CircuitRecord
  resumeBegunMs?: number
  pause?: Pause
}

/** What is to be told of one key, as the script takes it. */
export interface HealthMessage {
  readonly key: string
  readonly circuit: string
  readonly resume: string
  readonly pause: string
}

const joined = (...parts: readonly (string | number)[]): string =>
  parts.map((part) => (typeof part === 'number' ? Math.round(part) : part)).join(' ')

/** A circuit with its times moved. */
const moveCircuit = (circuit: CircuitRecord, byMs: number): CircuitRecord => ({
  ...circuit,
  sinceMs: circuit.sinceMs + byMs,
  untilMs: circuit.untilMs === 0 ? 0 : circuit.untilMs + byMs,
})

/** Reads a whole number that is not negative; NaN of anything else. */
const readWhole = (text = ''): number => (/^\d{1,18}$/.test(text) ? Number(text) : Number.NaN)

/** Whether a stretch of time can be true, by Redis' clock. */
const isCredible = (sinceMs: number, untilMs: number, latestMs: number): boolean =>
  sinceMs <= latestMs && untilMs <= sinceMs + LONGEST_TROUBLE_MS

const parseCircuit = (text: string, latestMs: number): CircuitRecord | undefined => {
  const [since, state, until, openings] = text.split(' ')
  if (state !== 'open' && state !== 'closed') return undefined
  const circuit = {
    state,
    sinceMs: readWhole(since),
    untilMs: readWhole(until),
    openings: readWhole(openings),
  } as const
  const isReadable =
    isCredible(circuit.sinceMs, circuit.untilMs, latestMs) && circuit.openings <= MOST_OPENINGS
  return isReadable ? circuit : undefined
}

const parsePause = (text: string, latestMs: number): Pause | undefined => {
  const [until, reason, since] = text.split(' ')
  if (reason !== 'rate_limited' && reason !== 'taken_out') return undefined
  const pause = { reason, sinceMs: readWhole(since), untilMs: readWhole(until) } as const
  return isCredible(pause.sinceMs, pause.untilMs, latestMs) ? pause : undefined
}

/**
 * What this gateway tells and hears of breakers and pauses. Telling twice does no harm, so whatever failed is told
 * again. Bounded by the number of keys. Arguments named `aheadMs`: how far Redis' clock is ahead of this gateway's.
 */
export class HealthLedger {
  readonly #gateway: string
  readonly #mostAheadMs: number
  readonly #pending = new Map<string, PendingHealth>()
  /** By field: what was last heard and believed, so that it is passed on once. */
  #heard: ReadonlyMap<string, string> = new Map()

  constructor(gateway: string, timeScale = 1) {
    this.#gateway = gateway
    this.#mostAheadMs = Math.max(AHEAD_MS, LEAST_AHEAD_MS * timeScale)
  }

  /** The latest time that a record can be of, by Redis' clock; a later one is not believed. */
  latestMs({ nowMs, aheadMs }: Moment): number {
    return nowMs + aheadMs + this.#mostAheadMs
  }

  add(change: HealthChange): void {
    const present = this.#pending.get(change.key)
    const pending: PendingHealth = present ?? {}
    if (!present) this.#pending.set(change.key, pending)
    if ('circuit' in change) {
      if (!(pending.circuit && pending.circuit.sinceMs >= change.circuit.sinceMs)) {
        pending.circuit = change.circuit
      }
    } else if ('pause' in change) {
      if (!(pending.pause && pending.pause.untilMs >= change.pause.untilMs)) {
        pending.pause = change.pause
      }
    } else {
      pending.resumeBegunMs = Math.max(pending.resumeBegunMs ?? 0, change.resumeBegunMs)
      if (pending.pause && pending.pause.sinceMs <= change.resumeBegunMs) delete pending.pause
    }
  }

  /** Takes out what is to be told; what was not is to be put back. */
  take(aheadMs: number): { message: HealthMessage; putBack: () => void }[] {
    const taken = [...this.#pending]
    this.#pending.clear()
    return taken.map(([key, pending]) => ({
      message: this.#messageOf(key, pending, aheadMs),
      putBack: () => this.#putBack(key, pending),
    }))
  }

  #messageOf(key: string, pending: PendingHealth, aheadMs: number): HealthMessage {
    const circuit = pending.circuit && moveCircuit(pending.circuit, aheadMs)
    const { pause, resumeBegunMs } = pending
    return {
      key,
      circuit: circuit
        ? joined(circuit.sinceMs, circuit.state, circuit.untilMs, circuit.openings, this.#gateway)
        : '',
      resume: resumeBegunMs === undefined ? '' : joined(resumeBegunMs + aheadMs),
      pause: pause
        ? joined(pause.untilMs + aheadMs, pause.reason, pause.sinceMs + aheadMs, this.#gateway)
        : '',
    }
  }

  #putBack(key: string, { circuit, resumeBegunMs, pause }: PendingHealth): void {
    if (resumeBegunMs !== undefined) this.add({ key, resumeBegunMs })
    if (circuit) this.add({ key, circuit })
    const resumedMs = this.#pending.get(key)?.resumeBegunMs
    if (pause && !(resumedMs !== undefined && pause.sinceMs <= resumedMs)) this.add({ key, pause })
  }

  /** Has everything passed on again: there is somebody new to tell, and who knows it takes no harm. */
  hearAgain(): void {
    this.#heard = new Map()
  }

  /** What other gateways told since the last reading. */
  hear(hash: Readonly<Record<string, string>>, moment: Moment): [string, HealthRecord][] {
    const records = new Map<string, HealthRecord>()
    const heard = new Map<string, string>()
    for (const [name, text] of Object.entries(hash)) {
      if (text.endsWith(` ${this.#gateway}`)) continue
      const isKnown = text === this.#heard.get(name)
      const [key, part] = splitField(name)
      const news = isKnown ? undefined : this.#parse(key, part, text, moment)
      if (news) records.set(key, { ...records.get(key), ...news })
      // What is of a time to come is looked at again: it may be true by then.
      if (isKnown || news) heard.set(name, text)
    }
    this.#heard = heard
    return [...records]
  }

  #parse(key: string, part: string, text: string, moment: Moment): HealthRecord | undefined {
    const [latestMs, byMs] = [this.latestMs(moment), -moment.aheadMs]
    if (part === 'c') {
      const circuit = parseCircuit(text, latestMs)
      return circuit && { circuit: moveCircuit(circuit, byMs) }
    }
    if (part === 'r') {
      const resumedMs = readWhole(text)
      return isCredible(resumedMs, resumedMs, latestMs)
        ? { resumedMs: resumedMs + byMs }
        : undefined
    }
    const read = part === 'p' ? parsePause(text, latestMs) : undefined
    if (!read) return undefined
    const pause = { ...read, sinceMs: read.sinceMs + byMs, untilMs: read.untilMs + byMs }
    const resumedMs = this.#pending.get(key)?.resumeBegunMs
    // Ended here while the reading was under way; the others will be told.
    return resumedMs !== undefined && pause.sinceMs <= resumedMs ? undefined : { pause }
  }
}
