import type { KeptRecord } from '#src/domain/kept-record.ts'
import { positionOf, timePositionOf } from '#src/domain/request-position.ts'
import { runBatch, type Step } from './batch.ts'
import type { RedisConnection } from './connect.ts'
import type { SyncResult } from './redis-sync.ts'
import { entryFieldsOf, parseEntry } from './request-log-entry.ts'
import { ask, LogUnreachable } from './request-log-index.ts'
import { ALL_KEY, keysOfPosition, partsOfPosition, recordKeyOf } from './request-log-keys.ts'
import type { RequestLogOutbox } from './request-log-outbox.ts'
import { packRecord } from './request-log-record.ts'
import { NO_DATABASE, type Trouble } from './trouble.ts'

/** Requests told at once: some milliseconds of this process, to deflate them. */
const BATCH_RECORDS = 40

/** Requests dropped at once: a millisecond of Redis. */
const BATCH_DROPS = 200
/** Most rounds of dropping after one telling: the next goes on. */
const DROP_ROUNDS = 5

/** How often old requests are looked for while there is nothing to tell, in ms. */
const IDLE_DROP_INTERVAL_MS = 10_000

export interface RequestLogWriterParts {
  readonly connection: RedisConnection
  readonly outbox: RequestLogOutbox
  /** The latest requests of this process, told or not; those that changed last come last. */
  readonly known: () => readonly KeptRecord[]
  /** Requests of all gateways that are kept at most. */
  readonly maxRecords: number
  /** How long each is kept, in ms. */
  readonly keptMs: number
  /** Wall-clock ms. */
  readonly now: () => number
  /** Real time, monotonic. */
  readonly realMs: () => number
}

/** Tells Redis what waits, and drops there what is too old or too much. */
export class RequestLogWriter {
  readonly #parts: RequestLogWriterParts
  #droppedMs = Number.NEGATIVE_INFINITY
  #hasToldSince = false
  #isNewConnection = false

  constructor(parts: RequestLogWriterParts) {
    this.#parts = parts
    parts.connection.client.on('ready', () => {
      this.#isNewConnection = true
    })
  }

  /**
   * Tells what waits and, with `drops`, drops what is too much. Never rejects for what Redis does. Not to be called again
   * before it is over.
   */
  async run({ drops }: { readonly drops: boolean }): Promise<SyncResult> {
    const { connection, outbox, realMs } = this.#parts
    if (!connection.isReady()) {
      connection.open()
      const trouble = connection.trouble()
      if (trouble?.kind === NO_DATABASE) connection.renew(realMs())
      return trouble ? { trouble } : 'pending'
    }
    if (this.#isNewConnection) {
      const trouble = await this.#giveBack()
      if (trouble) return { trouble }
    }
    const hasNothingNew = outbox.size === 0 && !this.#hasToldSince
    const isIdle = hasNothingNew && realMs() - this.#droppedMs < IDLE_DROP_INTERVAL_MS
    if (isIdle) return { trouble: undefined }
    // Counted before: what comes meanwhile, or is refused again and again, waits for the next time.
    for (let left = outbox.size; left > 0; left -= BATCH_RECORDS) {
      const trouble = await this.#tell(outbox.first(Math.min(left, BATCH_RECORDS)))
      if (trouble?.kind === 'READONLY') connection.renew(realMs())
      if (trouble) return { trouble }
      this.#hasToldSince = true
    }
    if (!drops) return { trouble: undefined }
    this.#droppedMs = realMs()
    this.#hasToldSince = false
    return { trouble: await this.#drop() }
  }

  /** A Redis that has lost the latest request that it was told of is told again of all that this process still knows. */
  async #giveBack(): Promise<Trouble | undefined> {
    const { connection, outbox, known } = this.#parts
    const waiting = outbox.waiting()
    const records = known()
    const latestTold = records.findLast((record) => !waiting.has(positionOf(record)))
    try {
      const name = latestTold && recordKeyOf(positionOf(latestTold))
      const isThere = !name || (await ask(connection, (pipeline) => pipeline.exists(name))) === 1
      this.#isNewConnection = false
      if (!isThere) for (const record of records) outbox.put(record)
    } catch (error) {
      if (!(error instanceof LogUnreachable)) throw error
      return error.trouble
    }
    return undefined
  }

  #tell(records: [position: string, record: KeptRecord][]): Promise<Trouble | undefined> {
    return runBatch(
      this.#parts.connection.client,
      records.map(([position, record]) => this.#putStep(position, record)),
    )
  }

  #putStep(position: string, record: KeptRecord): Step {
    const { outbox, keptMs } = this.#parts
    const { moment, keyPart } = partsOfPosition(position)
    return {
      send: (pipeline) =>
        pipeline.putRequest(
          ...keysOfPosition(position),
          keptMs,
          position,
          entryFieldsOf(record),
          packRecord(record),
          keyPart,
          moment,
          record.status === 'pending' ? 0 : 1,
        ),
      answered: () => outbox.told(position, record),
      failed: () => outbox.refused(position, record),
    }
  }

  async #drop(): Promise<Trouble | undefined> {
    try {
      for (let round = 0; round < DROP_ROUNDS; round += 1) {
        if ((await this.#dropSome()) < BATCH_DROPS) return undefined
      }
    } catch (error) {
      if (!(error instanceof LogUnreachable)) throw error
      return error.trouble
    }
    return undefined
  }

  /** Resolves to how many were to be dropped. */
  async #dropSome(): Promise<number> {
    const { connection, maxRecords, keptMs, now } = this.#parts
    const surplus =
      Number(await ask(connection, (pipeline) => pipeline.zcard(ALL_KEY))) - maxRecords
    const end = `(${timePositionOf(now() - keptMs)}`
    const oldest = await ask(connection, (pipeline) =>
      surplus > 0
        ? pipeline.zrange(ALL_KEY, '0', String(Math.min(surplus, BATCH_DROPS) - 1))
        : pipeline.zrangebylex(ALL_KEY, '-', end, 'LIMIT', 0, BATCH_DROPS),
    )
    const texts = Array.isArray(oldest) ? oldest.map(String) : []
    if (texts.length === 0) return 0
    const trouble = await runBatch(connection.client, texts.map(dropStep))
    if (trouble) throw new LogUnreachable(trouble)
    return texts.length
  }
}

const dropStep = (text: string): Step => {
  const entry = parseEntry(text)
  if (!entry) return { send: (pipeline) => pipeline.zrem(ALL_KEY, text) }
  const { moment, keyPart } = partsOfPosition(entry.position)
  return {
    send: (pipeline) =>
      pipeline.dropRequest(...keysOfPosition(entry.position), text, keyPart, moment),
  }
}
