import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import { HOUR_MS } from '#src/domain/provider-stats.ts'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import { success, testCell } from '#test/state/stats-recorder.ts'
import { createExchangeBench, syncAll } from './exchange-bench.ts'

const KEY = 'google/painter:gemini'

describe.skipIf(!hasRedisServer)(`gateways that share through Redis${redisReason}`, () => {
  const redis = redisOfTests()
  const bench = createExchangeBench()

  afterEach(() => bench.close())

  /** Started gateways; they exchange by themselves only every second, so the test says when. */
  const started = () => bench.start(redis().url, { timeScale: 1 })
  const two = async () => [await started(), await started()] as const
  const three = async () => [await started(), await started(), await started()] as const

  describe('counts', () => {
    it('reach every other gateway once, and come back to none', async () => {
      const [a, b, c] = await three()
      for (let round = 0; round < 5; round += 1) {
        a.tell(2)
        b.tell(1)
        await syncAll(a, b, c)
      }
      await syncAll(a, b, c, a, b, c)
      expect([a, b, c].map(({ heard }) => heard.successes())).toEqual([5, 10, 15])
    })

    it('arrive as they were told', async () => {
      const [a, b] = await two()
      const nowMs = Date.now()
      const cell = testCell('fal/painter', { mode: 'image_edit', tier: '2K' })
      a.sharing.exchange.share(success(nowMs, { cell, durationMs: 30_000 }))
      a.sharing.exchange.share(success(nowMs, { cell, outcome: 'timeout', durationMs: 90_000 }))
      a.sharing.exchange.share(success(nowMs, { cell, outcome: 'rate_limited' }))
      await syncAll(a, b)
      expect([...b.heard.absorbed]).toEqual([
        [
          'fal/painter|image_edit|2K',
          {
            success: 1,
            outage: 0,
            timeout: 1,
            empty: 0,
            rate_limited: 1,
            refused: 0,
            logLatency: expect.closeTo(Math.log(30_000), 3),
            logLatencySquared: expect.closeTo(Math.log(30_000) ** 2, 3),
            successMs: 30_000,
            failureMs: 90_000,
          },
        ],
      ])
    })

    it('arrive with the time that they were observed at, never one to come', async () => {
      const [a, b] = await two()
      a.tell(1, 5 * 60_000)
      a.tell(1)
      await a.sharing.sync()
      await b.sharing.sync()
      await b.sharing.sync()
      const ages = b.heard.times.map(({ atMs, nowMs }) => nowMs - atMs).sort((x, y) => x - y)
      expect(ages).toHaveLength(2)
      const [young = Number.NaN, old = Number.NaN] = ages
      expect(young).toBeGreaterThanOrEqual(0)
      expect(young).toBeLessThan(1_100)
      expect(Math.abs(old - 5 * 60_000)).toBeLessThan(10_000)
    })

    it('that come late are read again by those who had read their time', async () => {
      const [a, b] = await two()
      for (const agoMs of [3, 6, 9].map((minutes) => minutes * 60_000)) a.tell(1, agoMs)
      await a.sharing.sync()
      for (let round = 0; round < 3; round += 1) await b.sharing.sync()
      expect(b.heard.successes()).toBe(3)
    })

    it('are told by a wrong clock as of the right time', async () => {
      const behind = await started()
      const lateMs = 3 * HOUR_MS
      const ahead = bench.create(redis().url, {
        clock: { ...systemClock, now: () => Date.now() + lateMs },
      })
      await ahead.sharing.start()
      ahead.tell(2)
      await ahead.sharing.sync()
      await behind.sharing.sync()
      expect(behind.heard.successes()).toBe(2)
      const [time] = behind.heard.times ?? []
      expect((time?.nowMs ?? 0) - (time?.atMs ?? 0)).toBeLessThan(10_100)
    })
  })

  describe('health', () => {
    const open = (sinceMs: number, untilMs = sinceMs + 10_000) =>
      ({ key: KEY, circuit: { state: 'open', sinceMs, untilMs, openings: 1 } }) as const
    const pause = (sinceMs: number, untilMs: number) =>
      ({ key: KEY, pause: { reason: 'rate_limited', sinceMs, untilMs } }) as const
    const near = (ms: number) => expect.closeTo(ms, -2)

    it('of a breaker is adopted by the others, the later change first of all', async () => {
      const [a, b, c] = await three()
      const nowMs = Date.now()
      a.sharing.exchange.shareHealth(open(nowMs))
      b.sharing.exchange.shareHealth({
        key: KEY,
        circuit: { state: 'closed', sinceMs: nowMs - 5_000, untilMs: 0, openings: 0 },
      })
      for (const gateway of [a, b, c, a, b, c]) await gateway.sharing.sync()
      const record = {
        circuit: {
          state: 'open',
          sinceMs: near(nowMs),
          untilMs: near(nowMs + 10_000),
          openings: 1,
        },
      }
      expect([a, b, c].map((gateway) => gateway.heard.adopted)).toEqual([
        [],
        [[KEY, record]],
        [[KEY, record]],
      ])
    })

    it('of two pauses keeps the one that ends later', async () => {
      const [a, b, c] = await three()
      const nowMs = Date.now()
      a.sharing.exchange.shareHealth(pause(nowMs, nowMs + 60_000))
      await a.sharing.sync()
      b.sharing.exchange.shareHealth(pause(nowMs, nowMs + 30_000))
      await b.sharing.sync()
      await c.sharing.sync()
      expect(c.heard.adopted).toEqual([
        [
          KEY,
          {
            pause: { reason: 'rate_limited', sinceMs: near(nowMs), untilMs: near(nowMs + 60_000) },
          },
        ],
      ])
    })

    it('ends a pause by proof from after it, whatever comes in later', async () => {
      const [a, b, c] = await three()
      const nowMs = Date.now()
      a.sharing.exchange.shareHealth(pause(nowMs - 10_000, nowMs + 60_000))
      await a.sharing.sync()
      a.sharing.exchange.shareHealth({ key: KEY, resumeBegunMs: nowMs - 5_000 })
      await a.sharing.sync()
      b.sharing.exchange.shareHealth(pause(nowMs - 8_000, nowMs + 70_000))
      await b.sharing.sync()
      await c.sharing.sync()
      expect(c.heard.adopted).toEqual([[KEY, { resumedMs: near(nowMs - 5_000) }]])
    })

    it('keeps a pause that was learnt after the proof', async () => {
      const [a, b] = await two()
      const nowMs = Date.now()
      a.sharing.exchange.shareHealth(pause(nowMs, nowMs + 60_000))
      a.sharing.exchange.shareHealth({ key: KEY, resumeBegunMs: nowMs - 5_000 })
      await a.sharing.sync()
      await b.sharing.sync()
      expect(b.heard.adopted).toHaveLength(1)
    })

    it('is passed on once', async () => {
      const [a, b] = await two()
      a.sharing.exchange.shareHealth(open(Date.now()))
      await a.sharing.sync()
      for (let round = 0; round < 3; round += 1) await b.sharing.sync()
      expect(b.heard.adopted).toHaveLength(1)
    })
  })

  it('lets one of them probe', async () => {
    const gateways = await three()
    for (const { heard } of gateways) heard.wanted = [KEY, '*:x']
    await Promise.all(gateways.map(({ sharing }) => sharing.sync()))
    await syncAll(...gateways)
    expect(gateways.flatMap(({ heard }) => heard.granted).sort()).toEqual(['*:x', KEY])
  })

  it('knows how many there are, and notices who leaves', async () => {
    const [a, b, c] = await three()
    await a.sharing.sync()
    expect(a.heard.replicas).toBe(3)
    await b.sharing.close()
    await c.sharing.close()
    await a.sharing.sync()
    expect(a.heard.replicas).toBe(1)
  })

  it('notices who is gone without leaving', async () => {
    await redis().client.zadd('gw:{rt}:reps', Date.now() - 11_000, 'gone')
    const a = await started()
    expect(a.heard.replicas).toBe(1)
  })

  it('tells what is left when it closes', async () => {
    const [a, b] = await two()
    a.tell(3)
    await a.sharing.close()
    await b.sharing.sync()
    expect(b.heard.successes()).toBe(3)
  })

  it('writes only keys that end, under one tag, with integers', async () => {
    const [a, b] = await two()
    a.tell(3)
    a.tell(2, 5 * 60_000)
    a.sharing.exchange.share(success(Date.now(), { outcome: 'outage', durationMs: 123.456 }))
    a.sharing.exchange.shareHealth({
      key: KEY,
      circuit: { state: 'open', sinceMs: Date.now() + 0.3, untilMs: Date.now() + 0.7, openings: 1 },
    })
    a.heard.wanted = [KEY]
    await syncAll(a, b)
    const keys = await redis().client.keys('*')
    expect(keys.map((key) => key.replace(/\d+$/, '<n>')).sort()).toEqual(
      expect.arrayContaining([
        'gw:{rt}:b:<n>',
        'gw:{rt}:h:gemini/painter:<n>',
        'gw:{rt}:late',
        `gw:{rt}:lease:${KEY}`,
        'gw:{rt}:reps',
        'gw:{rt}:st',
      ]),
    )
    for (const key of keys) {
      expect(key).toMatch(/^gw:\{rt\}:/)
      expect(await redis().client.pttl(key), key).toBeGreaterThan(0)
      if (!/:[bh]:/.test(key)) continue
      const fields = Object.entries(await redis().client.hgetall(key))
      const counts = fields.filter(([field]) => field !== '#')
      expect(counts.length, key).toBeGreaterThan(0)
      for (const [field, text] of counts) expect(text, field).toMatch(/^\d+$/)
    }
  })

  it('sends one batch for everything', async () => {
    const a = await started()
    a.tell(5)
    const before = await redis().client.info('commandstats')
    await a.sharing.sync()
    const after = await redis().client.info('commandstats')
    const calls = (text: string, name: string) =>
      Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(text)?.[1] ?? 0)
    const more = (name: string) => calls(after, name) - calls(before, name)
    expect(more('time')).toBe(1)
    expect(more('evalsha') + more('eval')).toBe(3)
  })

  describe('a gateway that starts', () => {
    it('takes in the last half hour and the hours before it, each attempt once', async () => {
      const a = await started()
      for (const minutes of [0, 1, 5, 9, 45, 90, 5 * 60, 20 * 60]) a.tell(1, minutes * 60_000)
      a.tell(1, 30 * HOUR_MS)
      await a.sharing.sync()
      const b = bench.create(redis().url)
      await b.sharing.start()
      expect(b.heard.successes()).toBe(8)
      const ages = b.heard.times.map(({ atMs, nowMs }) => (nowMs - atMs) / 60_000)
      expect(Math.min(...ages)).toBeGreaterThanOrEqual(0)
      expect(Math.max(...ages)).toBeLessThan(21 * 60)
      a.tell(2)
      await a.sharing.sync()
      await b.sharing.sync()
      expect(b.heard.successes()).toBe(10)
    })

    it('knows what is open and paused', async () => {
      const a = await started()
      const nowMs = Date.now()
      a.sharing.exchange.shareHealth({
        key: '*:gemini',
        pause: { reason: 'taken_out', sinceMs: nowMs, untilMs: nowMs + 60_000 },
      })
      await a.sharing.sync()
      const b = bench.create(redis().url)
      await b.sharing.start()
      expect(b.heard.adopted.map(([key, { pause }]) => [key, pause?.reason])).toEqual([
        ['*:gemini', 'taken_out'],
      ])
    })
  })

  it('runs by itself at any time scale', async () => {
    const [a, b] = [
      await bench.start(redis().url, { timeScale: 100 }),
      await bench.start(redis().url, { timeScale: 100 }),
    ]
    for (let round = 0; round < 20; round += 1) {
      a.tell(1)
      await expect.poll(() => b.heard.successes(), { interval: 5 }).toBe(round + 1)
    }
    expect(a.heard.successes()).toBe(0)
    expect([a.statuses, b.statuses]).toEqual([[{ isShared: true }], [{ isShared: true }]])
  })
})
