import { deflateRawSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { positionOf } from '#src/domain/request-position.ts'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import { createLogBench } from './request-log-bench.ts'
import { describeRequestLog } from './request-log-contract.ts'
import { fullRecord, START_MS, sampleRecord } from './request-log-samples.ts'

const DAY_MS = 24 * 3_600_000
const PREFIX = 'gw:{rq}:'

const bench = createLogBench()
afterEach(() => bench.close())

describe.skipIf(!hasRedisServer)(`the log of requests in Redis${redisReason}`, () => {
  const redis = redisOfTests()
  describeRequestLog(async () => {
    const { log } = await bench.connected(redis().url, { maxRecords: 50, keptMs: 30 * DAY_MS })
    return { log, settle: () => log.tellAll() }
  })

  const two = async () => {
    const [a, b] = [await bench.connected(redis().url), await bench.connected(redis().url)]
    return [a.log, b.log] as const
  }

  it('is the same for every gateway', async () => {
    const [a, b] = await two()
    a.add(fullRecord('a'))
    b.add(fullRecord('b', { createdAtMs: START_MS + 1 }))
    await Promise.all([a.tellAll(), b.tellAll()])
    for (const log of [a, b]) {
      expect((await log.list({ limit: 10 })).records.map(({ id }) => id)).toEqual(['b', 'a'])
      expect(await log.find('a', 'key_0123456789ab')).toEqual(fullRecord('a'))
      expect(await log.summarize({})).toEqual({ count: 2, cost: 134_000, isPartial: false })
    }
  })

  it('sums up usage from its index alone', async () => {
    const [a, b] = await two()
    a.add(fullRecord('a'))
    await a.tellAll()
    const { client } = redis()
    const names = (await client.keys(`${PREFIX}r:*`)) as string[]
    expect(names).toHaveLength(1)
    await client.del(names)
    const span = { fromMs: START_MS, toMs: START_MS, intervalMs: 1_000 }
    const { totals, overhead, providers } = await b.sumUsage({ span })
    expect([totals.cost, totals.durations.meanMs, overhead.meanMs]).toEqual([67_000, 24_423, 12.3])
    expect(providers.map(({ name }) => name)).toEqual(['vertex'])
  })

  it('knows the end of a request that another gateway brought to it', async () => {
    const [a, b] = await two()
    a.add(sampleRecord('x', { status: 'pending' }))
    await a.tellAll()
    b.add(sampleRecord('x', { cost: 7 }))
    await b.tellAll()
    expect(await a.find('x', undefined)).toEqual(sampleRecord('x', { cost: 7 }))
    expect((await a.list({ limit: 5, status: 'pending' })).records).toEqual([])
    expect(await a.summarize({})).toEqual({ count: 1, cost: 7, isPartial: false })
  })

  it('can be read elsewhere as soon as a flush resolves, also when a telling without the request was under way', async () => {
    const [a, b] = await two()
    for (let round = 0; round < 20; round += 1) {
      const [early, late] = [`early${round}`, `late${round}`]
      a.add(sampleRecord(early, { status: 'pending' }))
      const underWay = a.flush()
      // By now it is on its way.
      await Promise.resolve().then(() => undefined)
      a.add(sampleRecord(late, { status: 'pending' }))
      await a.flush()
      const found = await Promise.all([early, late].map((id) => b.find(id, undefined)))
      expect(found.map((record) => record?.id)).toEqual([early, late])
      await underWay
    }
  })

  it('sends once what many ask to be flushed', async () => {
    const [a] = await two()
    const { client } = redis()
    // Each telling ends with a look at how many there are.
    const tellings = async () =>
      Number(/cmdstat_zcard:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
    const before = await tellings()
    a.add(sampleRecord('a'))
    await Promise.all(Array.from({ length: 30 }, () => a.flush()))
    expect((await tellings()) - before).toBe(1)
  })

  it('pages a key of many among the requests of others', async () => {
    const [a, b] = await two()
    for (let index = 0; index < 3_000; index += 1) {
      const keyId = index % 500 === 0 ? 'rare' : 'common'
      const status = index % 500 === 1 ? 'rejected' : 'completed'
      a.add(sampleRecord(`r${index}`, { createdAtMs: START_MS + index, keyId, status }))
    }
    // On a busy machine Redis is too slow for some, which are told again.
    await expect
      .poll(
        async () => {
          await a.tellAll()
          return (await b.summarize({})).count
        },
        { timeout: 10_000 },
      )
      .toBe(3_000)
    const ids = async (query: object) =>
      (await b.list({ limit: 4, ...query })).records.map(({ id }) => id)
    expect(await ids({ keyId: 'rare' })).toEqual(['r2500', 'r2000', 'r1500', 'r1000'])
    expect(await ids({ status: 'rejected' })).toEqual(['r2501', 'r2001', 'r1501', 'r1001'])
    const page = await b.list({ limit: 4, status: 'rejected' })
    const next = await b.list({ limit: 4, status: 'rejected', olderThan: String(page.older) })
    expect(next.records.map(({ id }) => id)).toEqual(['r501', 'r1'])
    expect([next.older, next.newer !== undefined]).toEqual([undefined, true])
    const back = await b.list({ limit: 4, status: 'rejected', newerThan: String(next.newer) })
    expect(back).toEqual(page)
    expect(await b.summarize({ keyId: 'common' })).toMatchObject({ count: 2_994 })
  })

  it('gives every key a time to live, and holds no prompt', async () => {
    const [a] = await two()
    a.add(fullRecord('a'))
    await a.tellAll()
    const { client } = redis()
    const keys = await client.keys('*')
    expect(keys.toSorted()).toEqual([
      `${PREFIX}all`,
      `${PREFIX}k:key_0123456789ab`,
      `${PREFIX}n:a`,
      `${PREFIX}r:${positionOf(fullRecord('a'))}`,
    ])
    for (const key of keys) {
      const lifeMs = await client.pttl(key)
      expect(lifeMs).toBeGreaterThan(29 * DAY_MS)
      expect(lifeMs).toBeLessThanOrEqual(30 * DAY_MS)
    }
  })

  it('leaves nothing behind of what it forgets', async () => {
    const { log } = await bench.connected(redis().url, { maxRecords: 2, keptMs: DAY_MS })
    for (let index = 0; index < 450; index += 1) {
      log.add(sampleRecord(`r${index % 300}`, { createdAtMs: START_MS + index, keyId: 'k' }))
    }
    await log.tellAll()
    const { client } = redis()
    expect(await client.zcard(`${PREFIX}all`)).toBe(2)
    expect(await client.zcard(`${PREFIX}k:k`)).toBe(2)
    expect((await client.keys('*')).length).toBe(2 + 2 * 2)
    expect(await log.find('r149', 'k')).toMatchObject({ createdAtMs: START_MS + 449 })
  })

  it('passes over what others wrote there', async () => {
    const [a, b] = await two()
    a.add(sampleRecord('good', { cost: 1 }))
    a.add(sampleRecord('broken', { createdAtMs: START_MS + 1 }))
    a.add(sampleRecord('foreign', { createdAtMs: START_MS + 2 }))
    a.add(sampleRecord('bomb', { createdAtMs: START_MS + 3 }))
    await a.tellAll()
    const { client } = redis()
    const put = (id: string, ms: number, value: Buffer | string) =>
      client.set(
        `${PREFIX}r:${positionOf(sampleRecord(id, { createdAtMs: START_MS + ms }))}`,
        value,
        'PX',
        60_000,
      )
    const pack = (value: object) => deflateRawSync(JSON.stringify(value))
    const bomb = sampleRecord('bomb', { createdAtMs: START_MS + 3 })
    await put(
      'broken',
      1,
      pack({ ...sampleRecord('broken', { createdAtMs: START_MS + 1 }), routing: 1 }),
    )
    await put('foreign', 2, pack(sampleRecord('other')))
    await put('bomb', 3, pack({ ...bomb, user: 'x'.repeat(5_000_000) }))
    await client.zadd(
      `${PREFIX}all`,
      ...[
        0,
        'rubbish',
        0,
        'zzzzzzzzz0123456789 k x completed 5 m',
        0,
        '\xff\xfe',
        0,
        '000000000 k x',
      ],
    )
    await client.hset(`${PREFIX}n:good`, 'k', '../../x', 'l', 'zzzzzzzzz')
    await client.hset(`${PREFIX}n:none`, '', '%%%')
    expect((await b.list({ limit: 10 })).records).toEqual([sampleRecord('good', { cost: 1 })])
    expect(await b.summarize({})).toEqual({ count: 4, cost: 1, isPartial: false })
    expect(await b.find('broken', undefined)).toBeUndefined()
    expect(await b.find('none', undefined)).toBeUndefined()
    expect(await b.find('good', undefined)).toEqual(sampleRecord('good', { cost: 1 }))
    await client.del(`${PREFIX}all`, `${PREFIX}n:good`)
    await client.set(`${PREFIX}all`, 'not a set')
    expect(await b.list({ limit: 10 })).toEqual({ records: [], isPartial: true })
    a.add(sampleRecord('later'))
    await a.tellAll()
    await client.del(`${PREFIX}all`)
    await a.tellAll()
    expect((await b.list({ limit: 10 })).records).toEqual([sampleRecord('later')])
  })

  it('tells Redis the last of it when it is closed', async () => {
    const [a, b] = await two()
    a.add(sampleRecord('last'))
    await a.close()
    expect(await b.find('last', undefined)).toEqual(sampleRecord('last'))
  })
})
