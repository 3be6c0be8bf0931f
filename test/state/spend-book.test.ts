import { describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import type { Reservation, SpendAccount } from '#src/domain/spending.ts'
import { createRedisConnection } from '#src/state/redis/connect.ts'
import { KeyLink } from '#src/state/redis/key-link.ts'
import { KEYS_PREFIX } from '#src/state/redis/key-names.ts'
import { SpendLink } from '#src/state/redis/spend-link.ts'
import { createSpendBook, type SpendBook } from '#src/state/spend-book.ts'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'

const { monotonicMs } = systemClock
const ACCOUNT: SpendAccount = { keyId: 'key_a', period: 'total', limit: 1_000 }

const reservation = (id: string, amount: number): Reservation => ({
  id,
  amount,
  lifetimeMs: 60_000,
})

/** What holds wherever the book is kept. */
const describeBook = (create: () => Promise<SpendBook>): void => {
  it('sets aside what is left, and no more', async () => {
    const book = await create()
    expect(await book.reserve(ACCOUNT, reservation('a', 600))).toEqual({
      kind: 'granted',
      available: 1_000,
    })
    expect(await book.reserve(ACCOUNT, reservation('b', 401))).toEqual({
      kind: 'refused',
      available: 400,
    })
    expect((await book.reserve(ACCOUNT, reservation('c', 400))).kind).toBe('granted')
    expect(await book.available(ACCOUNT)).toBe(0)
  })

  it('books the cost in the place of what was set aside, once', async () => {
    const book = await create()
    await book.reserve(ACCOUNT, reservation('a', 600))
    await book.settle(ACCOUNT, 'a', 250)
    await book.settle(ACCOUNT, 'a', 250)
    expect(await book.available(ACCOUNT)).toBe(750)
    await book.settle(ACCOUNT, 'never reserved', 50)
    expect(await book.available(ACCOUNT)).toBe(700)
    await book.reserve(ACCOUNT, reservation('b', 300))
    await book.reserve(ACCOUNT, reservation('c', 200))
    await book.settle(ACCOUNT, 'b', 100)
    expect(await book.available(ACCOUNT)).toBe(400)
  })

  it('says of a request that it is known already', async () => {
    const book = await create()
    await book.reserve(ACCOUNT, reservation('a', 600))
    expect((await book.reserve(ACCOUNT, reservation('a', 600))).kind).toBe('known')
    expect(await book.available(ACCOUNT)).toBe(400)
  })

  it('has accounts of their own for each key and period', async () => {
    const book = await create()
    await book.reserve(ACCOUNT, reservation('a', 600))
    expect(await book.available({ ...ACCOUNT, keyId: 'key_b' })).toBe(1_000)
    expect(await book.available({ ...ACCOUNT, period: '2026-11' })).toBe(1_000)
  })

  it('says how much was spent too much', async () => {
    const book = await create()
    await book.reserve(ACCOUNT, reservation('a', 600))
    await book.settle(ACCOUNT, 'a', 1_200)
    expect(await book.available(ACCOUNT)).toBe(-200)
    expect((await book.reserve(ACCOUNT, reservation('b', 0))).kind).toBe('refused')
  })

  it('never grants more than there is to many at once', async () => {
    const book = await create()
    const verdicts = await Promise.all(
      Array.from({ length: 50 }, (_, index) => book.reserve(ACCOUNT, reservation(`r${index}`, 70))),
    )
    expect(verdicts.filter(({ kind }) => kind === 'granted')).toHaveLength(14)
  })
}

describe('a book of one gateway', () => {
  describeBook(async () => createSpendBook({ monotonicMs }))
})

describe.skipIf(!hasRedisServer)(`a book that gateways share${redisReason}`, () => {
  const redis = redisOfTests()
  const links = new Map<SpendBook, KeyLink>()

  const connect = async () => {
    const link = new KeyLink(
      createRedisConnection(redis().url, { prefix: KEYS_PREFIX }),
      monotonicMs,
    )
    link.open()
    await expect.poll(() => link.trouble()).toBe(undefined)
    const book = createSpendBook({ link: new SpendLink(link), monotonicMs })
    links.set(book, link)
    return book
  }

  /** Until Redis answers this book again. */
  const reconnected = (book: SpendBook) =>
    expect.poll(() => links.get(book)?.tryToAsk((client) => client.exists('gw:any'))).toBe(0)

  describeBook(connect)

  const held = () => redis().client.hmget('gw:{key:key_a}:$total', 'spent', 'held')

  it('is one for all of them', async () => {
    const [one, other] = [await connect(), await connect()]
    await one.reserve(ACCOUNT, reservation('a', 600))
    expect((await other.reserve(ACCOUNT, reservation('b', 401))).kind).toBe('refused')
    // Who took the request over tells its end, and then who had it does.
    await other.settle(ACCOUNT, 'a', 100)
    await one.settle(ACCOUNT, 'a', 100)
    expect(await one.available(ACCOUNT)).toBe(900)
    expect(await held()).toEqual(['100', '0'])
  })

  it('frees what nobody has booked in its time', async () => {
    const [one, other] = [await connect(), await connect()]
    await one.reserve(ACCOUNT, { id: 'a', amount: 900, lifetimeMs: 1 })
    await expect.poll(() => other.available(ACCOUNT)).toBe(1_000)
    // The request had lived on: its cost counts.
    await one.settle(ACCOUNT, 'a', 300)
    expect(await other.available(ACCOUNT)).toBe(700)
    // What others have set aside stays so.
    await other.reserve(ACCOUNT, { id: 'b', amount: 100, lifetimeMs: 1 })
    await other.reserve(ACCOUNT, reservation('c', 250))
    await expect.poll(() => one.available(ACCOUNT)).toBe(450)
  })

  it('does not trust what others have written', async () => {
    const book = await connect()
    await redis().client.hset('gw:{key:key_a}:$total', { spent: '-5e3', held: 'x', 'r:q': '{}' })
    await redis().client.zadd('gw:{key:key_a}:$total:held', 1, 'q')
    expect(await book.available(ACCOUNT)).toBe(1_000)
    expect((await book.reserve(ACCOUNT, reservation('a', 1_000))).kind).toBe('granted')
    expect(await held()).toEqual(['0', '1000'])
  })

  it('ends accounts with their period, and keeps those without one', async () => {
    const book = await connect()
    const day = { ...ACCOUNT, period: '2026-11-21', keptMs: 5_000 }
    for (const account of [ACCOUNT, day]) {
      await book.reserve(account, reservation('a', 10))
      await book.settle(account, 'a', 10)
    }
    expect(await redis().client.pttl('gw:{key:key_a}:$2026-11-21')).toBeGreaterThan(0)
    expect(await redis().client.pttl('gw:{key:key_a}:$total')).toBe(-1)
    expect(await redis().client.pttl('gw:{key:key_a}:$total:done')).toBeGreaterThan(80_000_000)
  })

  it('waits no longer than 200 ms for a Redis that is silent, and only once', async () => {
    const book = await connect()
    await book.reserve(ACCOUNT, reservation('a', 600))
    redis().freeze()
    const begun = performance.now()
    expect((await book.reserve(ACCOUNT, reservation('b', 300))).kind).toBe('granted')
    expect((await book.reserve(ACCOUNT, reservation('c', 300))).kind).toBe('refused')
    await book.settle(ACCOUNT, 'a', 600)
    expect(performance.now() - begun).toBeLessThan(300)
    redis().thaw()
  })

  const untilHeard = async (book: SpendBook) => {
    await reconnected(book)
    await expect
      .poll(async () => {
        await book.tell()
        return book.waiting().requests
      })
      .toBe(0)
  }

  it('frees what Redis sets aside late for a request that was refused meanwhile', async () => {
    const [one, other] = [await connect(), await connect()]
    await other.reserve(ACCOUNT, reservation('other', 900))
    expect(await one.available(ACCOUNT)).toBe(100)
    await other.settle(ACCOUNT, 'other', 0)
    redis().freeze()
    expect((await one.reserve(ACCOUNT, reservation('late', 500))).kind).toBe('refused')
    redis().thaw()
    await expect.poll(held).toEqual(['0', '500'])
    await reconnected(one)
    await expect
      .poll(async () => {
        await one.tell()
        return held()
      })
      .toEqual(['0', '0'])
  })

  it('grants nothing twice when Redis loses what was set aside', async () => {
    const book = await connect()
    await book.reserve(ACCOUNT, reservation('a', 900))
    await redis().client.flushall()
    expect(await book.reserve(ACCOUNT, reservation('b', 900))).toEqual({
      kind: 'refused',
      available: 100,
    })
    // And others hear of it again.
    await book.tell()
    expect(await held()).toEqual(['0', '900'])
    expect((await book.reserve(ACCOUNT, reservation('c', 100))).kind).toBe('granted')
  })

  it('keeps one sum of what is spent in an outage, and tells it once', async () => {
    const book = await connect()
    redis().freeze()
    await book.available(ACCOUNT)
    const large = { ...ACCOUNT, limit: 1_000_000 }
    for (let index = 0; index < 20_000; index += 1) {
      await book.reserve(large, reservation(`r${index}`, 9))
      await book.settle(large, `r${index}`, 5)
      await book.settle(large, `r${index}`, 5)
    }
    expect((await book.reserve(large, reservation('r19999', 9))).kind).toBe('known')
    expect(book.waiting()).toEqual({ requests: 20_000, cost: 100_000 })
    redis().thaw()
    await untilHeard(book)
    expect([await held(), await redis().client.zcard('gw:{key:key_a}:$total:done')]).toEqual([
      ['100000', '0'],
      1,
    ])
  })

  it('sums up what Redis refuses to write, too', async () => {
    const book = await connect()
    await redis().client.config('SET', 'min-replicas-to-write', '1')
    for (const id of ['a', 'b', 'c']) {
      await book.reserve(ACCOUNT, reservation(id, 100))
      await book.settle(ACCOUNT, id, 50)
    }
    await Promise.all([book.tell(), book.tell()])
    expect(book.waiting()).toEqual({ requests: 3, cost: 150 })
    await redis().client.config('SET', 'min-replicas-to-write', '0')
    await Promise.all([book.tell(), book.settle(ACCOUNT, 'd', 7), book.tell()])
    await untilHeard(book)
    expect(await held()).toEqual(['157', '0'])
    expect(await redis().client.zcard('gw:{key:key_a}:$total:done')).toBe(2)
  })

  it('books once what was set aside before an outage, though another tells its end as well', async () => {
    const [one, other] = [await connect(), await connect()]
    await one.reserve(ACCOUNT, reservation('a', 600))
    redis().freeze()
    await one.settle(ACCOUNT, 'a', 400)
    for (const id of ['b', 'c']) await one.settle(ACCOUNT, id, 10)
    redis().thaw()
    await reconnected(other)
    await other.settle(ACCOUNT, 'a', 400)
    await untilHeard(one)
    expect(await held()).toEqual(['420', '0'])
  })
})
