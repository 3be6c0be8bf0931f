import {
  HOUR_MS,
  type HourRecord,
  noCounts,
  type OutcomeCounts,
} from '#src/domain/provider-stats.ts'
import { asHash, type Step } from './batch.ts'
import { addField, addTo, type FieldSums, readSum } from './count-fields.ts'
import { parseHistory } from './history-fields.ts'
import { Portion } from './portion.ts'
import { BUCKET_MS, bucketOf, DAY_MS, historyKey } from './redis-keys.ts'

/** How far back hours are read at the start. */
const HOURS_MS = DAY_MS

/** Most days of offerings read at once. */
const MOST_DAYS = 24

/** Counts of a cell over some time before the start. */
export interface PastCounts {
  readonly cellId: string
  readonly counts: OutcomeCounts
  readonly atMs: number
}

const subtract = (counts: OutcomeCounts, cellId: string, sums: FieldSums): void => {
  for (const [name, sum] of sums) {
    if (name.startsWith(`${cellId}|`)) addField(counts, name.slice(cellId.length + 1), -sum)
  }
  for (const field of Object.keys(counts) as (keyof OutcomeCounts)[]) {
    counts[field] = Math.max(0, counts[field])
  }
}

/**
 * What a gateway that starts takes in of the past: the buckets of the last half hour, and what the hours of the last day
 * hold beyond them. All times are by Redis' clock.
 */
export class CatchUp {
  readonly #startedMs: number
  readonly #nowMs: number
  /** When the first bucket of the window begins. */
  readonly #windowMs: number
  /** Hashes of the history that were not read yet. */
  readonly #unread: Set<readonly [configKey: string, day: number]>
  readonly #portion = new Portion(MOST_DAYS)
  /** By bucket: what those of the hour hold that the window begins in. */
  readonly #buckets = new Map<number, FieldSums>()

  constructor(parts: {
    readonly configKeys: readonly string[]
    /** When this gateway began to observe. */
    readonly startedMs: number
    readonly nowMs: number
    /** How far back buckets are read. */
    readonly windowMs: number
  }) {
    this.#startedMs = parts.startedMs
    this.#nowMs = parts.nowMs
    this.#windowMs = bucketOf(parts.nowMs - parts.windowMs) * BUCKET_MS
    const days = new Set([parts.nowMs - HOURS_MS, parts.nowMs].map((ms) => Math.floor(ms / DAY_MS)))
    this.#unread = new Set(
      parts.configKeys.flatMap((key) => [...days].map((day) => [key, day] as const)),
    )
  }

  get isDone(): boolean {
    return this.#unread.size === 0
  }

  /** Start of the hour that the window begins in. */
  get #partHourMs(): number {
    return Math.floor(this.#windowMs / HOUR_MS) * HOUR_MS
  }

  readBucket(bucket: number, hash: Readonly<Record<string, string>>): void {
    if (this.isDone) {
      this.#buckets.clear()
      return
    }
    if (Math.floor((bucket * BUCKET_MS) / HOUR_MS) * HOUR_MS !== this.#partHourMs) return
    const sums: FieldSums = new Map()
    for (const [name, text] of Object.entries(hash)) addTo(sums, name, readSum(text) ?? 0)
    this.#buckets.set(bucket, sums)
  }

  /** Reads some of the days, and passes on what is in them before the window. To be called once all buckets were read. */
  steps(absorb: (past: PastCounts) => void): Step[] {
    return [...this.#unread].slice(0, this.#portion.hashes).map((hash) => {
      const [configKey, day] = hash
      return {
        send: (pipeline) => pipeline.hgetall(historyKey(configKey, day)),
        answered: (answer) => {
          this.#unread.delete(hash)
          const fields = asHash(answer)
          this.#portion.learn(Object.keys(fields).length)
          for (const hour of parseHistory(configKey, day, fields, 'measures')) {
            const past = this.#beforeWindow(hour)
            if (past) absorb(past)
          }
        },
      }
    })
  }

  /** The part of an hour before the window; `undefined`: none, too long ago, or perhaps this gateway's own. */
  #beforeWindow({ configKey, mode, tier, hourMs, counts }: HourRecord): PastCounts | undefined {
    const endMs = Math.min(hourMs + HOUR_MS, this.#windowMs)
    const isOver = endMs <= hourMs || endMs > this.#startedMs
    if (isOver || hourMs + HOUR_MS <= this.#nowMs - HOURS_MS) return undefined
    const cellId = `${configKey}|${mode}|${tier}`
    const before = { ...noCounts(), ...counts }
    if (hourMs === this.#partHourMs) {
      for (const sums of this.#buckets.values()) subtract(before, cellId, sums)
    }
    if (Object.values(before).every((count) => count === 0)) return undefined
    return { cellId, counts: before, atMs: (hourMs + endMs) / 2 }
  }
}
