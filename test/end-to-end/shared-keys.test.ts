import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EMULATED_PROVIDERS } from '#test/emulators/emulator.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import {
  GENERATIONS,
  type JsonAnswer,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

const ADMIN_KEY = 'test-admin-key'
const ADMIN = { authorization: `Bearer ${ADMIN_KEY}` }

/** $0.08 an image, and no other provider that could be dearer. */
const BODY = { model: FIRST_MODEL, prompt: 'a lighthouse', provider: { only: ['fal'] } }
const PRICE = 80_000

const today = () => new Date().toISOString().slice(0, 10)

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe.skipIf(!hasRedisServer)(`gateways that share keys through Redis${redisReason}`, () => {
  let redis: TestRedis
  let gateways: [TestGateway, TestGateway]
  let mediaDir: string
  const start = () =>
    startTestGateway({
      environment: { REDIS_URL: redis.url, GATEWAY_ADMIN_KEY: ADMIN_KEY, MEDIA_DIR: mediaDir },
    })

  beforeAll(async () => {
    redis = await startRedis()
    mediaDir = await mkdtemp(join(tmpdir(), 'fresnel-keys-'))
    gateways = [await start(), await start()]
  })
  beforeEach(() => {
    for (const { emulators } of gateways) {
      for (const id of EMULATED_PROVIDERS) {
        emulators[id].setScenario({})
        emulators[id].clearCalls()
      }
    }
  })
  afterAll(async () => {
    for (const gateway of gateways) await gateway.close()
    await redis.stop()
    await rm(mediaDir, { recursive: true, force: true })
  })

  const call = async (
    { url }: TestGateway,
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = ADMIN,
  ): Promise<JsonAnswer> => {
    const answer = await fetch(url + path, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, headers: answer.headers, body: await answer.json() }
  }

  /** Creates a key at the first gateway that both know. */
  const createKey = async (terms: object): Promise<{ id: string; key: string }> => {
    const { status, body } = await call(gateways[0], 'POST', '/v1/keys', terms)
    expect(status).toBe(201)
    await expect
      .poll(async () => (await call(gateways[1], 'GET', `/v1/keys/${body.id}`)).status, {
        timeout: 3_000,
      })
      .toBe(200)
    return body
  }

  const generate = (gateway: TestGateway, key: string, part: object = {}) =>
    call(gateway, 'POST', GENERATIONS, { ...BODY, ...part }, bearer(key))

  const balanceOf = async (gateway: TestGateway, key: string): Promise<number> =>
    (await call(gateway, 'GET', '/v1/balance', undefined, bearer(key))).body.available.amount

  const spentOf = async (id: string): Promise<{ count: number; cost: number }> => {
    const { body } = await call(gateways[0], 'GET', `/v1/requests?key_id=${id}&summary=true`)
    return { count: body.summary.count, cost: Math.round(body.summary.total_cost * 1e6) }
  }

  const statusesOf = (answers: readonly JsonAnswer[]): Record<number, number> => {
    const counts: Record<number, number> = {}
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
    return counts
  }

  it('a key of one opens the other, until it is removed', async () => {
    const { id, key } = await createKey({ name: 'web shop' })
    expect((await generate(gateways[1], key)).status).toBe(200)
    expect((await call(gateways[1], 'DELETE', `/v1/keys/${id}`)).body).toEqual({
      id,
      object: 'api_key',
      deleted: true,
    })
    const refused = await generate(gateways[1], key)
    expect([refused.status, refused.body.error.code]).toEqual([401, 'AUTHENTICATION_FAILED'])
    await expect
      .poll(async () => (await generate(gateways[0], key)).status, { timeout: 3_000 })
      .toBe(401)
  })

  it('parallel requests at both never spend more than the budget, to the micro-dollar', async () => {
    const { id, key } = await createKey({ budget: { usd: 0.5, period: 'total' } })
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => generate(gateways[index % 2] ?? gateways[0], key)),
    )
    expect(statusesOf(answers)).toEqual({ 200: 6, 402: 34 })
    const refused = answers.find(({ status }) => status === 402)
    expect(refused?.body.error).toMatchObject({
      type: 'insufficient_quota',
      code: 'INSUFFICIENT_BALANCE',
      message: expect.stringMatching(
        /^The request may cost up to \$0\.08, and \$0\.0\d+ is available of the key's budget\.$/,
      ),
    })
    for (const gateway of gateways) expect(await balanceOf(gateway, key)).toBe(0.02)
    await expect.poll(() => spentOf(id), { timeout: 3_000 }).toMatchObject({ cost: 6 * PRICE })
    expect(await redis.client.hmget(`gw:{key:${id}}:$total`, 'spent', 'held')).toEqual([
      String(6 * PRICE),
      '0',
    ])
  })

  it('a change is heard by the other within about a second', async () => {
    const { id, key } = await createKey({ budget: { usd: 0.08, period: 'month' } })
    const change = async (body: object) => {
      const answer = await call(gateways[1], 'PATCH', `/v1/keys/${id}`, body)
      expect([answer.status, answer.body.error]).toEqual([200, undefined])
      return answer.body
    }
    const begun = performance.now()
    await change({ enabled: false })
    const own = await generate(gateways[1], key)
    expect([own.status, own.body.error.message]).toEqual([401, 'The API key is disabled.'])
    const statusOfOther = async () => (await generate(gateways[0], key)).status
    await expect.poll(statusOfOther, { timeout: 3_000, interval: 20 }).toBe(401)
    expect(performance.now() - begun).toBeLessThan(2_000)
    await change({ enabled: true, budget: { usd: 0.2, period: 'month' } })
    await expect
      .poll(() => balanceOf(gateways[0], key).catch(() => 0), { timeout: 3_000 })
      .not.toBe(0)
    await change({ budget: null, limits: { requests_per_minute: 1 } })
    expect((await call(gateways[1], 'GET', '/v1/balance', undefined, bearer(key))).body).toEqual({
      object: 'balance',
      billing_type: 'postpaid',
      available: null,
    })
  })

  it('requests a minute are counted at both; dry runs and replays are not', async () => {
    const { key } = await createKey({ limits: { requests_per_minute: 2 } })
    const [one, other] = gateways
    const idempotent = { ...bearer(key), 'idempotency-key': 'limited' }
    const repeat = (gateway: TestGateway) => call(gateway, 'POST', GENERATIONS, BODY, idempotent)
    const answers = [
      await repeat(one),
      await generate(other, key),
      await repeat(other),
      await call(one, 'POST', `${GENERATIONS}?dryRun=true`, BODY, bearer(key)),
      await call(one, 'GET', '/openai/v1/models', undefined, bearer(key)),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    for (const gateway of gateways) {
      const { status, headers, body } = await generate(gateway, key, { stream: true })
      expect([status, body.error]).toEqual([
        429,
        {
          message: 'This API key may send 2 request(s) a minute.',
          type: 'rate_limit_error',
          param: null,
          code: 'RATE_LIMITED',
        },
      ])
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(50)
      expect(headers.get('x-should-retry')).toBe('true')
    }
  })

  it('requests under way are counted at both, also those that nobody waits for', async () => {
    const { id, key } = await createKey({ limits: { concurrent: 2 } })
    for (const { emulators } of gateways) {
      emulators.fal.setScenario({ latency: { p50Ms: 100_000, p95Ms: 100_000 } })
    }
    const waiting = generate(gateways[0], key)
    const later = await call(gateways[1], 'POST', GENERATIONS, BODY, {
      ...bearer(key),
      prefer: 'respond-async',
    })
    expect(later.status).toBe(202)
    await expect.poll(() => redis.client.zcard(`gw:{key:${id}}:slots`)).toBe(2)
    const refused = await Promise.all(gateways.map((gateway) => generate(gateway, key)))
    expect(statusesOf(refused)).toEqual({ 429: 2 })
    expect(refused[0]?.headers.get('retry-after')).toBe('1')
    expect((await waiting).status).toBe(200)
    await expect.poll(() => redis.client.zcard(`gw:{key:${id}}:slots`), { timeout: 5_000 }).toBe(0)
    expect((await generate(gateways[0], key)).status).toBe(200)
  })

  it('a request is booked once at what it cost, however it ended', async () => {
    const { id, key } = await createKey({ budget: { usd: 10, period: 'day' } })
    const [gateway] = gateways
    expect((await generate(gateway, key, { n: 3 })).status).toBe(200)
    // Sent again under one key it costs nothing more.
    const idempotent = { ...bearer(key), 'idempotency-key': 'booked' }
    await Promise.all([1, 2, 3].map(() => call(gateway, 'POST', GENERATIONS, BODY, idempotent)))
    gateway.emulators.fal.setScenario({ always: 'unavailable' })
    expect((await generate(gateway, key)).status).toBe(502)
    gateway.emulators.fal.setScenario({ latency: { p50Ms: 100_000, p95Ms: 100_000 } })
    const leaving = new AbortController()
    const left = fetch(gateway.url + GENERATIONS, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(key) },
      body: JSON.stringify(BODY),
      signal: leaving.signal,
    }).catch(() => 'left')
    await expect.poll(() => redis.client.hget(`gw:{key:${id}}:$${today()}`, 'held')).toBe('80000')
    leaving.abort()
    expect(await left).toBe('left')
    gateway.emulators.fal.setScenario({})
    const later = await call(gateway, 'POST', GENERATIONS, BODY, {
      ...bearer(key),
      prefer: 'respond-async',
    })
    expect(later.status).toBe(202)
    await expect.poll(() => spentOf(id), { timeout: 5_000 }).toMatchObject({ count: 5 })
    await expect
      .poll(() => redis.client.hget(`gw:{key:${id}}:$${today()}`, 'held'), { timeout: 5_000 })
      .toBe('0')
    const { cost } = await spentOf(id)
    expect(cost).toBeGreaterThanOrEqual(5 * PRICE)
    expect(await redis.client.hget(`gw:{key:${id}}:$${today()}`, 'spent')).toBe(String(cost))
    for (const each of gateways) expect(await balanceOf(each, key)).toBe((10e6 - cost) / 1e6)
  })

  it('a key asks for its own models only, and until it expires', async () => {
    const { id, key } = await createKey({ models: ['gemini-3.1-flash-image'] })
    expect((await generate(gateways[1], key)).status).toBe(200)
    await call(gateways[0], 'PATCH', `/v1/keys/${id}`, {
      expires_at: new Date(Date.now() + 2_500).toISOString(),
    })
    expect((await generate(gateways[0], key)).status).toBe(200)
    await expect
      .poll(async () => (await generate(gateways[1], key)).body.error?.message, { timeout: 6_000 })
      .toMatch(/^The API key expired at 20/)
  }, 10_000)

  it('no key stands in Redis or in a log as it is', async () => {
    const { key } = await createKey({ name: 'secret' })
    await generate(gateways[0], key)
    const names = await redis.client.keys('*')
    const texts = await Promise.all(
      names.map(async (name) => {
        const type = await redis.client.type(name)
        if (type === 'hash') return JSON.stringify(await redis.client.hgetall(name))
        if (type === 'zset') return JSON.stringify(await redis.client.zrange(name, '0', '-1'))
        return (await redis.client.get(name)) ?? ''
      }),
    )
    const everything = [...names, ...texts, ...gateways.map((gateway) => gateway.logText())].join()
    expect(everything).toContain('secret')
    for (const text of [key, key.slice('fresnel_'.length), ADMIN_KEY]) {
      expect(everything).not.toContain(text)
    }
  })
})
