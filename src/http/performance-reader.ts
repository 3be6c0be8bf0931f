import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Model } from '#src/catalog/catalog.ts'
import {
  type HourPerformance,
  type PerformanceByWindow,
  performanceByHour,
  performanceByWindow,
  sumByHour,
} from '#src/domain/performance.ts'
import { HISTORY_MS, type HourRecord, type PerformanceHistory } from '#src/domain/provider-stats.ts'
import type { RoutingClock } from '#src/domain/routing-clock.ts'

/** What was measured of one offering over the last 30 days. */
export interface LivePerformance {
  readonly byWindow: PerformanceByWindow
  /** Worked out when first called. */
  byHour(): readonly HourPerformance[]
}

/** Reads what was measured of models, for pages. Never rejects. */
export interface PerformanceReader {
  /** By config key; absent keys, and all of them when the history cannot be read: nothing is known. */
  read(model: Model): Promise<ReadonlyMap<string, LivePerformance>>
}

export interface PerformanceReaderDependencies {
  readonly history: PerformanceHistory
  readonly clock: RoutingClock
  readonly logger: { warn(details: object, message: string): void }
}

/**
 * How long figures are shown again, in routing's milliseconds: figures of days do not change faster, and pages that many
 * people keep open must not take time from requests for images.
 */
const FRESH_MS = 10_000

/** All that is read of one offering. In two turns, as a busy month takes some milliseconds. */
const measureOffering = async (
  records: readonly HourRecord[],
  { nowMs, timeScale }: { readonly nowMs: number; readonly timeScale: number },
): Promise<LivePerformance> => {
  await nextTurn()
  const hours = sumByHour(records)
  await nextTurn()
  const byWindow = performanceByWindow(hours, nowMs, timeScale)
  let byHour: readonly HourPerformance[] | undefined
  return {
    byWindow,
    byHour: () => {
      byHour ??= performanceByHour(hours, timeScale)
      return byHour
    },
  }
}

const measure = async (
  model: Model,
  { history, clock }: PerformanceReaderDependencies,
): Promise<ReadonlyMap<string, LivePerformance>> => {
  const configKeys = model.offerings.map(({ configKey }) => configKey)
  const nowMs = clock.nowMs()
  const timeScale = clock.fromReal(1)
  const records = await history.read(configKeys, nowMs - HISTORY_MS)
  const measured = new Map<string, LivePerformance>()
  for (const [configKey, hours] of Map.groupBy(records, (record) => record.configKey)) {
    measured.set(configKey, await measureOffering(hours, { nowMs, timeScale }))
  }
  return measured
}

/** One for all routes, so that they share what was read. */
export const createPerformanceReader = (
  dependencies: PerformanceReaderDependencies,
): PerformanceReader => {
  const { clock, logger } = dependencies
  // Of a model that is in no catalogue any more nothing is kept.
  const readings = new WeakMap<
    Model,
    { readonly atMs: number; readonly figures: Promise<ReadonlyMap<string, LivePerformance>> }
  >()
  return {
    read: (model) => {
      const { id } = model.card
      const nowMs = clock.nowMs()
      const last = readings.get(model)
      if (last && nowMs < last.atMs + FRESH_MS) return last.figures
      const figures = measure(model, dependencies).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        logger.warn({ model: id, reason }, 'the performance history cannot be read')
        return new Map<string, LivePerformance>()
      })
      readings.set(model, { atMs: nowMs, figures })
      return figures
    },
  }
}
