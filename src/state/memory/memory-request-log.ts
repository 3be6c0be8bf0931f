import type { RequestLog, RequestRecord } from '#src/domain/request-record.ts'

/** About 5 kB each, with the explanation of their routing. */
export const DEFAULT_MAX_RECORDS = 2_000

/** The latest requests of this process. */
export const createMemoryRequestLog = (maxRecords = DEFAULT_MAX_RECORDS): RequestLog => {
  /** Oldest first. A key's requests are its own: an id that another key uses too replaces nothing. */
  const records = new Map<string, RequestRecord>()
  const placeOf = (id: string, keyId: string | undefined): string => `${keyId ?? ''} ${id}`
  return {
    add: (record) => {
      const place = placeOf(record.id, record.keyId)
      records.delete(place)
      records.set(place, record)
      if (records.size <= maxRecords) return
      const [oldest] = records.keys()
      if (oldest !== undefined) records.delete(oldest)
    },
    find: async (id, keyId) => records.get(placeOf(id, keyId)),
    findOfAnyone: async (id) => [...records.values()].findLast((record) => record.id === id),
  }
}
