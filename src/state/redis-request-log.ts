import type { Clock } from '#src/domain/clock.ts'
import { GatewayError } from '#src/domain/errors.ts'
import { type KeptRecord, unfoldRecord } from '#src/domain/kept-record.ts'
import type { RequestLog, RequestRecord } from '#src/domain/request-record.ts'
import { createMemoryRequestLog, type MemoryRequestLog } from './memory/memory-request-log.ts'
import { COMMAND_TIMEOUT_MS, createRedisConnection } from './redis/connect.ts'
import { LogUnreachable } from './redis/request-log-index.ts'
import { REQUEST_LOG_PREFIX } from './redis/request-log-keys.ts'
import { RequestLogOutbox } from './redis/request-log-outbox.ts'
import { RequestLogReader } from './redis/request-log-reader.ts'
import { RequestLogWriter } from './redis/request-log-writer.ts'
import { NOT_CONNECTED } from './redis/trouble.ts'
import type { SharingStatus } from './stats-sharing.ts'
import { createStatusTeller } from './status-teller.ts'

const DAY_MS = 24 * 3_600_000

/** Requests of all gateways that Redis keeps at most, about 1.7 kB each. */
export const DEFAULT_SHARED_RECORDS = 50_000
/** How long requests are kept, in days. */
export const DEFAULT_LOG_DAYS = 30

/** How often Redis is told what it was not told at once, and too old requests are dropped, in ms. */
const WRITE_INTERVAL_MS = 200
/** How long there may be no connection before that is told, in ms. */
const START_LIMIT_MS = 2_000
/** Nobody waits longer for others to be told, in ms. */
const FLUSH_LIMIT_MS = 200
/** Nobody who asks for one request waits for Redis longer than this, in ms. */
const FIND_LIMIT_MS = 1_000
/**
 * Pages and sums ask Redis once for some thousand requests; they give up as soon as one answer is late, and when all
 * together take longer than this, in ms: a million requests are read in 2 s on an idle machine.
 */
const SCAN_LIMIT_MS = 10_000
/** What a client is told to wait before it asks again, in ms. */
const RETRY_AFTER_MS = 2_000

export interface RedisRequestLogOptions {
  /** As `REDIS_URL`. */
  readonly url: string
  readonly clock: Clock
  /** Told at the start and once per change, whether the log is shared. */
  readonly onStatus: (status: SharingStatus) => void
  /** Requests of all gateways that are kept at most. Absent: 50,000. */
  readonly maxRecords?: number
  /** How long each is kept, in ms. Absent: 30 days. */
  readonly keptMs?: number
}

/** A log that gateways share. */
export interface SharedRequestLog extends RequestLog {
  /** Requests that Redis has not been told, or not the latest of them. */
  waiting(): number
  /** Begins to connect and to tell, in the background, five times a second. */
  start(): void
  /** As `flush`, however long it takes. */
  tellAll(): Promise<void>
  /** Tells the last of it and ends. Never rejects, takes less than a second. */
  close(): Promise<void>
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms).unref())

/** Work that runs once at a time. Who asks while it runs shares the next run: the one under way may not know of him. */
const oneAtATime = (work: () => Promise<void>): (() => Promise<void>) => {
  let last = Promise.resolve()
  let next: Promise<void> | undefined
  return () => {
    next ??= last.then(() => {
      next = undefined
      return work()
    })
    last = next
    return next
  }
}

/** Rejects with `LogUnreachable` when it takes too long. */
const withinLimit = async <T>(reading: Promise<T>, limitMs: number): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LogUnreachable(NOT_CONNECTED)), limitMs).unref()
  })
  try {
    return await Promise.race([reading, limit])
  } finally {
    clearTimeout(timer)
  }
}

const unknownNow = (id: string): GatewayError =>
  new GatewayError(
    'OVERLOADED',
    `The request log cannot be read whole now, and this gateway itself knows no request "${id}".`,
    { retryAfterMs: RETRY_AFTER_MS },
  )

