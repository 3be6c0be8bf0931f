import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import {
  GENERATIONS,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

/** $0.08 an image. */
const BODY = { model: FIRST_MODEL, prompt: 'a lighthouse', provider: { only: ['fal'] } }
const ADMIN = { authorization: 'Bearer test-admin-key' }

describe.skipIf(!hasRedisServer)(`metrics of keys that gateways share${redisReason}`, () => {
  let redis: TestRedis
  let gateway: TestGateway
  beforeAll(async () => {
    redis = await startRedis()
  })
  beforeEach(async () => {
    await redis.client.flushall()
    const environment = { REDIS_URL: redis.url, GATEWAY_ADMIN_KEY: 'test-admin-key' }
    gateway = await startTestGateway({ environment })
  })
  afterEach(() => gateway.close())
  afterAll(() => redis.stop())

  /** The key itself. */
  const createKey = async (terms: object): Promise<string> =>
    (await gateway.post('/v1/keys', terms, ADMIN)).body.key

  const statusFor = async (key: string): Promise<number> =>
    (await gateway.post(GENERATIONS, BODY, { authorization: `Bearer ${key}` })).status

  /** Metrics about keys, without their comments. */
  const read = async (): Promise<string[]> => {
    const answer = await fetch(`${gateway.url}/metrics`, { headers: ADMIN })
    const lines = (await answer.text()).split('\n')
    return lines.filter((line) => /^fresnel_(key|spend)/.test(line))
  }

  const metrics = (shared: number, refusals: readonly number[], waiting: readonly number[]) => [
    `fresnel_keys_shared ${shared}`,
    `fresnel_key_refusals_total{reason="requests_per_minute"} ${refusals[0]}`,
    `fresnel_key_refusals_total{reason="concurrent"} ${refusals[1]}`,
    `fresnel_key_refusals_total{reason="budget"} ${refusals[2]}`,
    `fresnel_spend_waiting ${waiting[0]}`,
    `fresnel_spend_waiting_usd ${waiting[1]}`,
  ]

  it('count what limits and budgets refuse, and name no key', async () => {
    expect(await read()).toEqual(metrics(1, [0, 0, 0], [0, 0]))
    const poor = await createKey({ budget: { usd: 0.1, period: 'total' } })
    expect([await statusFor(poor), await statusFor(poor)]).toEqual([200, 402])
    const rare = await createKey({ limits: { requests_per_minute: 1 } })
    expect([await statusFor(rare), await statusFor(rare)]).toEqual([200, 429])
    const single = await createKey({ limits: { concurrent: 1 } })
    const both = await Promise.all([statusFor(single), statusFor(single)])
    expect(both.toSorted()).toEqual([200, 429])
    expect(await read()).toEqual(metrics(1, [1, 1, 1], [0, 0]))
  })

  it('tell what Redis has not heard, which an end loses', async () => {
    const key = await createKey({ budget: { usd: 100, period: 'total' } })
    redis.freeze()
    expect([await statusFor(key), await statusFor(key)]).toEqual([200, 200])
    await expect.poll(read).toEqual(metrics(0, [0, 0, 0], [2, 0.16]))
    redis.thaw()
    await expect.poll(read, { timeout: 10_000 }).toEqual(metrics(1, [0, 0, 0], [0, 0]))
    redis.freeze()
    expect(await statusFor(key)).toBe(200)
    await gateway.close()
    redis.thaw()
    const line = gateway
      .logText()
      .split('\n')
      .find((text) => text.includes('could not be told'))
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      msg: 'what keys have spent could not be told to Redis before the end',
      requests: 1,
      usd: 0.08,
    })
    gateway = await startTestGateway({ environment: { GATEWAY_API_KEYS: TEST_KEY } })
  })
})
