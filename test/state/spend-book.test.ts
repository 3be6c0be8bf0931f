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

  const connect = async () => {
    const link = new KeyLink(
      createRedisConnection(redis().url, { prefix: KEYS_PREFIX }),
      monotonicMs,
    )
    link.open()
    await expect.poll(() => link.trouble()).toBe(undefined)
    return createSpendBook({ link: new SpendLink(link), monotonicMs })
  }

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
})
