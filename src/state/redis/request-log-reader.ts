import { unfoldRecord } from '#src/domain/kept-record.ts'
import { isMoment, positionPartOf } from '#src/domain/request-position.ts'
import type { RequestFilter, RequestQuery, RequestRecord } from '#src/domain/request-record.ts'
import { createMatcher, selectPage } from '#src/domain/request-selection.ts'
import {
  type RequestFigures,
  type RequestUsage,
  type UsageQuery,
  UsageTally,
  usageFilterOf,
} from '#src/domain/request-usage.ts'
import { asHash } from './batch.ts'
import type { RedisConnection } from './connect.ts'
import { entryOf, type LogEntry } from './request-log-entry.ts'
import { afterPosition, ask, firstEntries, type Scan, scanEntries } from './request-log-index.ts'
import { pointerKeyOf, recordKeyOf } from './request-log-keys.ts'
import type { RequestLogOutbox } from './request-log-outbox.ts'
import { unpackRecord } from './request-log-record.ts'

export interface RequestLogReaderParts {
  readonly connection: RedisConnection
  readonly outbox: RequestLogOutbox
  /** How long requests are kept, in ms. */
  readonly keptMs: number
  /** Wall-clock ms. */
  readonly now: () => number
}

/** A page, as far as Redis has the records. */
export interface ReadPage {
  readonly records: readonly RequestRecord[]
  readonly older?: string
  readonly newer?: string
}

/**
 * Reads what Redis has, together with what it has not been told yet: that stands in the place of what it has of the same
 * request. Rejects with `LogUnreachable`.
 */
export class RequestLogReader {
  readonly #parts: RequestLogReaderParts

  constructor(parts: RequestLogReaderParts) {
    this.#parts = parts
  }

  async find(id: string, keyId: string | undefined): Promise<RequestRecord | undefined> {
    const keyPart = positionPartOf(keyId)
    const moment = await ask(this.#parts.connection, (pipeline) =>
      pipeline.hget(pointerKeyOf(positionPartOf(id)), keyPart),
    )
    return typeof moment === 'string' ? this.#readOne(moment, keyPart, id) : undefined
  }

  async findOfAnyone(id: string): Promise<RequestRecord | undefined> {
    const answer = await ask(this.#parts.connection, (pipeline) =>
      pipeline.hgetall(pointerKeyOf(positionPartOf(id))),
    )
    const [latest] = Object.entries(asHash(answer)).sort(([, left], [, right]) =>
      left < right ? 1 : -1,
    )
    return latest && this.#readOne(latest[1], latest[0], id)
  }

  async #readOne(moment: string, keyPart: string, id: string): Promise<RequestRecord | undefined> {
    if (!isMoment(moment)) return undefined
    const [record] = await this.#read([`${moment} ${keyPart} ${positionPartOf(id)}`])
    return record
  }

  async #read(positions: readonly string[]): Promise<(RequestRecord | undefined)[]> {
    if (positions.length === 0) return []
    const answer = await ask(this.#parts.connection, (pipeline) =>
      pipeline.mgetBuffer(positions.map(recordKeyOf)),
    )
    const packed: readonly unknown[] = Array.isArray(answer) ? answer : []
    const { now, keptMs } = this.#parts
    const fromMs = now() - keptMs
    return positions.map((position, index) => {
      const record = unpackRecord(packed[index], position)
      return record && record.createdAtMs >= fromMs ? record : undefined
    })
  }

  /** The filter without what is kept no longer. */
  #kept(filter: RequestFilter): RequestFilter {
    const { now, keptMs } = this.#parts
    return { ...filter, createdFromMs: Math.max(filter.createdFromMs ?? 0, now() - keptMs) }
  }

  async list(query: RequestQuery): Promise<ReadPage> {
    const fresh = this.#parts.outbox.waiting()
    const own = [...fresh.values()].filter(createMatcher(query)).map(entryOf)
    const read = await this.#readAround(query, ({ position }) => fresh.has(position))
    const { entries, ...ends } = selectPage([...own, ...read], query)
    const wanted = entries.map(({ position }) => position).filter((one) => !fresh.has(one))
    const stored = await this.#read(wanted)
    const known = new Map(wanted.map((position, index) => [position, stored[index]]))
    const records = entries.map(({ position }) => {
      const own = fresh.get(position)
      return own ? unfoldRecord(own) : known.get(position)
    })
    return { records: records.filter((record) => record !== undefined), ...ends }
  }

  /** Entries of a page and one more, and one beyond its other end. */
  async #readAround(
    { limit, olderThan, newerThan, ...filter }: RequestQuery,
    isKnown: Scan['isKnown'],
  ): Promise<LogEntry[]> {
    const scan = { filter: this.#kept(filter), isKnown, nowMs: this.#parts.now() }
    const toOlder = { ...scan, direction: 'to_older' } as const
    const toNewer = { ...scan, direction: 'to_newer' } as const
    const first = (of: Scan, count: number) => firstEntries(this.#parts.connection, of, count)
    if (newerThan !== undefined) {
      const [page, beyond] = await Promise.all([
        first({ ...toNewer, low: afterPosition(newerThan) }, limit + 1),
        first({ ...toOlder, high: afterPosition(newerThan) }, 1),
      ])
      return [...page, ...beyond]
    }
    if (olderThan === undefined) return first(toOlder, limit + 1)
    const [page, beyond] = await Promise.all([
      first({ ...toOlder, high: olderThan }, limit + 1),
      first({ ...toNewer, low: olderThan }, 1),
    ])
    return [...page, ...beyond]
  }

  /** All that match, what waits first, then piece by piece. */
  async #each(filter: RequestFilter, take: (figures: RequestFigures) => void): Promise<void> {
    const { connection, outbox, now } = this.#parts
    const fresh = outbox.waiting()
    for (const record of [...fresh.values()].filter(createMatcher(filter))) take(record)
    const isKnown = ({ position }: LogEntry) => fresh.has(position)
    const scan = { filter: this.#kept(filter), isKnown, nowMs: now() }
    await scanEntries(connection, { ...scan, direction: 'to_older' }, (entries) => {
      for (const entry of entries) take(entry)
      return 'more'
    })
  }

  async summarize(filter: RequestFilter): Promise<{ count: number; cost: number }> {
    let [count, cost] = [0, 0]
    await this.#each(filter, (figures) => {
      count += 1
      cost += figures.cost
    })
    return { count, cost }
  }

  /** From the index alone: no record is read. */
  async sumUsage(query: UsageQuery): Promise<Omit<RequestUsage, 'isPartial'>> {
    const tally = new UsageTally(query.span)
    await this.#each(usageFilterOf(query), (figures) => tally.add(figures))
    return tally.usage()
  }
}
