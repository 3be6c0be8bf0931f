import { describe, expect, it } from 'vitest'
import { BucketLedger } from '#src/state/redis/bucket-ledger.ts'
import { createRedisConnection } from '#src/state/redis/connect.ts'
import { HealthLedger } from '#src/state/redis/health-fields.ts'
import { Inbox } from '#src/state/redis/inbox.ts'
import { Outbox } from '#src/state/redis/outbox.ts'
import { RedisClock } from '#src/state/redis/redis-clock.ts'
import { BUCKET_MS, keyLifetimes, WINDOW_MS } from '#src/state/redis/redis-keys.ts'
import { RedisSync } from '#src/state/redis/redis-sync.ts'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import { createStatsRecorder, success } from '#test/state/stats-recorder.ts'

/** Hours pass within a second. */
const TIME_SCALE = 10_000

describe.skipIf(!hasRedisServer)(`exchanges with Redis${redisReason}`, () => {
  const redis = redisOfTests()
  const create = () => {
    const nowMs = () => Date.now() * TIME_SCALE
    const connection = createRedisConnection(redis().url, { timeScale: TIME_SCALE })
    const ledger = new BucketLedger('#me', BUCKET_MS)
    const health = new HealthLedger('me', TIME_SCALE)
    const lifetimes = keyLifetimes(TIME_SCALE)
    const outbox = new Outbox({ receipt: '#me', ledger, health, lifetimes })
    const inbox = new Inbox({ ledger, health, configKeys: [], startedMs: nowMs() })
    const clock = new RedisClock(TIME_SCALE)
    const parts = { connection, outbox, inbox, clock, lifetimes, gateway: 'me', nowMs }
    const aliveMs = 1_000 * TIME_SCALE
    const sync = new RedisSync({ ...parts, aliveMs, realMs: () => performance.now() })
    return { connection, ledger, outbox, sync, nowMs }
  }

  it('keep bounded accounts while Redis refuses', async () => {
    const { connection, ledger, outbox, sync, nowMs } = create()
    const receiver = createStatsRecorder()
    await redis().client.set(`gw:{rt}:x${TIME_SCALE}:late`, 'text')
    await sync.run(receiver)
    await expect.poll(() => connection.isReady()).toBe(true)
    const endMs = nowMs() + 3 * WINDOW_MS
    let refusals = 0
    while (nowMs() < endMs) {
      outbox.share(success(nowMs()))
      const result = await sync.run(receiver)
      if (result !== 'pending' && result.trouble) refusals += 1
    }
    expect(refusals).toBeGreaterThan(10)
    expect(ledger.size).toBeLessThanOrEqual(WINDOW_MS / BUCKET_MS + 30)
    await connection.close()
  })
})
