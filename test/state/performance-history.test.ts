import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import { RESOLUTION_TIERS } from '#src/domain/media.ts'
import { MODES } from '#src/domain/model-card.ts'
import {
  type Cell,
  HOUR_MS,
  type HourRecord,
  latencyBinOf,
  type Observation,
  type PerformanceHistory,
} from '#src/domain/provider-stats.ts'
import { createLocalExchange } from '#src/state/local-exchange.ts'
import { createMemoryHistory } from '#src/state/memory/memory-performance-history.ts'
import { createRedisConnection } from '#src/state/redis/connect.ts'
import { createRedisHistory } from '#src/state/redis/redis-history.ts'
import { createRedisExchange } from '#src/state/redis-exchange.ts'
import type { StatsSharing } from '#src/state/stats-sharing.ts'
import {
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import { success, testCell } from './stats-recorder.ts'

interface HistoryBench {
  readonly history: PerformanceHistory
  record(...observations: readonly Observation[]): Promise<void>
  close(): Promise<void>
}

const DAY_MS = 24 * HOUR_MS

/** One cell for each mode and scale. */
const cellsOf = (configKey: string): Cell[] =>
  MODES.flatMap((mode) => RESOLUTION_TIERS.map((tier) => testCell(configKey, { mode, tier })))

const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS) * HOUR_MS

/** Rounds what Redis keeps to three digits only, and brings records into one order. */
const comparable = (records: readonly HourRecord[]) =>
  records
    .map(({ configKey, mode, tier, hourMs, counts, latencyBins, firstByteBins }) => ({
      ...{ configKey, mode, tier, hourMs, latencyBins, firstByteBins },
      counts: Object.fromEntries(
        Object.entries(counts).map(([name, value]) => [name, Math.round(value * 100) / 100]),
      ),
    }))
    .sort((a, b) => a.hourMs - b.hourMs || a.configKey.localeCompare(b.configKey))

