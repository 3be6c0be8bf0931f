import { addTo, type FieldSums } from './count-fields.ts'

/** Sums that belong into one hash. */
export interface PendingHash {
  /** What they are about; empty: everything. */
  readonly group: string
  /** Start of the time that they were observed in. */
  readonly fromMs: number
  readonly sums: FieldSums
  /** Whether Redis refused it at least once. */
  isRefused: boolean
}

/**
 * Counts that were not sent yet, added up per group and stretch of time. Bounded: what is older than `keepMs` is
 * dropped, and groups and fields are as many as there are offerings.
 */
export class PendingSums {
  readonly #stretchMs: number
  readonly #keepMs: number
  readonly #hashes = new Map<string, PendingHash>()

  constructor(stretchMs: number, keepMs: number) {
    this.#stretchMs = stretchMs
    this.#keepMs = keepMs
  }

  get size(): number {
    return this.#hashes.size
  }

  #hashOf(group: string, fromMs: number): PendingHash {
    const id = `${fromMs} ${group}`
    const present = this.#hashes.get(id)
    if (present) return present
    const hash: PendingHash = { group, fromMs, sums: new Map(), isRefused: false }
    this.#hashes.set(id, hash)
    return hash
  }

  /** Where the counts of a group at `atMs` are added to. */
  sumsAt(group: string, atMs: number): FieldSums {
    return this.#hashOf(group, Math.floor(atMs / this.#stretchMs) * this.#stretchMs).sums
  }

  /** Takes the newest `most` out, the newest first. */
  take(most: number): PendingHash[] {
    const newest = [...this.#hashes].sort(([, a], [, b]) => b.fromMs - a.fromMs).slice(0, most)
    for (const [id] of newest) this.#hashes.delete(id)
    return newest.map(([, hash]) => hash)
  }

  /** What was taken and refused. */
  putBack({ group, fromMs, sums }: PendingHash): void {
    const hash = this.#hashOf(group, fromMs)
    hash.isRefused = true
    for (const [field, by] of sums) addTo(hash.sums, field, by)
  }

  /** What was refused and waits to be taken again. */
  get refused(): PendingHash[] {
    return [...this.#hashes.values()].filter(({ isRefused }) => isRefused)
  }

  dropOld(nowMs: number): void {
    for (const [id, { fromMs }] of this.#hashes) {
      if (fromMs + this.#stretchMs < nowMs - this.#keepMs) this.#hashes.delete(id)
    }
  }
}
