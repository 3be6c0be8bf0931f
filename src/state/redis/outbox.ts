import {
  type HealthChange,
  HOUR_MS,
  type HourRecord,
  type Observation,
} from '#src/domain/provider-stats.ts'
import type { Step } from './batch.ts'
import type { BucketLedger } from './bucket-ledger.ts'
import { addTo, type FieldSums, fieldsOf } from './count-fields.ts'
import { type HealthLedger, LONGEST_TROUBLE_MS } from './health-fields.ts'
import { historyFieldsOf, parseHistory, placeOfHour } from './history-fields.ts'
import { type PendingHash, PendingSums } from './pending-sums.ts'
import {
  BUCKET_MS,
  BUFFER_MS,
  bucketKey,
  bucketOf,
  DAY_MS,
  HEALTH_KEY,
  historyKey,
  type KeyLifetimes,
  LATE_KEY,
} from './redis-keys.ts'
import { hadNoEffect } from './trouble.ts'

/** Most hashes sent at once: after an outage the rest follows with the next batches. */
const MOST_BUCKETS = 12
const MOST_HOURS = 64

/** Hours are few sums each, so they wait for a day. */
const KEPT_HOURS_MS = DAY_MS

/** `HINCRBY`'s arguments. */
const pairsOf = (sums: FieldSums, prefix = ''): (string | number)[] =>
  [...sums].flatMap(([field, by]) => [prefix + field, by])

/**
 * What this gateway has to tell. Told into memory by requests, sent by the background: at most once, except what surely
 * had no effect, and except health, where telling twice does no harm.
 */
export class Outbox {
  readonly #receipt: string
  readonly #ledger: BucketLedger
  readonly #health: HealthLedger
  readonly #lifetimes: KeyLifetimes
  readonly #buckets = new PendingSums(BUCKET_MS, BUFFER_MS)
  readonly #hours = new PendingSums(HOUR_MS, KEPT_HOURS_MS)
  /** Hours that were refused before and are being sent again. */
  readonly #resent = new Set<PendingHash>()
  #recoveredMs = Number.NEGATIVE_INFINITY
  #sendings = 0

  constructor(parts: {
    readonly receipt: string
    readonly ledger: BucketLedger
    readonly health: HealthLedger
    readonly lifetimes: KeyLifetimes
  }) {
    this.#receipt = parts.receipt
    this.#ledger = parts.ledger
    this.#health = parts.health
    this.#lifetimes = parts.lifetimes
  }

  /** Hashes that wait. */
  get size(): number {
    return this.#buckets.size + this.#hours.size
  }

  share(observation: Observation): void {
    const { cell, atMs } = observation
    if (!observation.isCutShort) {
      const bucket = this.#buckets.sumsAt('', atMs)
      for (const [field, by] of fieldsOf(observation)) addTo(bucket, `${cell.id}|${field}`, by)
    }
    const hour = this.#hours.sumsAt(cell.configKey, atMs)
    for (const [field, by] of historyFieldsOf(observation)) {
      addTo(hour, `${cell.mode}|${cell.tier}|${field}`, by)
    }
  }

  /** Hours of an offering that Redis has refused so far, by its clock: what it has of them lacks these. */
  refusedHours(configKey: string, aheadMs: number): HourRecord[] {
    return [...this.#hours.refused, ...this.#resent]
      .filter(({ group }) => group === configKey)
      .flatMap(({ fromMs, sums }) => {
        const [day, prefix] = placeOfHour(fromMs + HOUR_MS / 2 + aheadMs)
        const hash = Object.fromEntries([...sums].map(([name, by]) => [prefix + name, String(by)]))
        return parseHistory(configKey, day, hash)
      })
  }

  /** When Redis last took an hour that it had refused before, by this gateway's clock. */
  get recoveredMs(): number {
    return this.#recoveredMs
  }

  shareHealth(change: HealthChange): void {
    this.#health.add(change)
  }

  dropOld(nowMs: number): void {
    this.#buckets.dropOld(nowMs)
    this.#hours.dropOld(nowMs)
  }

  /** Takes out what is to be sent. `aheadMs`: how far Redis' clock is ahead. */
  steps(nowMs: number, aheadMs: number): Step[] {
    return [
      ...this.#healthSteps(nowMs, aheadMs),
      ...this.#buckets
        .take(MOST_BUCKETS)
        .flatMap((hash) => this.#bucketSteps(hash, nowMs, aheadMs)),
      ...this.#hours.take(MOST_HOURS).map((hash) => this.#hourStep(hash, nowMs, aheadMs)),
    ]
  }

  #healthSteps(nowMs: number, aheadMs: number): Step[] {
    const latestMs = Math.round(this.#health.latestMs({ nowMs, aheadMs }))
    return this.#health.take(aheadMs).map(({ message, putBack }) => ({
      send: (pipeline) =>
        pipeline.changeHealth(
          HEALTH_KEY,
          this.#lifetimes.sharedMs,
          message.key,
          message.circuit,
          message.resume,
          message.pause,
          latestMs,
          LONGEST_TROUBLE_MS,
        ),
      failed: putBack,
    }))
  }

  #bucketSteps(hash: PendingHash, nowMs: number, aheadMs: number): Step[] {
    const bucket = bucketOf(hash.fromMs + BUCKET_MS / 2 + aheadMs)
    this.#sendings += 1
    const number = this.#sendings
    this.#ledger.sent(bucket, number, hash.sums)
    const add: Step = {
      send: (pipeline) =>
        pipeline.addCounts(
          bucketKey(bucket),
          this.#lifetimes.bucketMs,
          this.#receipt,
          number,
          ...pairsOf(hash.sums),
        ),
      failed: (error) => {
        if (!hadNoEffect(error)) return
        this.#ledger.refused(bucket, number)
        this.#buckets.putBack(hash)
      },
    }
    const isLate = bucket < bucketOf(nowMs + aheadMs) - 1
    return isLate ? [add, ...this.#lateSteps(bucket, number)] : [add]
  }

  /** The others read old buckets again only if they are told. */
  #lateSteps(bucket: number, number: number): Step[] {
    const oldest = bucket - 2 * (BUFFER_MS / BUCKET_MS)
    return [
      {
        send: (pipeline) => pipeline.zadd(LATE_KEY, bucket, `${bucket}${this.#receipt}:${number}`),
      },
      { send: (pipeline) => pipeline.zremrangebyscore(LATE_KEY, '-inf', oldest) },
      { send: (pipeline) => pipeline.pexpire(LATE_KEY, this.#lifetimes.bucketMs) },
    ]
  }

  #hourStep(hash: PendingHash, nowMs: number, aheadMs: number): Step {
    if (hash.isRefused) this.#resent.add(hash)
    const middleMs = hash.fromMs + HOUR_MS / 2 + aheadMs
    const [day, prefix] = placeOfHour(middleMs)
    return {
      send: (pipeline) =>
        pipeline.addCounts(
          historyKey(hash.group, day),
          this.#lifetimes.historyMs,
          '',
          0,
          ...pairsOf(hash.sums, prefix),
        ),
      answered: () => {
        if (this.#resent.delete(hash)) this.#recoveredMs = nowMs
      },
      failed: (error) => {
        this.#resent.delete(hash)
        if (hadNoEffect(error)) this.#hours.putBack(hash)
      },
    }
  }
}