/** What every history must do. `open` gives an empty one. */
const describeHistory = (name: string, open: () => Promise<HistoryBench>): void => {
  describe(name, () => {
    it('knows nothing before anything happened', async () => {
      const bench = await open()
      expect(await bench.history.read(['gemini/painter'], 0)).toEqual([])
      await bench.close()
    })

    it('adds up the attempts of an hour by offering, mode and scale', async () => {
      const bench = await open()
      const nowMs = Date.now()
      const cell = testCell('fal/painter', { mode: 'image_edit', tier: '4K' })
      await bench.record(
        success(nowMs, { cell, durationMs: 20_000, firstByteMs: 15_000 }),
        success(nowMs, { cell, durationMs: 21_000, firstByteMs: 9_000 }),
        success(nowMs, { cell, durationMs: 60_000 }),
        success(nowMs, { cell, outcome: 'outage', durationMs: 700 }),
        success(nowMs, { cell, outcome: 'timeout', durationMs: 90_000 }),
        success(nowMs, { cell, outcome: 'empty', durationMs: 30_000 }),
        success(nowMs, { cell, outcome: 'rate_limited', durationMs: 300 }),
        success(nowMs, { cell, outcome: 'refused', durationMs: 12_000 }),
        success(nowMs),
      )
      const logs = [20_000, 21_000, 60_000].map(Math.log)
      const expected: HourRecord = {
        configKey: 'fal/painter',
        mode: 'image_edit',
        tier: '4K',
        hourMs: hourOf(nowMs),
        counts: {
          success: 3,
          outage: 1,
          timeout: 1,
          empty: 1,
          rate_limited: 1,
          refused: 1,
          logLatency: logs.reduce((sum, log) => sum + log, 0),
          logLatencySquared: logs.reduce((sum, log) => sum + log ** 2, 0),
          successMs: 101_000,
          failureMs: 120_700,
        },
        latencyBins: { [latencyBinOf(20_000)]: 2, [latencyBinOf(60_000)]: 1 },
        firstByteBins: { [latencyBinOf(15_000)]: 1, [latencyBinOf(9_000)]: 1 },
      }
      const records = await bench.history.read(['fal/painter'], nowMs - HOUR_MS)
      expect(comparable(records)).toEqual(comparable([expected]))
      await bench.close()
    })

    it('holds attempts that were cut short like any other', async () => {
      const bench = await open()
      const nowMs = Date.now()
      await bench.record(
        success(nowMs, { isCutShort: true, durationMs: 9_000 }),
        success(nowMs, { isCutShort: true, outcome: 'timeout', durationMs: 9_000 }),
        success(nowMs),
      )
      const [record] = await bench.history.read(['gemini/painter'], 0)
      expect(record?.counts).toMatchObject({ success: 2, timeout: 1, failureMs: 9_000 })
      expect(record?.counts.successMs).toBe(29_000)
      expect(record?.latencyBins).toEqual({ [latencyBinOf(9_000)]: 1, [latencyBinOf(20_000)]: 1 })
      await bench.close()
    })

    it('keeps hours apart, and gives those that end after the time asked for', async () => {
      const bench = await open()
      const nowMs = Date.now()
      const hours = [0, 1, 5].map((ago) => nowMs - ago * HOUR_MS)
      await bench.record(...hours.map((atMs) => success(atMs)), success(nowMs - HOUR_MS))
      const read = async (sinceMs: number) =>
        comparable(await bench.history.read(['gemini/painter', 'gemini/painter'], sinceMs)).map(
          ({ hourMs, counts }) => [hourMs, counts['success']],
        )
      const [now, one, five] = hours.map(hourOf)
      expect(await read(0)).toEqual([
        [five, 1],
        [one, 2],
        [now, 1],
      ])
      expect(await read(hourOf(nowMs) - 1)).toEqual([
        [one, 2],
        [now, 1],
      ])
      expect(await read(hourOf(nowMs))).toEqual([[now, 1]])
      await bench.close()
    })

    it('gives only the offerings asked for', async () => {
      const bench = await open()
      const nowMs = Date.now()
      const cells = ['gemini/painter', 'fal/painter', 'fal/other'].map((key) => testCell(key))
      await bench.record(...cells.map((cell) => success(nowMs, { cell })))
      const records = await bench.history.read(['fal/painter', 'gemini/painter', 'x/unknown'], 0)
      expect(records.map(({ configKey }) => configKey).sort()).toEqual([
        'fal/painter',
        'gemini/painter',
      ])
      await bench.close()
    })
  })
}

const benchOf = (sharing: StatsSharing, flush: () => Promise<void>): HistoryBench => ({
  history: sharing.history,
  record: async (...observations) => {
    for (const observation of observations) sharing.exchange.share(observation)
    await flush()
  },
  close: () => sharing.close(),
})

describeHistory('the history of a gateway that is alone', async () => {
  const sharing = createLocalExchange({ clock: systemClock, timeScale: 1 })
  return benchOf(sharing, async () => undefined)
})

