import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  HISTORY_MS,
  HOUR_MS,
  type HourRecord,
  type PerformanceHistory,
} from '#src/domain/provider-stats.ts'
import { asHash, runBatch } from './batch.ts'
import type { RedisConnection } from './connect.ts'
import { parseHistory } from './history-fields.ts'
import { packHours } from './packed-hours.ts'
import { DAY_MS, historyKey } from './redis-keys.ts'
import { NOT_CONNECTED } from './trouble.ts'

/** How long a day that may still change is good, in routing's milliseconds. */
const FRESH_MS = 30_000
/** Until when it is better than nothing but what this gateway saw itself, in routing's milliseconds. */
const STALE_MS = 10 * 60_000
/** A day changes until the next is over, as counts wait up to a day for Redis to come back. */
const SETTLED_AFTER_MS = 2 * DAY_MS
/** How long a reader waits for what is not there yet, in real milliseconds: loading goes on without it. */
const READ_LIMIT_MS = 1_000

interface LoadedDay {
  readonly readMs: number
  readonly hours: readonly HourRecord[]
}

/** Loaded days of one offering, by number: those of the last 30 days. */
type LoadedDays = Map<number, LoadedDay>

/** A history that can be loaded ahead of its readers. */
export interface LoadedHistory extends PerformanceHistory {
  /** Loads the month of these offerings in the background, so that no reader waits for it. */
  warm(configKeys: readonly string[]): void
  /** Ends loading: from now on nothing that fails is told. */
  close(): void
}

/** What one gateway has seen that Redis has refused so far. */
export interface RefusedHours {
  of(configKey: string): readonly HourRecord[]
  /** When Redis last took some of it, by its clock: what was read before lacks them. */
  recoveredMs(): number
}

export interface RedisHistoryParts {
  readonly connection: RedisConnection
  /** Routing's time by Redis' clock. */
  readonly nowMs: () => number
  /** What this gateway saw itself: stands in for days that Redis does not give. */
  readonly own: PerformanceHistory
  /** Completes days that Redis does give. */
  readonly refused: RefusedHours
  /** Told why days cannot be read; once until all can be read again. */
  readonly onTrouble?: ((reason: string) => void) | undefined
}

const daysUntil = (nowMs: number): number[] => {
  const first = Math.floor((nowMs - HISTORY_MS) / DAY_MS)
  return Array.from({ length: Math.floor(nowMs / DAY_MS) - first + 1 }, (_, index) => first + index)
}

const isSettled = ({ readMs }: LoadedDay, day: number): boolean =>
  readMs >= day * DAY_MS + SETTLED_AFTER_MS

/** What a reader takes of the loaded days. */
const isGood = (loaded: LoadedDay | undefined, day: number, sinceMs: number): boolean =>
  loaded !== undefined && (isSettled(loaded, day) || loaded.readMs >= sinceMs)

/** Why loading failed by the gateway's own fault. */
const faultOf = (error: unknown): string =>
  `the history cannot be taken in (${error instanceof Error ? error.name : 'unknown'})`

/**
 * Loads days, and keeps those that are over for good: a month of one busy offering is megabytes, of which only two days
 * still change. One hash is asked for at a time, so that each has its whole time-out, and requests for images and
 * exchanges with Redis go in between.
 */
class DayLoader {
  readonly #parts: RedisHistoryParts
  /** As many as there are offerings. */
  readonly #loaded = new Map<string, LoadedDays>()
  /** Offerings that wait or are being loaded. */
  readonly #loading = new Map<string, Promise<void>>()
  #last: Promise<void> = Promise.resolve()
  /** Offerings that could not be read whole. */
  readonly #troubled = new Set<string>()
  #isClosed = false

  constructor(parts: RedisHistoryParts) {
    this.#parts = parts
  }

  close(): void {
    this.#isClosed = true
  }

  days(configKey: string): ReadonlyMap<number, LoadedDay> {
    return this.#loaded.get(configKey) ?? new Map()
  }

