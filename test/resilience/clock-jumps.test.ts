import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import type { LiveGateway } from './live-gateway.ts'
import { setUpResilience } from './resilience-setup.ts'
import { shiftable, shiftClock } from './shift-clock.ts'

const HOUR_MS = 3_600_000
/** Ahead, and back by two. */
const JUMPS_MS = [HOUR_MS, -HOUR_MS]

const FAL = { provider: { only: ['fal'] } }
/** Scaled: 1 s. */
const SLOW = { latency: { p50Ms: 100_000, p95Ms: 100_001 } }

describe('a gateway whose clock is set ahead or back', () => {
  const setup = setUpResilience()
  const start = (environment: Record<string, string> = {}) =>
    setup().start({ ...shiftable(setup().folder), ...environment })
  const shift = (gateway: LiveGateway, ms: number) => shiftClock(gateway, setup().folder, ms)

  const stateOf = async (gateway: LiveGateway, provider: string) => {
    const { body } = await gateway.call('GET', `/v1/models/${FIRST_MODEL}/providers`)
    const found = body.data.find((each: { provider: string }) => each.provider === provider)
    return found.health.status as string
  }
  const logged = async (gateway: LiveGateway, id: string) =>
    (await gateway.call('GET', `/v1/requests/${id}`)).body

  it('finishes what is in flight, and measures it as it was', async () => {
    const gateway = await start()
    for (const jumpMs of JUMPS_MS) {
      setup().emulators.fal.setScenario(SLOW)
      setup().emulators.fal.clearCalls()
      const asked = Array.from({ length: 5 }, () => gateway.ask(FAL))
      const later = await gateway.ask(FAL, { prefer: 'respond-async' })
      await expect.poll(() => setup().creates()).toBe(6)
      await shift(gateway, jumpMs)
      const answers = await Promise.all(asked)
      expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(200))
      const isDone = async () => (await logged(gateway, later.body.id)).status
      await expect.poll(isDone, { timeout: 5_000 }).toBe('completed')
      for (const { body } of [...answers, later]) {
        const { duration_ms, attempts } = await logged(gateway, body.id)
        for (const ms of [duration_ms, attempts[0].duration_ms]) {
          expect(ms).toBeGreaterThan(500)
          expect(ms).toBeLessThan(10_000)
        }
      }
    }
  })

  it('ends a request at its deadline, neither sooner nor later', async () => {
    setup().emulators.fal.setScenario({ always: 'hang' })
    const gateway = await start()
    for (const jumpMs of JUMPS_MS) {
      const begunMs = performance.now()
      setup().emulators.fal.clearCalls()
      const asked = gateway.ask(FAL, { 'x-gateway-timeout-ms': '1500' })
      await expect.poll(() => setup().creates()).toBe(1)
      await shift(gateway, jumpMs)
      expect((await asked).status).toBe(504)
      const tookMs = performance.now() - begunMs
      expect(tookMs).toBeGreaterThan(1_000)
      expect(tookMs).toBeLessThan(5_000)
    }
  })

  it('keeps nobody away from a provider for as long', async () => {
    const { fal, gemini } = setup().emulators
    const gateway = await start({ ROUTING_PROBE: 'live' })
    const isWell = async (provider: string) => (await stateOf(gateway, provider)) === 'ok'
    for (const jumpMs of JUMPS_MS) {
      // Asks to be left alone for 6 s, scaled.
      fal.setScenario({ always: 'rate_limited_with_hint', retryAfterMs: 600_000 })
      gemini.setScenario({ always: 'unavailable' })
      const areUnwell = async () => {
        await gateway.ask({ provider: { order: ['gemini', 'fal', 'vertex'] } })
        return !(await isWell('fal')) && !(await isWell('gemini'))
      }
      await expect.poll(areUnwell, { timeout: 10_000, interval: 1 }).toBe(true)
      await shift(gateway, jumpMs)
      expect((await gateway.ask()).status).toBe(200)
      fal.setScenario({})
      gemini.setScenario({})
      for (const provider of ['fal', 'gemini'] as const) {
        const isBack = async () => {
          await gateway.ask({ provider: { order: [provider] } })
          return isWell(provider)
        }
        await expect.poll(isBack, { timeout: 15_000 }).toBe(true)
      }
    }
  }, 60_000)

  it('gives out images that open, and keeps results for their time', async () => {
    const gateway = await start({ MEDIA_TTL_S: '7200' })
    const key = { 'idempotency-key': 'before' }
    const before = await gateway.ask(FAL, key)
    const later = await gateway.ask(FAL, { prefer: 'respond-async' })
    const result = async () => (await logged(gateway, later.body.id)).result
    await expect.poll(async () => (await result())?.data.length).toBe(1)
    const opens = async (url: string) => (await fetch(url)).status
    const urls = [before.body.data[0].url]
    for (const jumpMs of JUMPS_MS) {
      await shift(gateway, jumpMs)
      const after = await gateway.ask(FAL)
      const repeat = await gateway.ask(FAL, key)
      expect(repeat.headers.get('idempotent-replayed')).toBe('true')
      urls.push(after.body.data[0].url, repeat.body.data[0].url)
      expect((await result())?.data).toHaveLength(1)
      expect(await Promise.all(urls.map(opens))).toEqual(urls.map(() => 200))
    }
  })

  it('lets URLs expire by the clock, and logs every request once', async () => {
    const gateway = await start()
    const { body: first } = await gateway.ask(FAL)
    await shift(gateway, HOUR_MS + 1_000)
    expect((await fetch(first.data[0].url)).status).toBe(404)
    const { body: ahead } = await gateway.ask(FAL)
    await shift(gateway, -HOUR_MS)
    const { body: behind } = await gateway.ask(FAL)
    await shift(gateway, 0)
    expect((await fetch(first.data[0].url)).status).toBe(200)
    const { body: last } = await gateway.ask(FAL)
    const { body: page } = await gateway.call('GET', '/v1/requests?summary=true')
    expect(page.data.map(({ id }: { id: string }) => id)).toEqual(
      [ahead, last, first, behind].map(({ id }) => id),
    )
  })

  it('back lets nobody wait for longer than the minute that his requests are counted in', async () => {
    const file = join(setup().folder, 'keys.yaml')
    await writeFile(file, 'keys: [{ key: limited, limits: { requestsPerMinute: 2 } }]')
    const gateway = await start({ CONFIG_FILE: file })
    const ask = () => gateway.ask(FAL, { authorization: 'Bearer limited' })
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 200])
    await shift(gateway, -HOUR_MS)
    const third = await ask()
    expect(third.status).toBe(429)
    expect(Number(third.headers.get('retry-after'))).toBeLessThanOrEqual(60)
  })

  it('neither gives a budget of a past day again, nor forgets that of today', async () => {
    const file = join(setup().folder, 'keys.yaml')
    await writeFile(file, 'keys: [{ key: budgeted, budget: { usd: 1, period: day } }]')
    const gateway = await start({ CONFIG_FILE: file })
    const headers = { authorization: 'Bearer budgeted' }
    const left = async () =>
      (await gateway.call('GET', '/v1/balance', undefined, headers)).body.available.amount
    await gateway.ask(FAL, headers)
    expect(await left()).toBe(0.92)
    await shift(gateway, 24 * HOUR_MS)
    expect(await left()).toBe(1)
    await gateway.ask(FAL, headers)
    await gateway.ask(FAL, headers)
    await shift(gateway, 0)
    expect(await left()).toBe(0.92)
    await shift(gateway, 24 * HOUR_MS)
    expect(await left()).toBe(0.84)
  })
})
