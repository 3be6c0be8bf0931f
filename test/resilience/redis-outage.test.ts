import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import {
  type Acknowledged,
  createBudgetedKey,
  findLosses,
  overspentUsd,
  startLoad,
} from './acknowledged-work.ts'
import type { LiveGateway } from './live-gateway.ts'
import { setUpResilience } from './resilience-setup.ts'

const ADMIN_KEY = 'test-admin-key'
const ADMIN = { authorization: `Bearer ${ADMIN_KEY}` }
const FAL = { provider: { only: ['fal'] } }
const PRICE_USD = 0.08

/** Requests that are under way at once, and once more. */
const UNBOOKED = 16

const NOTHING_LOST = { lostImages: [], lostEntries: [], lostRepeats: [] }

describe.skipIf(!hasRedisServer)(`gateways at work whose Redis fails${redisReason}`, () => {
  const setup = setUpResilience(20)
  let redis: TestRedis
  beforeEach(async () => {
    redis = await startRedis('--appendonly', 'yes')
    setup().emulators.fal.setScenario({ latency: { p50Ms: 2_000, p95Ms: 4_000 } })
  })
  afterEach(() => redis.stop())

  const startTwo = async () => {
    const environment = { GATEWAY_ADMIN_KEY: ADMIN_KEY, REDIS_URL: redis.url }
    const gateways = await Promise.all([setup().start(environment), setup().start(environment)])
    const [one, other] = gateways
    const limits = { requests_per_minute: 100_000, concurrent: 1_000 }
    const { id, key } = await createBudgetedKey(one, ADMIN_KEY, { limits })
    const find = () => other.call('GET', `/v1/keys/${id}`, undefined, ADMIN)
    await expect.poll(async () => (await find()).status, { timeout: 5_000 }).toBe(200)
    return { gateways, id, key }
  }

  const isShared = (gateways: Awaited<ReturnType<typeof startTwo>>['gateways']) =>
    expect
      .poll(
        () =>
          Promise.all(
            gateways.flatMap(({ metric }) => [
              metric('fresnel_runs_shared'),
              metric('fresnel_request_log_shared'),
              metric('fresnel_request_log_waiting'),
            ]),
          ),
        { timeout: 10_000 },
      )
      .toEqual([1, 1, 0, 1, 1, 0])

  /** What Redis could not be told is told within a second; what was taken on ends then, too. */
  const isBooked = (gateway: LiveGateway, key: string, told: Acknowledged) =>
    expect
      .poll(() => overspentUsd(gateway, key, told), { timeout: 10_000 })
      .toBeCloseTo(told.accepted.length * PRICE_USD, 6)

  it('serve everybody while it is killed and started again with its file, and nothing is lost', async () => {
    const { gateways, key } = await startTwo()
    const load = startLoad(gateways, key, { part: FAL })
    await sleep(600)
    await redis.kill()
    await sleep(600)
    await redis.restart()
    await isShared(gateways)
    await load.stop()
    const { told } = load
    expect([told.refused, told.broken]).toEqual([[], 0])
    for (const gateway of gateways) {
      expect(await findLosses(gateway, key, told.done, FAL)).toEqual(NOTHING_LOST)
      await isBooked(gateway, key, told)
    }
  }, 60_000)

  it('serve everybody when it has lost everything, and tell it again what they know', async () => {
    const { gateways, id, key } = await startTwo()
    const load = startLoad(gateways, key, { part: FAL })
    await sleep(600)
    await redis.kill()
    const empty = await startRedis('--port', String(redis.port))
    await isShared(gateways)
    await load.stop()
    const { told } = load
    expect([told.refused, told.broken]).toEqual([[], 0])
    // Of a repeat only the gateway knows that was asked first.
    for (const [number, gateway] of gateways.entries()) {
      const own = told.done.filter((one) => one.gateway === number)
      expect(await findLosses(gateway, key, own, FAL)).toEqual(NOTHING_LOST)
    }
    const third = await setup().start({ GATEWAY_ADMIN_KEY: ADMIN_KEY, REDIS_URL: redis.url })
    expect((await third.call('GET', `/v1/keys/${id}`, undefined, ADMIN)).status).toBe(200)
    const once = told.done.map(({ idempotencyKey: _, ...one }) => one)
    expect(await findLosses(third, key, once, FAL)).toEqual(NOTHING_LOST)
    // What one gateway books before the others have told what they know may not count.
    const spentUsd = await overspentUsd(third, key, told)
    expect(spentUsd).toBeGreaterThanOrEqual((told.accepted.length - UNBOOKED) * PRICE_USD)
    expect(spentUsd).toBeLessThanOrEqual(told.accepted.length * PRICE_USD + 1e-6)
    await empty.stop()
  }, 60_000)
})