  /** Loads what is missing of an offering, after those asked for before. Never rejects. */
  load(configKey: string): Promise<void> {
    const present = this.#loading.get(configKey)
    if (present) return present
    if (this.#wanted(configKey).length === 0) return Promise.resolve()
    const loading = this.#last
      .then(() => this.#loadDays(configKey))
      .catch((error: unknown) => this.#tell(configKey, faultOf(error)))
      .finally(() => this.#loading.delete(configKey))
    this.#loading.set(configKey, loading)
    this.#last = loading
    return loading
  }

  #wanted(configKey: string): number[] {
    const nowMs = this.#parts.nowMs()
    const loaded = this.days(configKey)
    const freshMs = Math.max(nowMs - FRESH_MS, this.#parts.refused.recoveredMs())
    return daysUntil(nowMs).filter((day) => !isGood(loaded.get(day), day, freshMs))
  }

  async #loadDays(configKey: string): Promise<void> {
    const loaded: LoadedDays = this.#loaded.get(configKey) ?? new Map()
    this.#loaded.set(configKey, loaded)
    const [first = 0] = daysUntil(this.#parts.nowMs())
    for (const day of loaded.keys()) if (day < first) loaded.delete(day)
    let problem: string | undefined
    // The latest days first: most figures are of them.
    for (const day of this.#wanted(configKey).reverse()) {
      if (this.#isClosed) return
      const isReady = this.#parts.connection.isReady()
      problem =
        (isReady ? await this.#loadDay(loaded, configKey, day) : NOT_CONNECTED.reason) ?? problem
      if (!isReady) break
      await nextTurn()
    }
    this.#tell(configKey, problem)
  }

  /** Says what went wrong. */
  async #loadDay(loaded: LoadedDays, configKey: string, day: number): Promise<string | undefined> {
    const readMs = this.#parts.nowMs()
    let hash: Readonly<Record<string, string>> | undefined
    const trouble = await runBatch(this.#parts.connection.client, [
      {
        send: (pipeline) => pipeline.hgetall(historyKey(configKey, day)),
        answered: (answer) => {
          hash = asHash(answer)
        },
      },
    ])
    if (!hash) return trouble?.reason
    await nextTurn()
    loaded.set(day, { readMs, hours: packHours(parseHistory(configKey, day, hash)) })
    return undefined
  }

  #tell(configKey: string, problem: string | undefined): void {
    if (this.#isClosed) return
    if (problem === undefined) {
      this.#troubled.delete(configKey)
      return
    }
    const isNews = this.#troubled.size === 0
    this.#troubled.add(configKey)
    if (isNews) this.#parts.onTrouble?.(problem)
  }
}

/** Resolves when it is there, or when a reader has waited long enough. */
const withinLimit = async (loading: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, READ_LIMIT_MS).unref()
  })
  await Promise.race([loading, limit])
  clearTimeout(timer)
}

/** What all gateways saw, as Redis keeps it; what `own` has of days that Redis does not give. */
export const createRedisHistory = (parts: RedisHistoryParts): LoadedHistory => {
  const { connection, nowMs, own, refused } = parts
  const loader = new DayLoader(parts)

  const goodDays = (configKeys: readonly string[]): ReadonlyMap<string, readonly HourRecord[]> => {
    const leastMs = nowMs() - STALE_MS
    const good = new Map<string, readonly HourRecord[]>()
    for (const configKey of configKeys) {
      for (const [day, loaded] of loader.days(configKey)) {
        if (isGood(loaded, day, leastMs)) good.set(`${configKey}:${day}`, loaded.hours)
      }
    }
    return good
  }

  const isGoodDay = (
    good: ReadonlyMap<string, unknown>,
    { configKey, hourMs }: HourRecord,
  ): boolean => good.has(`${configKey}:${Math.floor(hourMs / DAY_MS)}`)

  return {
    close: () => loader.close(),
    warm: (configKeys) => {
      if (!connection.isReady()) return
      for (const configKey of configKeys) loader.load(configKey)
    },
    read: async (configKeys, sinceMs) => {
      const keys = [...new Set(configKeys)]
      if (connection.isReady()) await withinLimit(Promise.all(keys.map((key) => loader.load(key))))
      const good = goodDays(keys)
      const seen = (await own.read(keys, sinceMs)).filter((hour) => !isGoodDay(good, hour))
      const lacking = keys.flatMap((key) => refused.of(key)).filter((hour) => isGoodDay(good, hour))
      return [...good.values(), lacking]
        .flat()
        .filter(({ hourMs }) => hourMs + HOUR_MS > sinceMs)
        .concat(seen)
    },
  }
}
