import {
  HISTORY_MS,
  HOUR_MS,
  type HourRecord,
  type PerformanceHistory,
} from '#src/domain/provider-stats.ts'
import { asHash, runBatch, type Step } from './batch.ts'
import type { RedisConnection } from './connect.ts'
import { parseHistory } from './history-fields.ts'
import { DAY_MS, historyKey } from './redis-keys.ts'

/** How long what was read is good, in routing's milliseconds. */
const CACHE_MS = 30_000
/** How long a reading may take, in real milliseconds. */
const READ_LIMIT_MS = 1_000

/** Hashes read at once: so many are answered well within a command's time-out. */
const BATCH_SIZE = 62

interface CachedHistory {
  readonly readMs: number
  readonly records: readonly HourRecord[]
}

const daysSince = (sinceMs: number, nowMs: number): number[] => {
  const first = Math.floor(sinceMs / DAY_MS)
  return Array.from({ length: Math.floor(nowMs / DAY_MS) - first + 1 }, (_, index) => first + index)
}

/** Reads the days of these offerings. Throws when not all could be read in time. */
const readDays = async (
  connection: RedisConnection,
  days: readonly (readonly [configKey: string, day: number])[],
): Promise<HourRecord[]> => {
  const records: HourRecord[] = []
  const endMs = performance.now() + READ_LIMIT_MS
  for (let from = 0; from < days.length; from += BATCH_SIZE) {
    const steps = days.slice(from, from + BATCH_SIZE).map(
      ([configKey, day]): Step => ({
        send: (pipeline) => pipeline.hgetall(historyKey(configKey, day)),
        answered: (answer) => records.push(...parseHistory(configKey, day, asHash(answer))),
      }),
    )
    const trouble = await runBatch(connection.client, steps)
    if (trouble) throw new Error(trouble.reason)
    if (performance.now() > endMs) throw new Error('Redis answers too slowly')
  }
  return records
}

/** What all gateways saw, as Redis keeps it; without Redis what `own` has. */
export const createRedisHistory = ({
  connection,
  nowMs,
  own,
}: {
  readonly connection: RedisConnection
  /** Routing's time by Redis' clock. */
  readonly nowMs: () => number
  readonly own: PerformanceHistory
}): PerformanceHistory => {
  // As many as there are offerings.
  const cache = new Map<string, CachedHistory>()

  const keep = (configKeys: readonly string[], records: readonly HourRecord[]): void => {
    const readMs = nowMs()
    for (const configKey of configKeys) {
      cache.set(configKey, {
        readMs,
        records: records.filter((record) => record.configKey === configKey),
      })
    }
  }

  const readUncached = async (configKeys: readonly string[]): Promise<void> => {
    const freshMs = nowMs() - CACHE_MS
    const wanted = configKeys.filter((key) => (cache.get(key)?.readMs ?? 0) < freshMs)
    if (wanted.length === 0) return
    const days = daysSince(nowMs() - HISTORY_MS, nowMs())
    const pairs = wanted.flatMap((key) => days.map((day) => [key, day] as const))
    keep(wanted, await readDays(connection, pairs))
  }

  return {
    read: async (configKeys, sinceMs) => {
      if (!connection.isReady()) return own.read(configKeys, sinceMs)
      const keys = [...new Set(configKeys)]
      try {
        await readUncached(keys)
        return keys
          .flatMap((key) => cache.get(key)?.records ?? [])
          .filter(({ hourMs }) => hourMs + HOUR_MS > sinceMs)
      } catch {
        return own.read(configKeys, sinceMs)
      }
    },
  }
}
