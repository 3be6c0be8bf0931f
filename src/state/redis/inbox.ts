import type { StatsReceiver } from '#src/domain/provider-stats.ts'
import { asHash, type Step } from './batch.ts'
import type { BucketLedger } from './bucket-ledger.ts'
import { CatchUp, type PastCounts } from './catch-up.ts'
import type { HealthLedger } from './health-fields.ts'
import { Portion } from './portion.ts'
import {
  BUCKET_MS,
  BUFFER_MS,
  bucketKey,
  bucketOf,
  HEALTH_KEY,
  LATE_KEY,
  type Moment,
  WINDOW_MS,
} from './redis-keys.ts'

/** Most buckets read at once beside the present two. */
const MOST_OLD_BUCKETS = 24

/** Buckets get nothing any more after this: as long as counts wait, and a minute for those who are slow. */
const KEPT_BUCKETS_MS = BUFFER_MS + 60_000

/** The bucket that a member of the late ones begins with; `undefined`: it is none. */
const lateBucketOf = (member: string): number | undefined => {
  const digits = /^(\d{1,15})#/.exec(member)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** What the others have to tell: reads it and passes it on, each once. */
export class Inbox {
  readonly #ledger: BucketLedger
  readonly #health: HealthLedger
  /** Offerings whose past is known, or is being read. */
  readonly #known: Set<string>
  /** Offerings whose past is to be read. */
  #waiting: string[]
  readonly #startedMs: number
  readonly #portion = new Portion(MOST_OLD_BUCKETS)
  /** Buckets to be read. */
  readonly #due = new Set<number>()
  /** The bucket that was the present one when it was last read. */
  #readTo: number | undefined
  #lateSeen: ReadonlySet<string> = new Set()
  /** Absent: before the first exchange. */
  #catchUp: CatchUp | undefined

  constructor(parts: {
    readonly ledger: BucketLedger
    readonly health: HealthLedger
    /** Offerings whose past is read at the start. */
    readonly configKeys: readonly string[]
    /** When this gateway began to observe. */
    readonly startedMs: number
  }) {
    this.#ledger = parts.ledger
    this.#health = parts.health
    this.#known = new Set(parts.configKeys)
    this.#waiting = [...this.#known]
    this.#startedMs = parts.startedMs
  }

  /** Whether the past is known. */
  get isCaughtUp(): boolean {
    return this.#catchUp?.isDone ?? false
  }

  /** Reads the past of these offerings too. */
  follow(configKeys: readonly string[]): void {
    const added = configKeys.filter((configKey) => !this.#known.has(configKey))
    for (const configKey of added) this.#known.add(configKey)
    this.#waiting.push(...added)
    if (added.length > 0) this.#health.hearAgain()
  }

  /** What is to be read. Health comes first, as it says which counts are old news. */
  steps(moment: Moment, receiver: StatsReceiver): Step[] {
    const present = bucketOf(moment.nowMs + moment.aheadMs)
    this.#markDue(moment, present)
    const old = [...this.#due].filter((bucket) => bucket < present - 1).sort((a, b) => a - b)
    const buckets = [...old.slice(0, this.#portion.hashes), present - 1, present]
    const isPastRead = old.length === 0
    return [
      this.#healthStep(moment, receiver),
      ...buckets.map((bucket) => this.#bucketStep(bucket, present, moment, receiver)),
      this.#lateStep(present),
      ...(isPastRead ? this.#pastSteps(moment, receiver) : []),
    ]
  }

  /**
   * Forgets buckets that are over, also while nothing can be read. Those that will be read again keep their account:
   * without it this gateway's own counts would come back as those of others.
   */
  dropOld({ nowMs, aheadMs }: Moment): void {
    const redisMs = nowMs + aheadMs
    const unread = Math.min(this.#readTo ?? 0, ...this.#due) - 1
    const neededMs = Math.min(unread * BUCKET_MS, redisMs - KEPT_BUCKETS_MS)
    this.#ledger.dropBefore(Math.max(neededMs, redisMs - WINDOW_MS))
  }

  #markDue({ nowMs, aheadMs }: Moment, present: number): void {
    const redisMs = nowMs + aheadMs
    this.#beginCatchUp({ nowMs, aheadMs })
    const oldest = bucketOf(redisMs - WINDOW_MS)
    const first = Math.max(this.#readTo === undefined ? oldest : this.#readTo - 1, oldest)
    for (let bucket = first; bucket <= present; bucket += 1) this.#due.add(bucket)
    for (const bucket of this.#due) if (bucket < oldest) this.#due.delete(bucket)
  }

  /**
   * At the start the past reaches to the buckets that are read anyway. Of offerings that come later these were passed
   * over when they were read, so that their past reaches to the present bucket; the last seconds of it are missed.
   */
  #beginCatchUp({ nowMs, aheadMs }: Moment): void {
    const isFirst = this.#catchUp === undefined
    if (!isFirst && (this.#waiting.length === 0 || !this.isCaughtUp)) return
    const redisMs = nowMs + aheadMs
    this.#catchUp = new CatchUp({
      configKeys: this.#waiting,
      startedMs: isFirst ? this.#startedMs + aheadMs : redisMs,
      nowMs: redisMs,
      windowMs: isFirst ? WINDOW_MS : 0,
    })
    this.#waiting = []
  }

  #healthStep(moment: Moment, receiver: StatsReceiver): Step {
    return {
      send: (pipeline) => pipeline.hgetall(HEALTH_KEY),
      answered: (answer) => {
        for (const [key, record] of this.#health.hear(asHash(answer), moment)) {
          receiver.adoptHealth(key, record)
        }
      },
    }
  }

  #bucketStep(
    bucket: number,
    present: number,
    { nowMs, aheadMs }: Moment,
    receiver: StatsReceiver,
  ): Step {
    return {
      send: (pipeline) => pipeline.hgetall(bucketKey(bucket)),
      answered: (answer) => {
        const hash = asHash(answer)
        this.#portion.learn(Object.keys(hash).length)
        this.#due.delete(bucket)
        if (bucket === present) this.#readTo = present
        this.#catchUp?.readBucket(bucket, hash)
        for (const { cellId, counts, atMs } of this.#ledger.read(bucket, hash, nowMs + aheadMs)) {
          receiver.absorb(cellId, counts, Math.min(atMs - aheadMs, nowMs), nowMs)
        }
      },
    }
  }

  /** Which old buckets got counts of gateways that could not send them before. */
  #lateStep(present: number): Step {
    const first = present - BUFFER_MS / BUCKET_MS
    return {
      send: (pipeline) => pipeline.zrangebyscore(LATE_KEY, first, present),
      answered: (answer) => {
        const members = Array.isArray(answer) ? answer.map(String) : []
        for (const member of members) {
          const bucket = lateBucketOf(member)
          if (bucket === undefined || bucket < first || bucket > present) continue
          if (!this.#lateSeen.has(member)) this.#due.add(bucket)
        }
        this.#lateSeen = new Set(members)
      },
    }
  }

  #pastSteps({ nowMs, aheadMs }: Moment, receiver: StatsReceiver): Step[] {
    const absorb = ({ cellId, counts, atMs }: PastCounts): void =>
      receiver.absorb(cellId, counts, Math.min(atMs - aheadMs, nowMs), nowMs)
    return this.#catchUp?.steps(absorb) ?? []
  }
}
