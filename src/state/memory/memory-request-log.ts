import type { RequestLog, RequestRecord } from '#src/domain/request-record.ts'

/** About 5 kB each, with the explanation of their routing. */
export const DEFAULT_MAX_RECORDS = 2_000

/** The latest requests of this process. */
export const createMemoryRequestLog = (maxRecords = DEFAULT_MAX_RECORDS): RequestLog => {
  const records = new Map<string, RequestRecord>()
  return {
    add: (record) => {
      records.delete(record.id)
      records.set(record.id, record)
      if (records.size <= maxRecords) return
      const [oldest] = records.keys()
      if (oldest !== undefined) records.delete(oldest)
    },
    find: async (id) => records.get(id),
  }
}
