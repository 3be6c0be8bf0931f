import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import {
  HISTORY_MS,
  HOUR_MS,
  type HourRecord,
  latencyBinOf,
  noCounts,
  type Observation,
  type PerformanceHistory,
} from '#src/domain/provider-stats.ts'
import { createLocalExchange } from '#src/state/local-exchange.ts'
import { createMemoryHistory } from '#src/state/memory/memory-performance-history.ts'
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

const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS) * HOUR_MS

/** Rounds what Redis keeps to three digits only, and brings records into one order. */
const comparable = (records: readonly HourRecord[]) =>
  records
    .map((record) => ({
      ...record,
      counts: Object.fromEntries(
        Object.entries(record.counts).map(([name, value]) => [name, Math.round(value * 100) / 100]),
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
          failureMs: 120_700,
        },
        latencyBins: { [latencyBinOf(20_000)]: 2, [latencyBinOf(60_000)]: 1 },
        firstByteBins: { [latencyBinOf(15_000)]: 1, [latencyBinOf(9_000)]: 1 },
      }
      const records = await bench.history.read(['fal/painter'], nowMs - HOUR_MS)
      expect(comparable(records)).toEqual(comparable([expected]))
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
})

describe('the memory of hours', () => {
  it('is bounded to thirty days', async () => {
    const history = createMemoryHistory()
    const hours = HISTORY_MS / HOUR_MS
    for (let hour = 0; hour < 2 * hours; hour += 1) history.record(success(hour * HOUR_MS))
    history.record(success(0))
    const records = await history.read(['gemini/painter'], 0)
    expect(records).toHaveLength(hours)
    expect(records.every(({ counts }) => counts.success === 1)).toBe(true)
    expect(Math.min(...records.map(({ hourMs }) => hourMs))).toBe(hours * HOUR_MS)
  })

  it('is not changed by whoever reads it', async () => {
    const history = createMemoryHistory()
    history.record(success(0))
    const [record] = await history.read(['gemini/painter'], 0)
    Object.assign(record?.counts ?? {}, noCounts())
    const [again] = await history.read(['gemini/painter'], 0)
    expect(again?.counts.success).toBe(1)
  })
})
