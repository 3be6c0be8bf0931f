import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { RunStore } from '#src/domain/run-store.ts'
import { MAX_TEXT_BYTES } from '#src/state/redis/run-keys.ts'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import {
  freePort,
  hasRedisServer,
  redisReason,
  startRedisCluster,
} from '#test/helpers/redis-server.ts'
import { createRunBench, leaseEnds, RENEWAL_MS } from './run-bench.ts'
import { answerOf, claimOf, jobOf, orderOf, runIdOf } from './run-samples.ts'
import { itStoresRuns } from './run-store-contract.ts'

const LONG_MS = 60_000
const HOUR_MS = 3_600_000
const never = new AbortController().signal
const ID = runIdOf(1)
const KEY = `gw:{run:${ID}}`
const WATCH = 'gw:{runs}:watch'
const MINE = { kind: 'mine', jobs: [] }
const RUNNING = { kind: 'running' }
const DONE = { kind: 'done', answer: answerOf('a') }
/** Of a process that is paused. */
const PAUSED = { renewalMs: HOUR_MS }
const pass = (ms: number) => pause(ms)

describe('the runs of gateways without their Redis', () => {
  const bench = createRunBench()
  afterEach(bench.close)
  itStoresRuns({ create: async () => bench.create(`redis://127.0.0.1:${await freePort()}`), pass })
})

