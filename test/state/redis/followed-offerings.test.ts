import { afterEach, describe, expect, it } from 'vitest'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import { success, testCell } from '#test/state/stats-recorder.ts'
import { createExchangeBench, syncAll } from './exchange-bench.ts'

const cell = testCell('fal/late')
const MINUTES_AGO = 5 * 60_000

describe.skipIf(!hasRedisServer)(`offerings that come while gateways share${redisReason}`, () => {
  const redis = redisOfTests()
  const bench = createExchangeBench()
  afterEach(() => bench.close())

  it('are known with the past that Redis has of them, told once', async () => {
    const started = () => bench.start(redis().url, { timeScale: 1 })
    const [a, b] = [await started(), await started()]
    a.sharing.exchange.share(success(Date.now() - MINUTES_AGO, { cell, durationMs: 30_000 }))
    await syncAll(a, b, b, b)
    // As counts of nobody: who hears them does not know the offering yet.
    expect(b.heard.successes()).toBe(1)
    b.sharing.follow([cell.configKey])
    await syncAll(b, b, b)
    expect(b.heard.successes()).toBe(2)
    b.sharing.follow([cell.configKey])
    await syncAll(b, b, b)
    expect(b.heard.successes()).toBe(2)
    const records = await b.sharing.history.read([cell.configKey], 0)
    expect(records.map(({ counts }) => counts.success)).toEqual([1])
  })
})
