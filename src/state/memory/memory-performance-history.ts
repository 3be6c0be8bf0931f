import {
  addCounts,
  countsOf,
  HISTORY_MS,
  HOUR_MS,
  type HourRecord,
  latencyBinOf,
  noCounts,
  type Observation,
  type OutcomeCounts,
  type PerformanceHistory,
} from '#src/domain/provider-stats.ts'

interface OpenHour extends HourRecord {
  readonly counts: OutcomeCounts
  readonly latencyBins: Record<number, number>
  readonly firstByteBins: Record<number, number>
}

/** A history that this process fills itself. */
export interface RecordedHistory extends PerformanceHistory {
  record(observation: Observation): void
}

const count = (bins: Record<number, number>, ms: number): void => {
  const bin = latencyBinOf(ms)
  bins[bin] = (bins[bin] ?? 0) + 1
}

const openHour = ({ configKey, mode, tier }: Observation['cell'], hourMs: number): OpenHour => ({
  configKey,
  mode,
  tier,
  hourMs,
  counts: noCounts(),
  latencyBins: {},
  firstByteBins: {},
})

/** What this process saw itself. Bounded: one record for each cell and hour of the last 30 days. */
export const createMemoryHistory = (): RecordedHistory => {
  const hours = new Map<number, Map<string, OpenHour>>()
  // What no reader has: all else is copied before it changes, as a month is too much to copy for each reader.
  let unread = new WeakSet<OpenHour>()
  let newestMs = 0

  const cellsOf = (hourMs: number): Map<string, OpenHour> => {
    const present = hours.get(hourMs)
    if (present) return present
    newestMs = Math.max(newestMs, hourMs)
    for (const other of hours.keys()) {
      if (other <= newestMs - HISTORY_MS) hours.delete(other)
    }
    const cells = new Map<string, OpenHour>()
    hours.set(hourMs, cells)
    return cells
  }

  const changeable = (hour: OpenHour): OpenHour => (unread.has(hour) ? hour : structuredClone(hour))

  return {
    record: (observation) => {
      const { cell, outcome, atMs, durationMs, firstByteMs } = observation
      const hourMs = Math.floor(atMs / HOUR_MS) * HOUR_MS
      if (hourMs <= newestMs - HISTORY_MS) return
      const cells = cellsOf(hourMs)
      const present = cells.get(cell.id)
      const hour = present ? changeable(present) : openHour(cell, hourMs)
      unread.add(hour)
      cells.set(cell.id, hour)
      addCounts(hour.counts, countsOf(observation))
      if (outcome !== 'success') return
      count(hour.latencyBins, durationMs)
      if (firstByteMs !== undefined) count(hour.firstByteBins, firstByteMs)
    },
    read: async (configKeys, sinceMs) => {
      const wanted = new Set(configKeys)
      const records: HourRecord[] = []
      for (const [hourMs, cells] of hours) {
        if (hourMs + HOUR_MS <= sinceMs) continue
        for (const hour of cells.values()) if (wanted.has(hour.configKey)) records.push(hour)
      }
      unread = new WeakSet()
      return records
    },
  }
}
