import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { EMULATED_PROVIDERS, type Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { GatewayProcess } from '#test/helpers/gateway-process.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  freePort,
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'
import { GENERATIONS } from '#test/helpers/start-test-gateway.ts'

const ADMIN_KEY = 'test-admin-key'

/** $0.08 an image. */
const BODY = { model: FIRST_MODEL, prompt: 'a lighthouse', provider: { only: ['fal'] } }
const PRICE = 80_000

/** Scaled: 3 s, longer than the lease of a run. */
const LONG = { latency: { p50Ms: 300_000, p95Ms: 300_000 } }

interface Gateway {
  readonly url: string
  readonly process: GatewayProcess
}

const today = () => new Date().toISOString().slice(0, 10)

describe.skipIf(!hasRedisServer)(`keys and budgets when something fails${redisReason}`, () => {
  let redis: TestRedis
  let emulators: Emulators
  let folder: string
  const gateways: Gateway[] = []

  const start = async (environment: Record<string, string> = {}): Promise<Gateway> => {
    const port = await freePort()
    const process = new GatewayProcess(folder, {
      ...emulators.environment,
      PORT: String(port),
      GATEWAY_ADMIN_KEY: ADMIN_KEY,
      MEDIA_DIR: join(folder, 'media'),
      REDIS_URL: redis.url,
      ...environment,
    })
    const gateway = { url: `http://127.0.0.1:${port}`, process }
    gateways.push(gateway)
    await process.listening()
    return gateway
  }

  const kill = async ({ process }: Gateway): Promise<void> => {
    process.child.kill('SIGKILL')
    await process.exit
  }

  const call = async (
    { url }: Gateway,
    method: string,
    path: string,
    body?: object,
    { key = ADMIN_KEY, ...headers }: Record<string, string> = {},
  ) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes and assert what they read.
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any }
  }

  const createKey = async (gateway: Gateway, terms: object) => {
    const { status, body } = await call(gateway, 'POST', '/v1/keys', terms)
    expect(status).toBe(201)
    return body as { id: string; key: string }
  }

  const generate = (gateway: Gateway, key: string) =>
    call(gateway, 'POST', GENERATIONS, BODY, { key })

  const balanceOf = async (gateway: Gateway, key: string): Promise<number> =>
    (await call(gateway, 'GET', '/v1/balance', undefined, { key })).body.available.amount

  const accountOf = async (id: string) => {
    const [spent, held] = await redis.client.hmget(`gw:{key:${id}}:$${today()}`, 'spent', 'held')
    return { spent: Number(spent), held: Number(held) }
  }

  beforeAll(async () => {
    emulators = await startEmulators({ timeScale: 100 })
    folder = await mkdtemp(join(tmpdir(), 'fresnel-keys-'))
  })
  beforeEach(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const gateway of gateways.splice(0)) await kill(gateway)
    await redis.stop()
    for (const id of EMULATED_PROVIDERS) {
      emulators[id].setScenario({})
      emulators[id].clearCalls()
    }
  })
  afterAll(async () => {
    await emulators.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('a request that was taken over from a gateway that was killed is booked once', async () => {
    const [a, b] = [await start(), await start()]
    const { id, key } = await createKey(a, { budget: { usd: 1, period: 'day' } })
    emulators.fal.setScenario(LONG)
    const accepted = await call(a, 'POST', GENERATIONS, BODY, { key, prefer: 'respond-async' })
    expect(accepted.status).toBe(202)
    await expect
      .poll(async () => {
        const names = await redis.client.keys('gw:{run:*')
        const fields = await Promise.all(names.map((name) => redis.client.hkeys(name)))
        return fields.flat().some((field) => field.startsWith('job:'))
      })
      .toBe(true)
    expect(await accountOf(id)).toEqual({ spent: 0, held: PRICE })
    await kill(a)
    const statusOf = async () =>
      (await call(b, 'GET', `/v1/requests/${accepted.body.id}`, undefined, { key })).body.status
    await expect.poll(statusOf, { timeout: 20_000 }).toBe('completed')
    await expect.poll(() => accountOf(id)).toEqual({ spent: PRICE, held: 0 })
    expect(await balanceOf(b, key)).toBe(0.92)
  }, 60_000)

  it('what a gateway that was killed had set aside is free again in the end', async () => {
    const [a, b] = [await start(), await start()]
    const { id, key } = await createKey(a, { budget: { usd: 0.1, period: 'day' } })
    await expect
      .poll(async () => (await call(b, 'GET', `/v1/keys/${id}`)).status, { timeout: 3_000 })
      .toBe(200)
    emulators.fal.setScenario(LONG)
    const lost = expect(generate(a, key)).rejects.toThrow()
    await expect.poll(() => accountOf(id)).toEqual({ spent: 0, held: PRICE })
    await kill(a)
    await lost
    emulators.fal.setScenario({})
    expect((await generate(b, key)).status).toBe(402)
    // As if its time had passed: 400 s.
    const [reservation = ''] = await redis.client.zrange(
      `gw:{key:${id}}:$${today()}:held`,
      '0',
      '-1',
    )
    await redis.client.zadd(`gw:{key:${id}}:$${today()}:held`, 1, reservation)
    expect((await generate(b, key)).status).toBe(200)
    expect(await accountOf(id)).toEqual({ spent: PRICE, held: 0 })
  }, 60_000)

  it('without Redis the last known keys and balance go on, and it is told later', async () => {
    const gateway = await start()
    const { id, key } = await createKey(gateway, {
      budget: { usd: 0.25, period: 'day' },
      limits: { requests_per_minute: 100, concurrent: 10 },
    })
    expect((await generate(gateway, key)).status).toBe(200)
    redis.freeze()
    const begun = performance.now()
    const frozen = await call(gateway, 'POST', `${GENERATIONS}?dryRun=true`, BODY, { key })
    expect([frozen.status, performance.now() - begun < 200]).toEqual([200, true])
    expect((await generate(gateway, key)).status).toBe(200)
    expect((await generate(gateway, key)).status).toBe(200)
    const refused = await generate(gateway, key)
    expect([refused.status, refused.body.error.message]).toEqual([
      402,
      "The request may cost up to $0.08, and $0.01 is available of the key's budget for today (UTC).",
    ])
    expect(await balanceOf(gateway, key)).toBe(0.01)
    const change = await call(gateway, 'PATCH', `/v1/keys/${id}`, { enabled: false })
    expect([change.status, change.body.error.code]).toEqual([503, 'OVERLOADED'])
    redis.thaw()
    await expect
      .poll(() => accountOf(id), { timeout: 10_000 })
      .toEqual({ spent: 3 * PRICE, held: 0 })
  }, 60_000)

  it('a Redis that has lost everything is given keys and what was spent again', async () => {
    const gateway = await start()
    const { id, key } = await createKey(gateway, { budget: { usd: 0.25, period: 'day' } })
    expect((await generate(gateway, key)).status).toBe(200)
    await redis.restart()
    const knows = () => redis.client.hexists('gw:{keys}:all', id)
    await expect.poll(knows, { timeout: 10_000 }).toBe(1)
    expect((await generate(gateway, key)).status).toBe(200)
    expect(await accountOf(id)).toEqual({ spent: 2 * PRICE, held: 0 })
    const other = await start()
    expect(await balanceOf(other, key)).toBe(0.09)
  }, 60_000)

  it('a gateway without keys of its own serves while Redis is silent, and asks for keys once it knows of some', async () => {
    const gateway = await start()
    const { id, key } = await createKey(gateway, {})
    const models = async (other: Gateway, headers: Record<string, string> = {}) =>
      (await fetch(`${other.url}/v1/models`, { headers })).status
    redis.freeze()
    const blind = await start({ GATEWAY_ADMIN_KEY: '' })
    expect(await models(blind)).toBe(200)
    redis.thaw()
    await expect.poll(() => models(blind), { timeout: 10_000 }).toBe(401)
    expect(await models(blind, { authorization: `Bearer ${key}` })).toBe(200)
    // Nor is it when the last of them has been removed and it begins anew.
    await expect
      .poll(async () => (await call(gateway, 'DELETE', `/v1/keys/${id}`)).status, {
        timeout: 10_000,
      })
      .toBe(200)
    expect(await models(await start({ GATEWAY_ADMIN_KEY: '' }))).toBe(401)
    // One that has not heard of the removal yet would give the key back to a Redis that has lost it.
    await Promise.all(gateways.map(kill))
    await redis.client.flushall()
    expect(await models(await start({ GATEWAY_ADMIN_KEY: '' }))).toBe(200)
  }, 60_000)

  it('a gateway that could not read the keys yet says so, and knows its own', async () => {
    await redis.kill()
    const gateway = await start()
    const unknown = await generate(gateway, 'unknown')
    expect([unknown.status, unknown.body.error.code]).toEqual([503, 'OVERLOADED'])
    expect(unknown.headers.get('retry-after')).toBe('1')
    expect((await generate(gateway, ADMIN_KEY)).status).toBe(200)
    await redis.restart()
    await expect
      .poll(async () => (await generate(gateway, 'unknown')).status, { timeout: 10_000 })
      .toBe(401)
  }, 60_000)
})
