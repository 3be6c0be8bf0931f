import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { positionOf } from '#src/domain/request-position.ts'
import type { SharedRequestLog } from '#src/state/redis-request-log.ts'
import {
  hasRedisServer,
  redisReason,
  startRedis,
  startRedisCluster,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import { createLogBench } from './request-log-bench.ts'
import { fullRecord, START_MS, sampleRecord } from './request-log-samples.ts'

const bench = createLogBench()

/** All requests of the samples. */
const USAGE = { span: { fromMs: START_MS, toMs: START_MS + 60_000, intervalMs: 60_000 } }

/** A way to Redis on which every answer takes so long. */
const startSlowRedis = async (redisPort: number, delayMs: number) => {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(redisPort, '127.0.0.1')
    client.pipe(upstream)
    upstream.on('data', (piece) => setTimeout(() => client.write(piece), delayMs))
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      await bench.close()
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

describe.skipIf(!hasRedisServer)(
  `the log of requests whose Redis is in trouble${redisReason}`,
  () => {
    let redis: TestRedis
    beforeEach(async () => {
      redis = await startRedis()
    })
    afterEach(async () => {
      await bench.close()
      await redis.stop()
    })

    /** Everything that can be read while only this gateway is heard of. */
    const expectOwnOnly = async (log: SharedRequestLog, record = sampleRecord('own')) => {
      expect(await log.list({ limit: 10 })).toEqual({ records: [record], isPartial: true })
      expect(await log.summarize({})).toEqual({ count: 1, cost: 0, isPartial: true })
      expect(await log.sumUsage(USAGE)).toMatchObject({ totals: { requests: 1 }, isPartial: true })
      expect(await log.find('own', undefined)).toEqual(record)
      expect(await log.findOfAnyone('own')).toEqual(record)
      const refused = {
        code: 'OVERLOADED',
        message: expect.stringContaining('knows no request "x"'),
      }
      await expect(log.find('x', undefined)).rejects.toMatchObject(refused)
      await expect(log.findOfAnyone('x')).rejects.toMatchObject(refused)
    }

    it('tells what this gateway knows while Redis is dead, says so, and tells Redis once it is back', async () => {
      const { log, statuses } = await bench.connected(redis.url)
      log.start()
      await redis.kill()
      log.add(sampleRecord('own'))
      expect(await elapsed(() => expectOwnOnly(log))).toBeLessThan(3_000)
      await expect
        .poll(() => statuses, { timeout: 8_000 })
        .toEqual([
          { isShared: true },
          { isShared: false, reason: expect.stringContaining('Redis') },
        ])
      await redis.restart()
      const other = await bench.connected(redis.url)
      await expect
        .poll(() => other.log.find('own', undefined), { timeout: 8_000 })
        .toEqual(sampleRecord('own'))
    })

    it('lets no reader wait longer than a second while Redis is frozen, and loses nothing', async () => {
      const { log } = await bench.connected(redis.url)
      log.add(sampleRecord('own'))
      await log.tellAll()
      redis.freeze()
      const reads = [
        () => log.list({ limit: 10 }),
        () => log.summarize({}),
        () => log.sumUsage(USAGE),
        () => log.find('own', undefined),
      ]
      for (const read of reads) expect(await elapsed(read)).toBeLessThan(1_200)
      await expectOwnOnly(log)
      log.add(sampleRecord('late', { createdAtMs: START_MS + 1 }))
      await log.tellAll()
      redis.thaw()
      log.start()
      const other = await bench.connected(redis.url)
      await expect
        .poll(async () => (await other.log.list({ limit: 10 })).records.map(({ id }) => id), {
          timeout: 8_000,
        })
        .toEqual(['late', 'own'])
    })

    it('lets nobody wait longer than 200 ms for a flush, while Redis is slow, frozen or gone', async () => {
      const slow = await startSlowRedis(redis.port, 150)
      const far = await bench.connected(`redis://127.0.0.1:${slow.port}`)
      far.log.add(sampleRecord('far'))
      expect(await elapsed(() => far.log.flush())).toBeLessThan(300)
      await slow.stop()
      const { log } = await bench.connected(redis.url)
      log.add(sampleRecord('own'))
      redis.freeze()
      for (let round = 0; round < 3; round += 1) {
        expect(await elapsed(() => log.flush())).toBeLessThan(300)
      }
      redis.thaw()
      await redis.kill()
      expect(await elapsed(() => log.flush())).toBeLessThan(300)
      await redis.restart()
    })

    it('sums what takes a slow Redis more than a second, and asks it for one request no longer than that', async () => {
      const slow = await startSlowRedis(redis.port, 100)
      try {
        const { log } = await bench.connected(`redis://127.0.0.1:${slow.port}`)
        const entries = Array.from({ length: 60_000 }, (_, index) => {
          const position = positionOf(sampleRecord(`r${index}`))
          return `${position} completed 1 m`
        })
        for (let first = 0; first < entries.length; first += 10_000) {
          const some = entries.slice(first, first + 10_000).flatMap((entry) => [0, entry])
          await redis.client.zadd('gw:{rq}:all', ...some)
        }
        const sum = { count: 60_000, cost: 60_000, isPartial: false }
        expect(
          await elapsed(async () => expect(await log.summarize({})).toEqual(sum)),
        ).toBeGreaterThan(1_000)
        expect(await elapsed(() => log.find('x', undefined))).toBeLessThan(2_000)
      } finally {
        await slow.stop()
      }
    })

    it('can be read while Redis is full, with what waits, and tells it later', async () => {
      const { log } = await bench.connected(redis.url)
      log.add(sampleRecord('before'))
      await log.tellAll()
      await redis.client.config('SET', 'maxmemory', '1')
      log.add(sampleRecord('waits', { createdAtMs: START_MS + 1 }))
      await log.tellAll()
      const page = await log.list({ limit: 10 })
      expect([page.records.map(({ id }) => id), page.isPartial]).toEqual([
        ['waits', 'before'],
        false,
      ])
      await redis.client.config('SET', 'maxmemory', '0')
      await log.tellAll()
      const other = await bench.connected(redis.url)
      expect(await other.log.find('waits', undefined)).toBeDefined()
    })

    it('takes in requests in no time and in bounded memory, however long Redis is gone', async () => {
      const { log } = await bench.connected(redis.url)
      await redis.kill()
      const tookMs: number[] = []
      for (let index = 0; index < 6_000; index += 1) {
        const record = fullRecord(`r${index}`, { createdAtMs: START_MS + index })
        const startMs = performance.now()
        log.add(record)
        tookMs.push(performance.now() - startMs)
      }
      // Most of them: some wait for a collector, or for other programs.
      expect(tookMs.toSorted((left, right) => left - right)[3_000]).toBeLessThan(5)
      await redis.restart()
      log.start()
      const other = await bench.connected(redis.url)
      await expect
        .poll(async () => (await other.log.summarize({})).count, { timeout: 15_000 })
        .toBe(5_000)
      expect(await other.log.findOfAnyone('r999')).toBeUndefined()
      expect(await other.log.findOfAnyone('r1000')).toBeDefined()
    })

    it('lies in one place of a cluster', async () => {
      const cluster = await startRedisCluster()
      try {
        const url = `redis-cluster://127.0.0.1:${cluster.port}`
        const { log } = await bench.connected(url, { maxRecords: 2 })
        for (const [ms, id] of ['a', 'b', 'c'].entries()) {
          log.add(sampleRecord(id, { createdAtMs: START_MS + ms, keyId: id }))
        }
        await log.tellAll()
        const page = await log.list({ limit: 5 })
        expect([page.records.map(({ id }) => id), page.isPartial]).toEqual([['c', 'b'], false])
        await log.close()
      } finally {
        await cluster.stop()
      }
    })
  },
)
