import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunStore } from '#src/domain/run-store.ts'
import {
  freePort,
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import { createRunBench, LEASE_MS, leaseEnds } from './run-bench.ts'
import { answerOf, claimOf, jobOf, orderOf, runIdOf } from './run-samples.ts'

const LONG_MS = 60_000
const never = new AbortController().signal
const ID = runIdOf(1)
const KEY = `gw:{run:${ID}}`
const WATCH = 'gw:{runs}:watch'
const MINE = { kind: 'mine', jobs: [] }
const RUNNING = { kind: 'running' }
const DONE = { kind: 'done', answer: answerOf('a') }
/** What an operation takes that does not wait: nothing, on a machine with much to do. */
const AT_ONCE_MS = 120
/** What an operation takes at most: the 200 ms of a command, on a machine with much to do. */
const ONE_TRY_MS = 350

/** What the work resolves to, and how long that took in ms. */
const timed = async <T>(work: Promise<T>): Promise<readonly [T, number]> => {
  const startMs = performance.now()
  return [await work, performance.now() - startMs]
}

/** A whole run as its process sees it; how long each of its steps took. */
const workThrough = async (store: RunStore, n = 1): Promise<number[]> => {
  const [claimed, claimMs] = await timed(store.claim(claimOf(n, { order: orderOf(n) })))
  expect(claimed).toEqual(MINE)
  store.noteJob(runIdOf(n), jobOf('one'))
  store.dropJob(runIdOf(n), 'one')
  const [, finishMs] = await timed(store.finish(runIdOf(n), answerOf('a'), LONG_MS))
  const [, settleMs] = await timed(store.settle(runIdOf(n)))
  expect(await store.claim(claimOf(n))).toEqual(DONE)
  return [claimMs, finishMs, settleMs]
}

describe.skipIf(!hasRedisServer)(`runs whose Redis is in trouble${redisReason}`, () => {
  let redis: TestRedis
  const bench = createRunBench()

  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    await bench.close()
    await redis.stop()
  })

  const two = async () => [await bench.start(redis.url), await bench.start(redis.url)] as const
  const untilShared = (...stores: readonly { isShared(): boolean }[]) =>
    expect
      .poll(() => stores.every((store) => store.isShared()), { timeout: 8_000, interval: 5 })
      .toBe(true)
  const untilAlone = (...stores: readonly { isShared(): boolean }[]) =>
    expect
      .poll(() => stores.some((store) => store.isShared()), { timeout: 8_000, interval: 5 })
      .toBe(false)
  const untilRead = (store: RunStore, n = 1) =>
    expect
      .poll(() => store.read(runIdOf(n)), { timeout: 8_000, interval: 10 })
      .toEqual(answerOf('a'))

  it('are worked on at once while it is gone, and told when it is back', async () => {
    const [a, b] = await two()
    await redis.kill()
    await untilAlone(a, b)
    expect(Math.max(...(await workThrough(a)))).toBeLessThan(AT_ONCE_MS)
    await a.claim(claimOf(2))
    expect(await b.claim(claimOf(3))).toEqual(MINE)
    await redis.restart()
    await untilShared(a, b)
    await untilRead(b)
    await expect.poll(() => b.claim(claimOf(2))).toEqual(RUNNING)
    await expect.poll(() => a.claim(claimOf(3))).toEqual(RUNNING)
  })

  it('are ended at once when it went away meanwhile, and told when it is back', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    const followed = b.follow(ID, never)
    await pause(20)
    await redis.kill()
    await untilAlone(a, b)
    const [, finishMs] = await timed(a.finish(ID, answerOf('a'), LONG_MS))
    expect(finishMs).toBeLessThan(AT_ONCE_MS)
    // Nobody can know better, and a client waits.
    const [answer, followedMs] = await timed(followed)
    expect(answer).toBeUndefined()
    expect(followedMs).toBeLessThan(2 * LEASE_MS)
    await redis.restart()
    await untilRead(b)
    expect(await redis.client.pttl(KEY)).toBeLessThanOrEqual(LONG_MS)
  })

  it('are known again, with their jobs, when it was restarted without its memory', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1, { order: orderOf(1) }))
    a.noteJob(ID, jobOf('one'))
    await redis.restart()
    await untilShared(a, b)
    await expect.poll(() => redis.client.exists(KEY, WATCH), { timeout: 8_000 }).toBe(2)
    expect(await b.claim(claimOf(1))).toEqual(RUNNING)
    await a.close()
    await leaseEnds()
    const orphan = { runId: ID, order: orderOf(1), jobs: [jobOf('one')] }
    expect(await b.adoptOrphans()).toEqual([orphan])
    await redis.restart()
    await expect.poll(() => redis.client.hexists(KEY, 'job:one'), { timeout: 8_000 }).toBe(1)
  })

  it('that were released while it was gone are begun anew by anybody', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    a.noteJob(ID, jobOf('one'))
    await pause(20)
    redis.freeze()
    a.dropJob(ID, 'one')
    await a.release(ID)
    expect(await a.claim(claimOf(1))).toEqual(MINE)
    await a.release(ID)
    await untilAlone(a)
    redis.thaw()
    await untilShared(a, b)
    await expect.poll(() => redis.client.exists(KEY), { timeout: 8_000 }).toBe(0)
    expect(await b.claim(claimOf(1))).toEqual(MINE)
  })

  it('wait for one try while it is frozen, and for none once that is known', async () => {
    const [a, b] = await two()
    redis.freeze()
    expect(Math.max(...(await workThrough(a)))).toBeLessThan(ONE_TRY_MS)
    await untilAlone(a)
    expect(Math.max(...(await workThrough(a, 2)))).toBeLessThan(AT_ONCE_MS)
    const [nothing, readMs] = await timed(b.read(ID))
    expect(nothing).toBeUndefined()
    expect(readMs).toBeLessThan(ONE_TRY_MS)
    redis.thaw()
    await untilRead(b)
    await untilRead(b, 2)
  })

  it('are worked on by one process alone when its memory is full, and told when it is not', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(2))
    await redis.client.config('SET', 'maxmemory', '1')
    expect(Math.max(...(await workThrough(a)))).toBeLessThan(AT_ONCE_MS)
    await a.finish(runIdOf(2), answerOf('a'), LONG_MS)
    expect(await b.read(runIdOf(2))).toBeUndefined()
    expect(await redis.client.hgetall(`gw:{run:${runIdOf(2)}}`)).not.toHaveProperty('answer')
    await redis.client.config('SET', 'maxmemory', '0')
    await untilRead(b)
    await untilRead(b, 2)
  })

  it('are ended by who worked on them alone, when who had them before has died', async () => {
    const [a, b] = await two()
    const alone = await bench.start(redis.url, { renewalMs: 3_600_000 })
    await a.claim(claimOf(1))
    await a.close()
    await leaseEnds()
    await redis.client.config('SET', 'maxmemory', '1')
    expect(await alone.claim(claimOf(1))).toEqual(MINE)
    await redis.client.config('SET', 'maxmemory', '0')
    await alone.finish(ID, answerOf('a'), LONG_MS)
    expect(await b.claim(claimOf(1))).toEqual(DONE)
  })

  it('are worked on by one process alone while it is a replica', async () => {
    const [a, b] = await two()
    const connections = async () => {
      const list = String(await redis.client.client('LIST'))
      return list.match(/\bid=\d+(?=.* name=fresnel)/g)
    }
    const before = await connections()
    expect(before).toHaveLength(2)
    await redis.client.replicaof('127.0.0.1', String(await freePort()))
    expect(Math.max(...(await workThrough(a)))).toBeLessThan(AT_ONCE_MS)
    // There may be a new master behind the address.
    await expect.poll(connections).not.toEqual(before)
    await redis.client.replicaof('NO', 'ONE')
    await untilRead(b)
  })

  it('are worked on by one process alone when it refuses the database', async () => {
    const a = bench.create(`${redis.url}/99`)
    for (let n = 1; n <= 20; n += 1) {
      await workThrough(a, n)
      await pause(5)
    }
    expect(a.isShared()).toBe(false)
    expect(await redis.client.dbsize()).toBe(0)
  })

  it('are worked on by one process alone when their keys hold something else', async () => {
    const [a, b] = await two()
    await redis.client.set(KEY, 'text', 'PX', LONG_MS)
    await redis.client.set(WATCH, 'text', 'PX', LONG_MS)
    expect(Math.max(...(await workThrough(a)))).toBeLessThan(AT_ONCE_MS)
    expect(await b.read(ID)).toBeUndefined()
    await leaseEnds()
    expect(await b.adoptOrphans()).toEqual([])
    expect(await redis.client.get(KEY)).toBe('text')
  })

  it.each([
    ['no JSON', 'text'],
    ['JSON of something else', '[1, null]'],
    ['an answer without images', JSON.stringify({ ...answerOf('a'), images: [] })],
    ['an unknown code', '{"kind":"error","code":"x","message":"","status":400}'],
  ])(
    'are neither replayed from %s nor begun anew, as a newer gateway may read it',
    async (_what, answer) => {
      const [a] = await two()
      await redis.client.hset(KEY, { fingerprint: claimOf(1).fingerprint, answer })
      expect([await a.read(ID), await a.follow(ID, never)]).toEqual([undefined, undefined])
      const claims = await Promise.all([a.claim(claimOf(1)), a.claim(claimOf(1))])
      expect(claims).toEqual([{ kind: 'unreadable' }, { kind: 'unreadable' }])
      expect(await a.claim(claimOf(1))).toEqual({ kind: 'unreadable' })
      await a.finish(ID, answerOf('a'), LONG_MS)
      await a.release(ID)
      expect(await redis.client.hget(KEY, 'answer')).toBe(answer)
    },
  )

  it('are followed on when it says nothing right after they were claimed elsewhere', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    expect(await b.claim(claimOf(1))).toEqual(RUNNING)
    redis.freeze()
    const followed = b.follow(ID, never)
    await pause(LEASE_MS / 2)
    await a.finish(ID, answerOf('a'), LONG_MS)
    redis.thaw()
    expect(await followed).toEqual(answerOf('a'))
  })

  it('that failed here while it was gone are claimed again with their jobs, and it is told', async () => {
    const [a, b] = await two()
    await a.claim(claimOf(1))
    await redis.kill()
    await untilAlone(a, b)
    a.noteJob(ID, jobOf('one'))
    await a.release(ID)
    const mine = { kind: 'mine', jobs: [jobOf('one')] }
    expect(await a.claim(claimOf(1))).toEqual(mine)
    await a.release(ID)
    await redis.restart()
    await untilShared(a, b)
    await expect
      .poll(() => redis.client.hkeys(KEY), { timeout: 8_000 })
      .toEqual(expect.arrayContaining(['job:one']))
    await expect.poll(() => redis.client.hexists(KEY, 'owner'), { timeout: 8_000 }).toBe(0)
    expect(await b.claim(claimOf(1))).toEqual(mine)
  })

  it.each([
    ['no fingerprint', { answer: JSON.stringify(answerOf('x')), order: 'text' }],
    ['a lease that is no number', { fingerprint: 'what was asked', owner: 'x', lease: 'NaN' }],
    ['a lease without an end', { fingerprint: 'what was asked', owner: 'x', lease: '1e999' }],
    ['jobs that are none', { fingerprint: 'what was asked', 'job:x': '{}', 'job:y': 'text' }],
  ])('are begun anew where there is %s', async (_what, fields) => {
    const [a, b] = await two()
    await redis.client.hset(KEY, fields)
    expect(await a.claim(claimOf(1))).toEqual(MINE)
    expect([await b.claim(claimOf(1)), await b.read(ID)]).toEqual([RUNNING, undefined])
    await a.finish(ID, answerOf('a'), LONG_MS)
    await untilRead(b)
    expect(Object.keys(await redis.client.hgetall(KEY)).sort()).toEqual([
      'answer',
      'fingerprint',
      'requestId',
    ])
  })

  it('are adopted though others are watched that make no sense', async () => {
    const [a, b] = await two()
    const missing = runIdOf(2)
    await redis.client.zadd(WATCH, '0', 'text', '0', missing, '-inf', 'more text')
    const strange = { fingerprint: 'f', requestId: 'r', order: '{"count":0}' }
    await redis.client.hset(`gw:{run:${runIdOf(3)}}`, strange)
    const ended = { ...strange, order: JSON.stringify(orderOf(4)), answer: 'text' }
    await redis.client.hset(`gw:{run:${runIdOf(4)}}`, ended)
    await redis.client.zadd(WATCH, '0', runIdOf(3), '0', runIdOf(4))
    await a.claim(claimOf(1, { order: orderOf(1) }))
    a.noteJob(ID, jobOf('one'))
    await redis.client.hset(KEY, 'job:x', '{}')
    await a.close()
    await leaseEnds()
    const orphan = { runId: ID, order: orderOf(1), jobs: [jobOf('one')] }
    expect(await b.adoptOrphans()).toEqual([orphan])
    // What is unreadable here may be another gateway's, of a newer version.
    const watched = await redis.client.zrange(WATCH, '0', '-1')
    expect(watched.sort()).toEqual([ID, runIdOf(3), runIdOf(4)])
  })
})
