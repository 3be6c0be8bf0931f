import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  freePort,
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import { createExchangeBench, type TestGateway } from './exchange-bench.ts'

const KEY = 'google/painter:gemini'
/** Of gateways that run by themselves, at a time scale of 20. */
const HEALTH = 'gw:{rt}:x20:st'
const SHARED = { isShared: true }
const failing = (reason: string) => ({ isShared: false, reason: expect.stringContaining(reason) })

/** Waits until a gateway has been told so many times how it stands. */
const untilTold = (gateway: TestGateway, times: number) =>
  expect.poll(() => gateway.statuses.length, { timeout: 8_000 }).toBe(times)

/** Waits until a gateway has absorbed so many successes, and looks that no more come. */
const untilHeard = async (gateway: TestGateway, successes: number): Promise<void> => {
  await expect.poll(() => gateway.heard.successes(), { timeout: 8_000 }).toBe(successes)
  const { length } = gateway.heard.times
  for (let round = 0; round < 5; round += 1) await gateway.sharing.sync()
  expect(gateway.heard.successes()).toBe(successes)
  expect(gateway.heard.times).toHaveLength(length)
}

/** How long the slowest of many tellings takes, in ms. */
const slowestTelling = (gateway: TestGateway): number => {
  let slowestMs = 0
  for (let telling = 0; telling < 100; telling += 1) {
    const startMs = performance.now()
    gateway.tell(1)
    slowestMs = Math.max(slowestMs, performance.now() - startMs)
  }
  return slowestMs
}

