import type { Pause } from '#src/domain/pause.ts'
import type { CircuitRecord, HealthChange, HealthRecord } from '#src/domain/provider-stats.ts'
import { splitField } from './count-fields.ts'

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

const parseCircuit = (text: string, byMs: number): CircuitRecord | undefined => {
  const [since, state, until, openings] = text.split(' ')
  if (state !== 'open' && state !== 'closed') return undefined
  const circuit = {
    state,
    sinceMs: Number(since),
    untilMs: Number(until),
    openings: Number(openings),
  } as const
  const isReadable = [circuit.sinceMs, circuit.untilMs, circuit.openings].every(Number.isFinite)
  return isReadable ? moveCircuit(circuit, byMs) : undefined
}

const parsePause = (text: string, byMs: number): Pause | undefined => {
  const [until, reason, since] = text.split(' ')
  if (reason !== 'rate_limited' && reason !== 'taken_out') return undefined
  const pause = { reason, sinceMs: Number(since) + byMs, untilMs: Number(until) + byMs } as const
  return Number.isFinite(pause.sinceMs + pause.untilMs) ? pause : undefined
}

/**
 * What this gateway tells and hears of breakers and pauses. Telling twice does no harm, so whatever failed is told
 * again. Bounded by the number of keys. Arguments named `aheadMs`: how far Redis' clock is ahead of this gateway's.
 */
export class HealthLedger {
  readonly #gateway: string
  readonly #pending = new Map<string, PendingHealth>()
  /** By field: what was last heard, so that it is passed on once. */
  #heard: Readonly<Record<string, string>> = {}

  constructor(gateway: string) {
    this.#gateway = gateway
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

  /** What other gateways told since the last reading. */
  hear(hash: Readonly<Record<string, string>>, aheadMs: number): [string, HealthRecord][] {
    const records = new Map<string, HealthRecord>()
    for (const [name, text] of Object.entries(hash)) {
      if (text === this.#heard[name] || text.endsWith(` ${this.#gateway}`)) continue
      const [key, part] = splitField(name)
      const news = this.#parse(key, part, text, -aheadMs)
      if (news) records.set(key, { ...records.get(key), ...news })
    }
    this.#heard = hash
    return [...records]
  }

  #parse(key: string, part: string, text: string, byMs: number): HealthRecord | undefined {
    if (part === 'c') {
      const circuit = parseCircuit(text, byMs)
      return circuit && { circuit }
    }
    if (part === 'r') {
      const resumedMs = Number(text) + byMs
      return Number.isFinite(resumedMs) ? { resumedMs } : undefined
    }
    if (part !== 'p') return undefined
    const pause = parsePause(text, byMs)
    const resumedMs = this.#pending.get(key)?.resumeBegunMs
    // Ended here while the reading was under way; the others will be told.
    if (!pause || (resumedMs !== undefined && pause.sinceMs <= resumedMs)) return undefined
    return { pause }
  }
}