describe.skipIf(!hasRedisServer)(`with a real Redis${redisReason}`, () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  const open = async () => {
    await redis.client.flushall()
    const sharing = createRedisExchange({
      url: redis.url,
      clock: systemClock,
      timeScale: 1,
      configKeys: [],
      onStatus: () => undefined,
    })
    await sharing.start()
    return benchOf(sharing, () => sharing.sync())
  }

  describeHistory('the history in Redis', open)

  it('reads what all gateways saw together', async () => {
    const [one, other] = [await open(), await open()]
    const nowMs = Date.now()
    await one.record(success(nowMs))
    await other.record(success(nowMs), success(nowMs))
    const [record] = await one.history.read(['gemini/painter'], 0)
    expect(record?.counts.success).toBe(3)
    await Promise.all([one.close(), other.close()])
  })

  it('reads each offering once in 30 s', async () => {
    const bench = await open()
    const nowMs = Date.now()
    await bench.record(success(nowMs))
    const first = await bench.history.read(['gemini/painter'], 0)
    await bench.record(success(nowMs))
    expect(await bench.history.read(['gemini/painter'], 0)).toEqual(first)
    await bench.close()
  })

  it('falls back to what the gateway saw itself when Redis holds something else there', async () => {
    const bench = await open()
    const nowMs = Date.now()
    const day = Math.floor(nowMs / (24 * HOUR_MS))
    await redis.client.set(`gw:{rt}:h:gemini/painter:${day}`, 'text', 'PX', 60_000)
    await bench.record(success(nowMs))
    const [record] = await bench.history.read(['gemini/painter'], 0)
    expect(record?.counts.success).toBe(1)
    await bench.close()
  })

  /** A day of all cells of an offering, each with two images in each hour. */
  const fillDay = (configKey: string, day: number): Promise<unknown> => {
    const fields: [string, number][] = []
    for (let hour = 0; hour < 24; hour += 1) {
      for (const { mode, tier } of cellsOf(configKey)) {
        const place = `${hour}|${mode}|${tier}|`
        fields.push([`${place}s`, 2], [`${place}S`, 40_000], [`${place}b30`, 1], [`${place}b35`, 1])
        fields.push([`${place}y29`, 1], [`${place}y34`, 1])
      }
    }
    return redis.client.hset(`gw:{rt}:h:${configKey}:${day}`, new Map(fields))
  }

  /** The 30 days before today, today being left out as its hours to come are not there. */
  const pastDays = (): number[] =>
    Array.from({ length: 30 }, (_, ago) => Math.floor(Date.now() / DAY_MS) - 1 - ago)

  const openFilled = async (configKeys: readonly string[], onTrouble: (reason: string) => void) => {
    await redis.client.flushall()
    await Promise.all(configKeys.flatMap((key) => pastDays().map((day) => fillDay(key, day))))
    const connection = createRedisConnection(redis.url)
    connection.open()
    await expect.poll(() => connection.isReady()).toBe(true)
    const [own, nowMs] = [createMemoryHistory(), Date.now()]
    const refused = { of: () => [], recoveredMs: () => Number.NEGATIVE_INFINITY }
    const parts = { connection, nowMs: () => nowMs, own, refused, onTrouble }
    return { connection, own, history: createRedisHistory(parts) }
  }

  it('reads a month of five offerings with eight cells each whole, and keeps it', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e'].map((provider) => `${provider}/painter`)
    const troubles: string[] = []
    const { connection, history } = await openFilled(keys, (reason) => troubles.push(reason))
    history.warm(keys)
    const whole = keys.length * 8 * 30 * 24
    // A reader waits for a second at most: what is not there by then comes with a later reading.
    await expect
      .poll(async () => (await history.read(keys, 0)).length, { timeout: 10_000 })
      .toBe(whole)
    const records = await history.read(keys, 0)
    expect(records.every(({ counts }) => counts.success === 2 && counts.successMs === 40_000)).toBe(
      true,
    )
    expect(records.at(-1)?.latencyBins).toEqual({ 30: 1, 35: 1 })
    expect(records.at(-1)?.firstByteBins).toEqual({ 29: 1, 34: 1 })
    await connection.close()
    expect(await history.read(keys, 0)).toHaveLength(whole)
    expect(troubles).toEqual([])
  })

  it('keeps what it could read of a month, and says once that the rest is missing', async () => {
    const key = 'gemini/painter'
    const troubles: string[] = []
    const { connection, own, history } = await openFilled([key], (reason) => troubles.push(reason))
    const day = pastDays()[10] ?? 0
    await redis.client.set(`gw:{rt}:h:${key}:${day}`, 'text')
    own.record(success(day * DAY_MS))
    const [broken, whole] = [29 * 8 * 24 + 1, 30 * 8 * 24]
    const lengthRead = async () => (await history.read([key], 0)).length
    // A reader waits for a second at most: what is not there by then comes with a later reading.
    await expect.poll(lengthRead, { timeout: 10_000 }).toBe(broken)
    expect(await lengthRead()).toBe(broken)
    expect(troubles).toEqual([expect.stringContaining('holds something else')])
    await redis.client.del(`gw:{rt}:h:${key}:${day}`)
    await fillDay(key, day)
    await expect.poll(lengthRead, { timeout: 10_000 }).toBe(whole)
    await connection.close()
  })
})
