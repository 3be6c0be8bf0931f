import { afterEach, describe, expect, it } from 'vitest'
import { HOUR_MS } from '#src/domain/provider-stats.ts'
import { DAY_MS } from '#src/state/redis/redis-keys.ts'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import { createExchangeBench, syncAll } from './exchange-bench.ts'

const KEY = 'google/painter:gemini'
const CELL = 'gemini/painter|text_to_image|1K'
const HEALTH = 'gw:{rt}:st'
const SHARED = { isShared: true }

describe.skipIf(!hasRedisServer)(`gateways whose Redis holds garbage${redisReason}`, () => {
  const redis = redisOfTests()
  const bench = createExchangeBench()

  afterEach(() => bench.close())

  const started = (timeScale = 1) => bench.start(redis().url, { timeScale })
  const today = (): string => `gw:{rt}:h:gemini/painter:${Math.floor(Date.now() / DAY_MS)}`
  const keysOf = async (pattern: string): Promise<string[]> =>
    (await redis().client.keys(pattern)).sort()
  const bucketNow = (): string => `gw:{rt}:b:${Math.floor(Date.now() / 10_000)}`

  it('leaves out what it cannot read', async () => {
    const past = await started()
    past.tell(2)
    await past.sharing.sync()
    const texts = ['NaN', '1e999', 'Infinity', '-5', '1.5', 'text', '']
    for (const [index, text] of texts.entries()) {
      await redis().client.hset(bucketNow(), `fal/p${index}|text_to_image|1K|s`, text)
      await redis().client.hset(today(), `${index}|text_to_image|4K|s`, text)
    }
    await redis().client.hset(today(), '24|text_to_image|4K|s', '1', '0.5|text_to_image|4K|s', '1')
    await redis().client.hset(today(), '0|text_to_image|2K|b', '7', '0|text_to_image|2K|b52', '7')
    const gateway = await started()
    const counts = [...gateway.heard.absorbed.values()].flatMap((each) => Object.values(each))
    expect(counts.every(Number.isFinite)).toBe(true)
    expect(gateway.heard.successes()).toBe(2)
    expect([...gateway.heard.absorbed].filter(([, { success }]) => success > 0)).toHaveLength(1)
    const hours = await gateway.sharing.history.read(['gemini/painter'], 0)
    expect(hours.reduce((sum, { counts: { success } }) => sum + success, 0)).toBe(2)
    const bins = hours.filter(({ tier }) => tier === '2K').map((hour) => hour.latencyBins)
    expect(bins).toEqual([{}])
    expect(gateway.statuses).toEqual([SHARED])
  })

  it('adds nothing twice when a field of a hash is no integer', async () => {
    const [a, b] = [await started(), await started()]
    const hour = Math.floor((Date.now() % DAY_MS) / HOUR_MS)
    const field = (name: string): string => `${hour}|text_to_image|1K|${name}`
    const bad = ['1.5', '9223372036854775807', '-4', 'text', '9007199254740999']
    let told = 0
    for (const text of bad) {
      await redis().client.hset(today(), field('L'), text)
      await redis().client.hset(bucketNow(), `${CELL}|L`, text)
      a.tell(3)
      told += 3
      for (let round = 0; round < 4; round += 1) await syncAll(a, b)
      expect(await redis().client.hget(today(), field('s')), text).toBe(String(told))
      expect(await redis().client.hget(today(), field('L')), text).toMatch(/^\d{1,15}$/)
    }
    expect(b.heard.successes()).toBe(told)
    expect(a.heard.successes()).toBe(0)
    expect([a.statuses, b.statuses]).toEqual([[SHARED], [SHARED]])
    for (const key of await keysOf('*'))
      expect(await redis().client.pttl(key), key).toBeGreaterThan(0)
  })

  it('replaces a record of health that nobody can read', async () => {
    const [a, b] = [await started(), await started()]
    const nowMs = Date.now()
    const texts = ['garbage', 'nan nan nan', '1e300 open 1e300 1 x', '', '1 2']
    for (const [index, text] of texts.entries()) {
      const parts = ['c', 'p', 'r'].flatMap((part) => [`${KEY}|${part}`, text])
      await redis().client.hset(HEALTH, ...parts)
      const sinceMs = nowMs + index
      const untilMs = sinceMs + 5_000
      a.sharing.exchange.shareHealth({
        key: KEY,
        pause: { reason: 'rate_limited', sinceMs, untilMs },
      })
      a.sharing.exchange.shareHealth({
        key: KEY,
        circuit: { state: 'open', sinceMs, untilMs, openings: 1 },
      })
      await syncAll(a, b)
      const [, record] = b.heard.adopted.at(-1) ?? []
      expect(b.heard.adopted, text).toHaveLength(index + 1)
      expect([record?.circuit?.openings, record?.pause?.reason], text).toEqual([1, 'rate_limited'])
    }
    expect([a.statuses, b.statuses]).toEqual([[SHARED], [SHARED]])
  })

  it('does not believe records from the future', async () => {
    const nowMs = Date.now()
    const farMs = nowMs * 100
    await redis().client.hset(HEALTH, {
      [`${KEY}|c`]: `${farMs} open ${farMs + 10_000} 1 x`,
      [`${KEY}|p`]: `${farMs + 10_000} taken_out ${farMs} x`,
      [`${KEY}|r`]: String(farMs),
      'google/other:gemini|p': `${farMs} taken_out ${nowMs - 1_000} x`,
    })
    await redis().client.zadd('gw:{rt}:reps', farMs, 'future', '+inf', 'forever')
    const [a, b] = [await started(), await started()]
    expect([b.heard.adopted, b.heard.replicas]).toEqual([[], 2])
    a.sharing.exchange.shareHealth({ key: KEY, resumeBegunMs: nowMs - 5_000 })
    a.sharing.exchange.shareHealth({
      key: KEY,
      circuit: { state: 'closed', sinceMs: nowMs, untilMs: 0, openings: 0 },
    })
    await syncAll(a, b)
    expect(b.heard.adopted).toEqual([
      [
        KEY,
        { circuit: expect.objectContaining({ state: 'closed' }), resumedMs: expect.any(Number) },
      ],
    ])
  })

  it('does not mix what gateways of different time scales know', async () => {
    const [fast, slow] = [await started(100), await started()]
    const sinceMs = Date.now() * 100
    fast.sharing.exchange.shareHealth({
      key: KEY,
      // A hundred times as fast: 10 s.
      circuit: { state: 'open', sinceMs, untilMs: sinceMs + 1_000_000, openings: 1 },
    })
    fast.tell(3)
    await syncAll(fast, slow)
    expect([slow.heard.adopted, slow.heard.replicas, slow.heard.successes()]).toEqual([[], 1, 0])
    expect(await keysOf('gw:{rt}:x100:st')).toHaveLength(1)
    expect(await keysOf('gw:{rt}:st')).toEqual([])
  })

  it('says so when the database number does not exist', async () => {
    const gateway = bench.create(`${redis().url}/999`)
    await gateway.sharing.start()
    gateway.tell(3)
    for (let round = 0; round < 3; round += 1) await gateway.sharing.sync()
    expect(gateway.statuses).toEqual([
      { isShared: false, reason: expect.stringContaining('refuses the database') },
    ])
    expect(await keysOf('*')).toEqual([])
  })

  it('uses the database that it was given', async () => {
    const gateway = bench.create(`${redis().url}/7`)
    await gateway.sharing.start()
    expect(gateway.statuses).toEqual([SHARED])
    expect(await keysOf('*')).toEqual([])
  })
})