/** Reads from Redis, or else from what this process knows. */
const createReads = (reader: RequestLogReader, own: MemoryRequestLog, outbox: RequestLogOutbox) => {
  const orElse = async <T>(
    limitMs: number,
    reading: Promise<T>,
    fallback: () => Promise<T>,
  ): Promise<T> => {
    try {
      return await withinLimit(reading, limitMs)
    } catch (error) {
      if (error instanceof LogUnreachable) return fallback()
      throw error
    }
  }
  const orThrow = (id: string, record: RequestRecord | undefined): RequestRecord => {
    if (record) return record
    throw unknownNow(id)
  }
  const waiting = (isMeant: (record: KeptRecord) => boolean): RequestRecord | undefined => {
    const found = outbox.findLast(isMeant)
    return found && unfoldRecord(found)
  }

  return {
    find: async (id, keyId) =>
      // Nobody else can know anything later of it, and who has just added it does not wait for Redis.
      waiting((record) => record.id === id && record.keyId === keyId) ??
      orElse(FIND_LIMIT_MS, reader.find(id, keyId), async () =>
        orThrow(id, await own.find(id, keyId)),
      ),
    findOfAnyone: async (id) => {
      const stored = await orElse(FIND_LIMIT_MS, reader.findOfAnyone(id), async () =>
        orThrow(id, await own.findOfAnyone(id)),
      )
      const fresh = waiting((record) => record.id === id)
      return fresh && fresh.createdAtMs >= (stored?.createdAtMs ?? 0) ? fresh : stored
    },
    list: (query) =>
      orElse(
        SCAN_LIMIT_MS,
        reader.list(query).then((page) => ({ ...page, isPartial: false })),
        async () => ({ ...(await own.list(query)), isPartial: true }),
      ),
    summarize: (filter) =>
      orElse(
        SCAN_LIMIT_MS,
        reader.summarize(filter).then((summary) => ({ ...summary, isPartial: false })),
        async () => ({ ...(await own.summarize(filter)), isPartial: true }),
      ),
    sumUsage: (query) =>
      orElse(
        SCAN_LIMIT_MS,
        reader.sumUsage(query).then((usage) => ({ ...usage, isPartial: false })),
        async () => ({ ...(await own.sumUsage(query)), isPartial: true }),
      ),
  } satisfies Partial<RequestLog>
}

/**
 * The requests of all gateways, shared through Redis. Requests only write to memory; whatever happens to Redis, none of
 * them waits for it. Throws only here, for a URL that cannot be read.
 */
export const createRedisRequestLog = ({
  url,
  clock,
  onStatus,
  maxRecords = DEFAULT_SHARED_RECORDS,
  keptMs = DEFAULT_LOG_DAYS * DAY_MS,
}: RedisRequestLogOptions): SharedRequestLog => {
  const { now, monotonicMs: realMs } = clock
  const connection = createRedisConnection(url, { prefix: REQUEST_LOG_PREFIX })
  const own = createMemoryRequestLog({ keptMs, now })
  const outbox = new RequestLogOutbox()
  const reader = new RequestLogReader({ connection, outbox, keptMs, now })
  const writer = new RequestLogWriter({
    connection,
    outbox,
    known: own.all,
    maxRecords,
    keptMs,
    now,
    realMs,
  })
  const status = createStatusTeller(onStatus)
  let timer: NodeJS.Timeout | undefined
  let starting: NodeJS.Timeout | undefined
  let isDropDue = false

  const write = async (): Promise<void> => {
    const drops = isDropDue
    isDropDue = false
    try {
      status.learn(await writer.run({ drops }))
    } catch (error) {
      status.failed(error)
    }
  }
  const tellNew = oneAtATime(write)
  const tellAll = (): Promise<void> => {
    isDropDue = true
    return tellNew()
  }

  return {
    add: (record) => {
      const taken = own.take(record)
      if (!taken) return
      outbox.put(taken)
      // At once, before the client is answered: this process may end right after it. Nobody waits for it.
      if (taken.status !== 'pending' && connection.isReady()) void tellNew()
    },
    noteResponse: (request, sizeBytes) => {
      const changed = own.changeResponse(request, sizeBytes)
      if (changed) outbox.put(changed)
    },
    ...createReads(reader, own, outbox),
    flush: () => Promise.race([tellAll(), pause(connection.isSilent() ? 0 : FLUSH_LIMIT_MS)]),
    tellAll,
    waiting: () => outbox.size,
    start: () => {
      connection.open()
      timer = setInterval(tellAll, WRITE_INTERVAL_MS).unref()
      starting = setTimeout(() => status.started(), START_LIMIT_MS).unref()
    },
    close: async () => {
      clearInterval(timer)
      clearTimeout(starting)
      await Promise.race([tellAll(), pause(2 * COMMAND_TIMEOUT_MS)])
      await connection.close()
    },
  }
}