describe.skipIf(!hasRedisServer)(`gateways whose Redis is in trouble${redisReason}`, () => {
  let redis: TestRedis
  const bench = createExchangeBench()

  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    await bench.close()
    await redis.stop()
  })

  const two = async () => [await bench.start(redis.url), await bench.start(redis.url)] as const

  it('start without it, probe by themselves, and share once it is there', async () => {
    await redis.kill()
    const startMs = performance.now()
    const [a, b] = await two()
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(a.statuses).toEqual([failing('Redis cannot be reached (ECONNREFUSED)')])
    a.heard.wanted = [KEY]
    a.tell(5)
    await a.sharing.sync()
    expect(a.heard.granted).toContain(KEY)
    expect(await a.sharing.history.read(['gemini/painter'], 0)).toHaveLength(1)
    await redis.restart()
    await untilHeard(b, 5)
    expect(a.heard.successes()).toBe(0)
    expect([a.statuses, b.statuses].map((statuses) => statuses.slice(1))).toEqual([
      [SHARED],
      [SHARED],
    ])
  })

  it('deliver what waited through an outage exactly once', async () => {
    const [a, b] = await two()
    a.tell(3)
    await untilHeard(b, 3)
    await redis.kill()
    await untilTold(a, 2)
    await untilTold(b, 2)
    a.tell(4)
    b.tell(7)
    expect(slowestTelling(a)).toBeLessThan(50)
    expect(a.heard.replicas).toBe(2)
    await redis.restart()
    await untilHeard(b, 107)
    await untilHeard(a, 7)
    const expected = [SHARED, failing('Redis'), SHARED]
    expect([a.statuses, b.statuses]).toEqual([expected, expected])
  })

  it('wait for nothing while it is frozen, and count nothing twice when it goes on', async () => {
    const [a, b] = await two()
    redis.freeze()
    a.tell(1)
    await untilTold(a, 2)
    expect(slowestTelling(a)).toBeLessThan(50)
    redis.thaw()
    await untilTold(a, 3)
    a.tell(10)
    // The first may have been lost with the answer to it, or not.
    await expect.poll(() => b.heard.successes(), { timeout: 8_000 }).toBeGreaterThanOrEqual(110)
    await untilHeard(b, b.heard.successes())
    expect(b.heard.successes()).toBeLessThanOrEqual(111)
    expect(a.heard.successes()).toBe(0)
    expect(a.statuses).toEqual([SHARED, failing('Redis'), SHARED])
  })

  it('keep what it has no memory for, and hear what others could still tell', async () => {
    const [a, b] = await two()
    await redis.client.config('SET', 'maxmemory', '1')
    a.tell(4)
    await untilTold(a, 2)
    await untilTold(b, 2)
    a.heard.wanted = [KEY]
    await expect.poll(() => a.heard.granted).toContain(KEY)
    a.heard.wanted = []
    await redis.client.config('SET', 'maxmemory', '0')
    await untilHeard(b, 4)
    expect(a.statuses).toEqual([SHARED, failing('out of memory'), SHARED])
  })

  it('show what it refuses to take in their own history, and once only when it takes it', async () => {
    const [other, gateway] = [bench.create(redis.url), bench.create(redis.url)]
    await other.sharing.start()
    other.tell(2)
    await other.sharing.sync()
    await gateway.sharing.start()
    const successesShown = async (): Promise<number> => {
      const hours = await gateway.sharing.history.read(['gemini/painter'], 0)
      return hours.reduce((sum, { counts }) => sum + counts.success, 0)
    }
    expect(await successesShown()).toBe(2)
    await redis.client.config('SET', 'maxmemory', '1')
    gateway.tell(4)
    await gateway.sharing.sync()
    expect(await successesShown()).toBe(6)
    gateway.tell(3)
    const sending = gateway.sharing.sync()
    expect(await successesShown()).toBe(9)
    await sending
    expect(await successesShown()).toBe(9)
    await redis.client.config('SET', 'maxmemory', '0')
    await gateway.sharing.sync()
    expect(await successesShown()).toBe(9)
    await gateway.sharing.sync()
    expect(await successesShown()).toBe(9)
  })

  it('go on when a replica takes no changes, and deliver once it does', async () => {
    const [a, b] = await two()
    await redis.client.replicaof('127.0.0.1', await freePort())
    await untilTold(a, 2)
    a.tell(4)
    await redis.client.replicaof('NO', 'ONE')
    await untilHeard(b, 4)
    expect(a.statuses).toEqual([SHARED, failing('takes no changes'), SHARED])
  })

  it('go on beside a key that holds something else', async () => {
    const [a, b] = await two()
    await redis.client.del(HEALTH)
    await redis.client.set(HEALTH, 'text', 'PX', 60_000)
    a.sharing.exchange.shareHealth({
      key: KEY,
      circuit: { state: 'open', sinceMs: Date.now() * 20, untilMs: Date.now() * 20, openings: 1 },
    })
    await untilTold(a, 2)
    a.tell(4)
    await untilHeard(b, 4)
    expect(b.heard.adopted).toEqual([])
    await redis.client.del(HEALTH)
    await expect.poll(() => b.heard.adopted.length).toBe(1)
    await untilTold(a, 3)
    expect(a.statuses).toEqual([SHARED, failing('something else'), SHARED])
  })

  it('say that the password is wrong without showing it, and share once it is right', async () => {
    await redis.client.config('SET', 'requirepass', 'right-one')
    const gateway = await bench.start(redis.url.replace('//', '//:hunter2@'))
    const stranger = await bench.start(redis.url)
    expect(gateway.statuses).toEqual([failing('refuses the user name or password')])
    expect(stranger.statuses).toEqual([failing('wants a password')])
    expect(JSON.stringify(gateway.statuses)).not.toContain('hunter2')
    await redis.client.auth('right-one')
    await redis.client.config('SET', 'requirepass', 'hunter2')
    await untilTold(gateway, 2)
    expect(gateway.statuses[1]).toEqual(SHARED)
    expect(stranger.statuses).toHaveLength(1)
  })

  it('say what a user may not do', async () => {
    await redis.client.acl('SETUSER', 'ann', 'on', '>secret', '~gw:{rt}:*', '+@all', '-@scripting')
    const gateway = await bench.start(redis.url.replace('//', '//ann:secret@'))
    expect(gateway.statuses).toEqual([failing('does not allow this user')])
    await redis.client.acl('SETUSER', 'ann', '+@scripting')
    await untilTold(gateway, 2)
  })

  it('share on when it forgets the scripts', async () => {
    const [a, b] = await two()
    a.tell(2)
    await untilHeard(b, 2)
    await redis.client.script('FLUSH')
    a.tell(2)
    await untilHeard(b, 4)
    expect(a.statuses).toEqual([SHARED])
  })

  it('tell counts that were lost with it from those that came after', async () => {
    const [a, b] = await two()
    for (let round = 0; round < 3; round += 1) {
      a.tell(5)
      await expect.poll(() => b.heard.successes()).toBe(5 * (round + 1))
      await redis.client.flushall()
    }
    expect(a.heard.successes()).toBe(0)
  })

  it('close soon while it is frozen', async () => {
    const [a] = await two()
    redis.freeze()
    const startMs = performance.now()
    await a.sharing.close()
    expect(performance.now() - startMs).toBeLessThan(2_000)
  })
})

describe('a gateway whose Redis accepts connections and says nothing', () => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket))
  const bench = createExchangeBench()

  afterEach(async () => {
    await bench.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  it('starts within two seconds and says so once', async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const startMs = performance.now()
    const gateway = await bench.start(`redis://127.0.0.1:${port}`)
    expect(performance.now() - startMs).toBeLessThan(3_000)
    for (let round = 0; round < 10; round += 1) await gateway.sharing.sync()
    await expect.poll(() => sockets.size, { timeout: 5_000 }).toBeGreaterThan(2)
    expect(gateway.statuses).toEqual([failing('Redis')])
  })
})
