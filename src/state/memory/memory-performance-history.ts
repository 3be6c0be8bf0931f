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

  return {
    record: (observation) => {
      const { cell, outcome, atMs, durationMs, firstByteMs } = observation
      const hourMs = Math.floor(atMs / HOUR_MS) * HOUR_MS
      if (hourMs <= newestMs - HISTORY_MS) return
      const cells = cellsOf(hourMs)
      const hour = cells.get(cell.id) ?? openHour(cell, hourMs)
      cells.set(cell.id, hour)
      addCounts(hour.counts, countsOf(observation))
      if (outcome !== 'success') return
      count(hour.latencyBins, durationMs)
      if (firstByteMs !== undefined) count(hour.firstByteBins, firstByteMs)
    },
    read: async (configKeys, sinceMs) => {
      const wanted = new Set(configKeys)
      return [...hours]
        .filter(([hourMs]) => hourMs + HOUR_MS > sinceMs)
        .flatMap(([, cells]) => [...cells.values()])
        .filter(({ configKey }) => wanted.has(configKey))
        .map((hour) => structuredClone(hour))
    },
  }
}