describe.skipIf(!hasRedisServer)(`the runs of gateways that share${redisReason}`, () => {
  const redis = redisOfTests()
  const bench = createRunBench()

  afterEach(async () => {
    await bench.close()
    const keys = await redis().client.keys('*')
    const lives = await Promise.all(keys.map((key) => redis().client.pttl(key)))
    expect(lives.filter((ms) => ms <= 0 || ms > 24 * HOUR_MS)).toEqual([])
  })

  const start = (options?: Parameters<typeof bench.start>[1]) => bench.start(redis().url, options)
  const two = async (options?: Parameters<typeof bench.start>[1]) =>
    [await start(options), await start()] as const
  const fieldsOf = async (key = KEY) => Object.keys(await redis().client.hgetall(key)).sort()
  const watched = () => redis().client.zrange(WATCH, '0', '-1')
  /** Orphans, as soon as there are any. */
  const adopted = async (store: RunStore) => {
    for (;;) {
      const orphans = await store.adoptOrphans()
      if (orphans.length > 0) return orphans
      await pause(10)
    }
  }

  itStoresRuns({ create: () => start(), pass })

  it('gives a run to one of 50 callers at two gateways, and both replay it', async () => {
    const [a, b] = await two()
    // Connected, and their scripts known to Redis: what is slow at first is waited for by 200 ms only.
    await Promise.all([a, b].map((store, n) => store.claim(claimOf(100 + n))))
    const claims = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? a : b).claim(claimOf(1)))
    const kinds = (await Promise.all(claims)).map(({ kind }) => kind).sort()
    expect(kinds).toEqual(['mine', ...Array.from({ length: 49 }, () => 'running')])
    const follows = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? a : b).follow(ID, never))
    // Only who works on it can end it.
    await a.finish(ID, answerOf('a'), LONG_MS)
    await b.finish(ID, answerOf('a'), LONG_MS)
    expect(await Promise.all(follows)).toEqual(Array.from({ length: 50 }, () => answerOf('a')))
    expect([await a.claim(claimOf(1)), await b.claim(claimOf(1))]).toEqual([DONE, DONE])
    await redis().client.flushall()
    expect([await a.claim(claimOf(1)), await b.claim(claimOf(1))]).toEqual([DONE, DONE])
    expect([await a.read(ID), await b.read(ID)]).toEqual([answerOf('a'), answerOf('a')])
  })

  it('answers what is its own without Redis', async () => {
    const a = await start()
    await a.claim(claimOf(1))
    const before = (await redis().client.info('commandstats')).match(/cmdstat_eval.*calls=\d+/g)
    expect(await a.claim(claimOf(1))).toEqual(RUNNING)
    const followed = a.follow(ID, never)
    const finished = a.finish(ID, answerOf('a'), LONG_MS)
    expect(await followed).toEqual(answerOf('a'))
    expect(await a.claim(claimOf(1))).toEqual(DONE)
    expect(before).not.toBeNull()
    await finished
  })

  it('says of a run elsewhere that it is of another request, and whether it is running', async () => {
    const [a, b] = await two()
    const other = claimOf(1, { fingerprint: 'something else' })
    await a.claim(claimOf(1))
    expect(await b.claim(other)).toEqual({ kind: 'other', isRunning: true })
    // Asked for at the same time, each is told of its own.
    const both = [b.claim(other), b.claim(claimOf(1))]
    expect(await Promise.all(both)).toEqual([{ kind: 'other', isRunning: true }, RUNNING])
    await a.finish(ID, answerOf('a'), LONG_MS)
    expect(await b.claim(other)).toEqual({ kind: 'other', isRunning: false })
  })

  it('wakes who follows from elsewhere when a run is released, and begins it anew', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    const followed = b.follow(ID, never)
    await a.release(ID)
    expect(await followed).toBeUndefined()
    expect(await b.claim(claimOf(1))).toEqual(MINE)
    expect(await a.claim(claimOf(1))).toEqual(RUNNING)
  })

  it('stops following from elsewhere when its caller leaves', async () => {
    const [a] = await two()
    const b = await start({ pollMs: HOUR_MS })
    await a.claim(claimOf(1))
    const left = new AbortController()
    const followed = b.follow(ID, left.signal)
    setTimeout(() => left.abort(), 20)
    expect(await followed).toBeUndefined()
  })

  it('keeps a run alive for as long as its process works on it', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1, { order: orderOf(1) }))
    await leaseEnds()
    expect(await b.claim(claimOf(1))).toEqual(RUNNING)
    expect(await b.adoptOrphans()).toEqual([])
    // The run itself says whether it is alive.
    await redis().client.zadd(WATCH, '0', ID)
    expect(await b.adoptOrphans()).toEqual([])
    expect(await b.claim(claimOf(1))).toEqual(RUNNING)
  })

  it('hands a run over with its jobs when its process has died', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    const [first, second, third] = ['one', 'two', 'three'].map((id, createdAtMs) =>
      jobOf(id, { createdAtMs }),
    )
    for (const job of [third, first, second]) if (job) a.noteJob(ID, job)
    a.dropJob(ID, 'two')
    await a.close()
    expect(await b.claim(claimOf(1))).toEqual(RUNNING)
    const followed = b.follow(ID, never)
    expect(await followed).toBeUndefined()
    const other = claimOf(1, { fingerprint: 'something else' })
    expect(await b.claim(other)).toEqual({ kind: 'other', isRunning: false })
    expect(await b.claim(claimOf(1))).toEqual({ kind: 'mine', jobs: [first, third] })
    b.dropJob(ID, 'one')
    await b.close()
    await leaseEnds()
    expect(await (await start()).claim(claimOf(1))).toEqual({ kind: 'mine', jobs: [third] })
  })

  it('drops the answer of a process that was paused and lost its run', async () => {
    const [paused, b] = await two(PAUSED)
    await paused.claim(claimOf(1))
    const waiting = paused.follow(ID, never)
    await leaseEnds()
    expect(await b.claim(claimOf(1))).toEqual(MINE)
    await paused.finish(ID, answerOf('late'), LONG_MS)
    expect(await waiting).toEqual(answerOf('late'))
    expect(await b.read(ID)).toBeUndefined()
    await b.finish(ID, answerOf('a'), LONG_MS)
    expect(await (await start()).claim(claimOf(1))).toEqual(DONE)
  })

  it('neither renews, ends nor forgets a run that another one has taken over', async () => {
    const [paused, b] = await two(PAUSED)
    await paused.claim(claimOf(1, { order: orderOf(1) }))
    await leaseEnds()
    await b.claim(claimOf(1, { order: orderOf(1) }))
    const owner = await redis().client.hget(KEY, 'owner')
    paused.noteJob(ID, jobOf('late'))
    await paused.release(ID)
    expect(await redis().client.hget(KEY, 'owner')).toBe(owner)
    expect(await fieldsOf()).toEqual(['fingerprint', 'lease', 'order', 'owner', 'requestId'])
  })

  it('keeps the answer of a process that was paused when nobody took its run over', async () => {
    const [paused, b] = await two(PAUSED)
    await paused.claim(claimOf(1))
    await leaseEnds()
    await paused.finish(ID, answerOf('a'), LONG_MS)
    expect(await b.claim(claimOf(1))).toEqual(DONE)
  })

  it('finds the runs of a process that has died, each at one gateway only', async () => {
    const [a, b] = await two()
    const c = await start()
    for (let n = 1; n <= 30; n += 1) await a.claim(claimOf(n, { order: orderOf(n) }))
    a.noteJob(ID, jobOf('one'))
    await a.close()
    await leaseEnds()
    const rounds = await Promise.all([b, c, b, c].map((store) => store.adoptOrphans()))
    const orphans = rounds.flat()
    expect(rounds.every(({ length }) => length <= 20)).toBe(true)
    expect(orphans.map(({ runId }) => runId).sort()).toEqual(
      Array.from({ length: 30 }, (_, n) => runIdOf(n + 1)),
    )
    expect(orphans.find(({ runId }) => runId === ID)).toEqual({
      runId: ID,
      order: orderOf(1),
      jobs: [jobOf('one')],
    })
    await leaseEnds()
    expect([await b.adoptOrphans(), await c.adoptOrphans()]).toEqual([[], []])
  })

  it('brings what it adopted to its end, where every gateway can read it', async () => {
    const [a, b] = await two()
    const c = await start()
    await a.claim(claimOf(1, { order: orderOf(1) }))
    await a.close()
    const orphans = await adopted(b)
    expect(orphans).toEqual([{ runId: ID, order: orderOf(1), jobs: [] }])
    expect([await c.claim(claimOf(1)), await b.claim(claimOf(1))]).toEqual([RUNNING, RUNNING])
    b.noteJob(ID, jobOf('two'))
    await b.finish(ID, answerOf('a'), LONG_MS)
    expect(await c.read(ID)).toEqual(answerOf('a'))
    expect(await fieldsOf()).toContain('order')
    await b.settle(ID)
    expect(await fieldsOf()).toEqual(['answer', 'fingerprint', 'requestId'])
    expect(await watched()).toEqual([])
    expect(await redis().client.pttl(KEY)).toBeLessThanOrEqual(LONG_MS)
  })

  it('adopts a run that has ended and whose webhook was not told', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1, { order: orderOf(1) }))
    a.noteJob(ID, jobOf('one'))
    await a.finish(ID, answerOf('a'), LONG_MS)
    await leaseEnds()
    expect(await b.adoptOrphans()).toEqual([])
    await a.close()
    const orphan = { runId: ID, order: orderOf(1), jobs: [], answer: answerOf('a') }
    expect(await adopted(b)).toEqual([orphan])
    // Its new process may die, too.
    await b.close()
    const c = await start()
    expect(await adopted(c)).toEqual([orphan])
    expect(await c.claim(claimOf(1))).toEqual(DONE)
    await c.settle(ID)
    expect(await watched()).toEqual([])
  })

  it('leaves a run without an order to who asks for it again', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    await a.close()
    await leaseEnds()
    expect(await b.adoptOrphans()).toEqual([])
    expect(await watched()).toEqual([])
    expect(await redis().client.pttl(KEY)).toBeGreaterThan(HOUR_MS)
  })

  it('adopts nothing before the living had the time to say that they live', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1, { order: orderOf(1) }))
    await a.close()
    await leaseEnds()
    const fresh = await start({ renewalMs: HOUR_MS })
    expect(await fresh.adoptOrphans()).toEqual([])
    expect(await adopted(b)).toHaveLength(1)
  })

  it('writes no order and no answer that is too large, and lets nobody wait for it', async () => {
    const [a, b] = await two()
    const user = 'é'.repeat(MAX_TEXT_BYTES / 2)
    await a.claim(claimOf(1, { order: orderOf(1, { user }) }))
    a.noteJob(ID, jobOf('one', { configKey: user }))
    expect(await fieldsOf()).toEqual(['fingerprint', 'lease', 'owner', 'requestId'])
    const followed = b.follow(ID, never)
    const large = { ...answerOf('a'), modelId: user }
    await a.finish(ID, large, LONG_MS)
    expect(await followed).toBeUndefined()
    expect(await a.read(ID)).toEqual(large)
    expect(await redis().client.keys('*')).toEqual([])
  })

  it('are shared by a cluster that comes after the gateways', async () => {
    const cluster = await startRedisCluster()
    try {
      await cluster.kill()
      const a = bench.create(`redis-cluster://127.0.0.1:${cluster.port}`)
      expect(await a.claim(claimOf(1))).toEqual(MINE)
      await pause(300)
      await cluster.restart()
      await expect.poll(() => a.isShared(), { timeout: 8_000 }).toBe(true)
      await expect.poll(() => cluster.client.exists(KEY), { timeout: 8_000 }).toBe(1)
      await bench.close()
    } finally {
      await cluster.stop()
    }
  })

  it('touches one place of a cluster with each script', async () => {
    const cluster = await startRedisCluster()
    try {
      const url = `redis-cluster://127.0.0.1:${cluster.port}`
      const [a, b] = [await bench.start(url), await bench.start(url)]
      for (let n = 1; n <= 5; n += 1) await a.claim(claimOf(n, { order: orderOf(n) }))
      const keys = await cluster.client.keys('*')
      const slots = await Promise.all(keys.map((key) => cluster.client.cluster('KEYSLOT', key)))
      expect(new Set(slots).size).toBe(6)
      await pause(2 * RENEWAL_MS)
      await a.finish(ID, answerOf('a'), LONG_MS)
      await a.settle(ID)
      expect(await b.claim(claimOf(1))).toEqual(DONE)
      await a.close()
      await leaseEnds()
      expect(await adopted(b)).toHaveLength(4)
      await bench.close()
    } finally {
      await cluster.stop()
    }
  })
})
