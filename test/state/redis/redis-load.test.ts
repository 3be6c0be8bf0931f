import { afterEach, describe, expect, it } from 'vitest'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import { success } from '#test/state/stats-recorder.ts'
import { createExchangeBench, syncAll } from './exchange-bench.ts'

const DAY_MS = 86_400_000
const FIELDS = 'sftnqcLQSD'

describe.skipIf(!hasRedisServer)(`gateways under load${redisReason}`, () => {
  const redis = redisOfTests()
  const bench = createExchangeBench()

  afterEach(() => bench.close())

  /** Exchanges made so far, of all gateways. */
  const exchanges = async (): Promise<number> => {
    const stats = await redis().client.info('commandstats')
    return Number(/cmdstat_time:calls=(\d+)/.exec(stats)?.[1] ?? 0)
  }

  /** Two days of busy offerings, six cells each. */
  const fillDays = async (configKeys: readonly string[]): Promise<void> => {
    const today = Math.floor(Date.now() / DAY_MS)
    const tiers = ['1K', '2K', '4K']
    const places = ['text_to_image', 'image_edit'].flatMap((mode) =>
      tiers.map((tier) => `${mode}|${tier}`),
    )
    const day = new Map<string, number>()
    for (let hour = 0; hour < 24; hour += 1) {
      for (const place of places) {
        for (const field of FIELDS) day.set(`${hour}|${place}|${field}`, 20)
        for (let bin = 20; bin < 40; bin += 1) day.set(`${hour}|${place}|b${bin}`, 1)
      }
    }
    for (const key of configKeys) {
      for (const number of [today - 1, today]) {
        await redis().client.hset(`gw:{rt}:h:${key}:${number}`, day)
      }
    }
  }

  it('take the past of sixty offerings in bit by bit, so that no reading is too long', async () => {
    const configKeys = Array.from({ length: 60 }, (_, index) => `p${index}/painter`)
    await fillDays(configKeys)
    const gateway = bench.create(redis().url, { configKeys })
    await gateway.sharing.start()
    const read = () => gateway.heard.absorbed.size
    let most = 0
    for (let round = 0; round < 200 && read() < 60 * 6; round += 1) {
      const before = read()
      await gateway.sharing.sync()
      most = Math.max(most, read() - before)
    }
    expect(read()).toBe(60 * 6)
    expect(most).toBeLessThanOrEqual(24 * 6)
    expect(gateway.statuses).toEqual([{ isShared: true }])
  })

  it('learn nothing from attempts of others that were cut short, neither now nor at a start', async () => {
    const [a, b] = [bench.create(redis().url), bench.create(redis().url)]
    await a.sharing.start()
    await b.sharing.start()
    const hourAgoMs = Date.now() - 3_600_000
    for (const atMs of [hourAgoMs, Date.now()]) {
      a.sharing.exchange.share(success(atMs, { isCutShort: true }))
      a.sharing.exchange.share(success(atMs, { isCutShort: true, outcome: 'timeout' }))
    }
    await syncAll(a, b)
    const late = bench.create(redis().url)
    await late.sharing.start()
    expect([...b.heard.absorbed, ...late.heard.absorbed.values()].flat()).toEqual([])
    const hours = await late.sharing.history.read(['gemini/painter'], 0)
    expect(hours.map(({ counts }) => [counts.success, counts.timeout])).toEqual([
      [1, 1],
      [1, 1],
    ])
  })

  it('tell a first pause at once, and no other of a storm of rate limits', async () => {
    const gateway = bench.create(redis().url)
    await gateway.sharing.start()
    const before = await exchanges()
    for (let count = 0; count < 50; count += 1) {
      const sinceMs = Date.now()
      const pause = { reason: 'rate_limited', sinceMs, untilMs: sinceMs + 1_000 + count } as const
      gateway.sharing.exchange.shareHealth({ key: 'the/model:gemini', pause })
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    const made = (await exchanges()) - before
    expect(made).toBeGreaterThanOrEqual(1)
    expect(made).toBeLessThanOrEqual(5)
  })
})
