import { noCounts, type OutcomeCounts } from '#src/domain/provider-stats.ts'
import { addField, addTo, type FieldSums, readSum, splitField } from './count-fields.ts'
import { BUCKET_MS, bucketOf } from './redis-keys.ts'

/** What others added to one cell of a bucket since it was last read. */
export interface NewCounts {
  readonly cellId: string
  readonly counts: OutcomeCounts
  /** About when it was observed, by Redis' clock. */
  readonly atMs: number
}

interface Sending {
  readonly number: number
  readonly sums: FieldSums
}

interface BucketAccount {
  /** Names the hash's beginning; another one: the hash was lost and begun anew. */
  origin: string | undefined
  /** What this gateway sent and Redis has added. */
  readonly own: FieldSums
  /** What this gateway sent, of which Redis has not said yet that it was added. */
  unconfirmed: Sending[]
  /** What was taken in of the others' counts. */
  readonly absorbed: FieldSums
  readMs: number | undefined
}

/**
 * Tells others' counts in a bucket from this gateway's own, each once: bucket − own − taken in before. What is own is
 * read from the receipt that the bucket's hash keeps, so that a sending whose reply was lost is known for what it is.
 */
export class BucketLedger {
  readonly #receipt: string
  readonly #syncIntervalMs: number
  readonly #accounts = new Map<number, BucketAccount>()

  /** `receipt`: name of the field with the numbers of this gateway's sendings that were added. */
  constructor(receipt: string, syncIntervalMs: number) {
    this.#receipt = receipt
    this.#syncIntervalMs = syncIntervalMs
  }

  get size(): number {
    return this.#accounts.size
  }

  #accountOf(bucket: number): BucketAccount {
    const present = this.#accounts.get(bucket)
    if (present) return present
    const account: BucketAccount = {
      origin: undefined,
      own: new Map(),
      unconfirmed: [],
      absorbed: new Map(),
      readMs: undefined,
    }
    this.#accounts.set(bucket, account)
    return account
  }

  /** This gateway sent counts; whether they arrive will be seen. */
  sent(bucket: number, number: number, sums: FieldSums): void {
    this.#accountOf(bucket).unconfirmed.push({ number, sums })
  }

  /** Redis refused a sending: it will not arrive. */
  refused(bucket: number, number: number): void {
    const account = this.#accountOf(bucket)
    account.unconfirmed = account.unconfirmed.filter((sending) => sending.number !== number)
  }

  #confirm(account: BucketAccount, hash: Readonly<Record<string, string>>): void {
    const origin = hash['#']
    if (account.origin !== undefined && account.origin !== origin) {
      account.own.clear()
      account.absorbed.clear()
    }
    account.origin = origin
    // All of them, as a sending can be lost and the next one arrive.
    const received = new Set((hash[this.#receipt] ?? '').split(' '))
    const isReceived = ({ number }: Sending): boolean => received.has(String(number))
    for (const { sums } of account.unconfirmed.filter(isReceived)) {
      for (const [field, by] of sums) addTo(account.own, field, by)
    }
    account.unconfirmed = account.unconfirmed.filter((sending) => !isReceived(sending))
  }

  /** When what is new in a bucket was observed: since it was last read and within its time, taken in the middle. */
  #observedMs(bucket: number, account: BucketAccount, nowMs: number): number {
    const startMs = bucket * BUCKET_MS
    const endMs = Math.min(startMs + BUCKET_MS, nowMs)
    // The others may have kept it to themselves for as long as one interval.
    const sinceMs = (account.readMs ?? Number.NEGATIVE_INFINITY) - this.#syncIntervalMs
    const fromMs = Math.min(endMs, Math.max(startMs, sinceMs))
    return (fromMs + endMs) / 2
  }

  /** What others added since the bucket was last read. `nowMs`: by Redis' clock. */
  read(bucket: number, hash: Readonly<Record<string, string>>, nowMs: number): NewCounts[] {
    const account = this.#accountOf(bucket)
    this.#confirm(account, hash)
    const atMs = this.#observedMs(bucket, account, nowMs)
    account.readMs = nowMs
    const cells = new Map<string, NewCounts>()
    for (const [name, text] of Object.entries(hash)) {
      if (name.startsWith('#')) continue
      const known = (account.own.get(name) ?? 0) + (account.absorbed.get(name) ?? 0)
      const more = (readSum(text) ?? 0) - known
      if (more <= 0) continue
      const [cellId, field] = splitField(name)
      const cell = cells.get(cellId) ?? { cellId, counts: noCounts(), atMs }
      if (!addField(cell.counts, field, more)) continue
      cells.set(cellId, cell)
      addTo(account.absorbed, name, more)
    }
    return [...cells.values()]
  }

  /** Forgets buckets that get nothing any more. */
  dropBefore(atMs: number): void {
    const first = bucketOf(atMs)
    for (const bucket of this.#accounts.keys()) {
      if (bucket < first) this.#accounts.delete(bucket)
    }
  }
}
