import { setImmediate as nextTurn } from 'node:timers/promises'
import { type KeptRecord, keepRecord, unfoldRecord } from '#src/domain/kept-record.ts'
import { positionOf } from '#src/domain/request-position.ts'
import type { RequestIdentity, RequestLog, RequestRecord } from '#src/domain/request-record.ts'
import { boundRecord, createMatcher, place, selectPage } from '#src/domain/request-selection.ts'
import { UsageTally, usageFilterOf } from '#src/domain/request-usage.ts'

/** About 3 kB each, with the explanation of their routing. */
export const DEFAULT_MAX_RECORDS = 2_000

/** Records that are summed up in one turn: a millisecond or two. */
const PIECE_RECORDS = 4_096

export interface MemoryRequestLogOptions {
  /** Absent: 2,000. */
  readonly maxRecords?: number
  /** How long requests are kept, in ms; absent: as long as there is room. */
  readonly keptMs?: number
  /** Wall-clock ms. Absent: the machine's. */
  readonly now?: () => number
}

/** A log whose records can be looked at as it keeps them, without waiting. */
export interface MemoryRequestLog extends RequestLog {
  /** Adds a record as it can be kept; `undefined`: it was told late, as the request is known to have ended. */
  take(record: RequestRecord): KeptRecord | undefined
  /** Adds what is known of the answer; the changed record, or `undefined`: the request is not known. */
  changeResponse(request: RequestIdentity, sizeBytes: number): KeptRecord | undefined
  /** All that is kept, those that changed last come last. */
  all(): readonly KeptRecord[]
}

/** The latest requests of this process. */
export const createMemoryRequestLog = ({
  maxRecords = DEFAULT_MAX_RECORDS,
  keptMs = Number.POSITIVE_INFINITY,
  now = Date.now,
}: MemoryRequestLogOptions = {}): MemoryRequestLog => {
  /** By position; those that changed last come last. */
  const records = new Map<string, KeptRecord>()

  const known = (): KeptRecord[] => {
    const fromMs = now() - keptMs
    return [...records.values()].filter(({ createdAtMs }) => createdAtMs >= fromMs)
  }
  const latest = (isMeant: (record: KeptRecord) => boolean): RequestRecord | undefined => {
    const found = known()
      .filter(isMeant)
      .reduce<KeptRecord | undefined>(
        (best, record) => (best && best.createdAtMs > record.createdAtMs ? best : record),
        undefined,
      )
    return found && unfoldRecord(found)
  }
  const forget = (): void => {
    const fromMs = now() - keptMs
    for (const [position, { createdAtMs }] of records) {
      if (records.size <= maxRecords && createdAtMs >= fromMs) return
      records.delete(position)
    }
  }

  const changeResponse: MemoryRequestLog['changeResponse'] = (request, sizeBytes) => {
    const position = positionOf(request)
    const record = records.get(position)
    if (!record) return undefined
    const changed = { ...record, responseSizeBytes: sizeBytes }
    records.set(position, changed)
    return changed
  }

  const take: MemoryRequestLog['take'] = (record) => {
    const position = positionOf(record)
    if (record.status === 'pending' && records.has(position)) return undefined
    const kept = keepRecord(boundRecord(record))
    records.delete(position)
    records.set(position, kept)
    forget()
    return kept
  }

  return {
    add: (record) => {
      take(record)
    },
    take,
    changeResponse,
    all: known,
    noteResponse: (request, sizeBytes) => {
      changeResponse(request, sizeBytes)
    },
    find: async (id, keyId) => latest((record) => record.id === id && record.keyId === keyId),
    findOfAnyone: async (id) => latest((record) => record.id === id),
    list: async (query) => {
      const matching = known().filter(createMatcher(query)).map(place)
      const { entries, ...ends } = selectPage(matching, query)
      return {
        records: entries.map(({ record }) => unfoldRecord(record)),
        ...ends,
        isPartial: false,
      }
    },
    summarize: async (filter) => {
      const matching = known().filter(createMatcher(filter))
      const cost = matching.reduce((sum, record) => sum + record.cost, 0)
      return { count: matching.length, cost, isPartial: false }
    },
    sumUsage: async (query) => {
      const tally = new UsageTally(query.span)
      const matches = createMatcher(usageFilterOf(query))
      const records = known()
      for (let start = 0; start < records.length; start += PIECE_RECORDS) {
        if (start > 0) await nextTurn()
        for (const record of records.slice(start, start + PIECE_RECORDS)) {
          if (matches(record)) tally.add(record)
        }
      }
      return { ...tally.usage(), isPartial: false }
    },
    flush: async () => undefined,
  }
}
