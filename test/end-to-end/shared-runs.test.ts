import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
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
import { GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

const FAL_ONLY = { model: FIRST_MODEL, prompt: 'a lighthouse', provider: { only: ['fal'] } }

/** Scaled: 3 s, longer than the lease of a run. */
const LONG = { latency: { p50Ms: 300_000, p95Ms: 300_000 } }

interface Gateway {
  readonly url: string
  readonly process: GatewayProcess
}

describe.skipIf(!hasRedisServer)(`gateways that share runs through Redis${redisReason}`, () => {
  let redis: TestRedis
  let emulators: Emulators
  let folder: string
  const gateways: Gateway[] = []

  const start = async (): Promise<Gateway> => {
    const port = await freePort()
    const process = new GatewayProcess(folder, {
      ...emulators.environment,
      PORT: String(port),
      GATEWAY_API_KEYS: TEST_KEY,
      MEDIA_DIR: join(folder, 'media'),
      REDIS_URL: redis.url,
    })
    const gateway = { url: `http://127.0.0.1:${port}`, process }
    gateways.push(gateway)
    await process.listening()
    return gateway
  }

  const ask = async (gateway: Gateway, headers: Record<string, string>, part: object = {}) => {
    const answer = await fetch(gateway.url + GENERATIONS, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${TEST_KEY}`,
        ...headers,
      },
      body: JSON.stringify({ ...FAL_ONLY, ...part }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes and assert what they read.
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any }
  }

  const find = async (gateway: Gateway, id: string) => {
    const headers = { authorization: `Bearer ${TEST_KEY}` }
    const answer = await fetch(`${gateway.url}/v1/requests/${id}`, { headers })
    // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes and assert what they read.
    return (await answer.json()) as any
  }

  const creates = () =>
    EMULATED_PROVIDERS.reduce((sum, id) => sum + emulators[id].count('create'), 0)

  const untilCreated = () => expect.poll(creates, { timeout: 10_000 }).toBe(1)

  /** A process that dies between a provider's answer and this cannot be helped. */
  const untilJobIsKept = () =>
    expect
      .poll(
        async () => {
          const keys = await redis.client.keys('gw:{run:*')
          const fields = await Promise.all(keys.map((key) => redis.client.hkeys(key)))
          return fields.flat().some((field) => field.startsWith('job:'))
        },
        { timeout: 5_000 },
      )
      .toBe(true)

  const kill = async ({ process }: Gateway): Promise<void> => {
    process.child.kill('SIGKILL')
    await process.exit
  }

  beforeAll(async () => {
    redis = await startRedis()
    emulators = await startEmulators({ timeScale: 100 })
    folder = await mkdtemp(join(tmpdir(), 'fresnel-runs-'))
  })

  afterEach(async () => {
    for (const gateway of gateways.splice(0)) await kill(gateway)
    await redis.client.flushall()
    for (const id of EMULATED_PROVIDERS) {
      emulators[id].setScenario({})
      emulators[id].clearCalls()
    }
  })

  afterAll(async () => {
    await emulators.close()
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('one generation serves parallel and later repeats at each of them', async () => {
    const [a, b] = [await start(), await start()]
    emulators.fal.setScenario({ latency: { p50Ms: 30_000, p95Ms: 30_000 } })
    const key = { 'idempotency-key': 'both' }
    const answers = await Promise.all([ask(a, key), ask(b, key), ask(a, key), ask(b, key)])
    const later = await ask(b, key)
    const all = [...answers, later]
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(new Set(all.map(({ body }) => body.id)).size).toBe(1)
    expect(creates()).toBe(1)
    expect((await fetch(later.body.data[0].url)).status).toBe(200)
    expect((await ask(b, key, { prompt: 'another' })).status).toBe(400)
  }, 40_000)

  it('a repeat takes over the job of a gateway that was killed, and nothing is paid twice', async () => {
    const [a, b] = [await start(), await start()]
    emulators.fal.setScenario(LONG)
    const key = { 'idempotency-key': 'killed' }
    const first = expect(ask(a, key)).rejects.toThrow()
    await untilCreated()
    await untilJobIsKept()
    await kill(a)
    await first
    const { status, body } = await ask(b, key)
    expect(status).toBe(200)
    expect(body.metadata.attempts).toEqual([
      {
        provider: 'fal',
        config_key: `fal/${FIRST_MODEL}`,
        status: 'completed',
        duration_ms: expect.any(Number),
      },
    ])
    expect(body.metadata.cost).toBe(0.08)
    expect((await fetch(body.data[0].url)).status).toBe(200)
    expect(creates()).toBe(1)
  }, 40_000)

  it('a repeat whose own time is nearly over does not cancel the job that it takes over', async () => {
    const [a, b] = [await start(), await start()]
    emulators.fal.setScenario(LONG)
    const key = { 'idempotency-key': 'hurried' }
    const first = expect(ask(a, key)).rejects.toThrow()
    await untilCreated()
    await untilJobIsKept()
    await kill(a)
    await first
    // Until the lease of the dead one has ended, some 1.5 s, it only waits.
    let answer = await ask(b, { ...key, 'x-gateway-timeout-ms': '1750' })
    expect([200, 504]).toContain(answer.status)
    if (answer.status === 504) {
      expect(answer.headers.get('x-should-retry')).toBe('true')
      answer = await ask(b, key)
    }
    expect([answer.status, creates(), emulators.fal.count('cancel')]).toEqual([200, 1, 0])
  }, 40_000)

  it('a repeat is told of the refusal that the job of a killed gateway ended in, and nothing new is paid', async () => {
    const [a, b] = [await start(), await start()]
    emulators.fal.setScenario({ ...LONG, always: 'refusal' })
    const key = { 'idempotency-key': 'refused' }
    // Others could be asked, too.
    const part = { provider: { order: ['fal'] } }
    const first = expect(ask(a, key, part)).rejects.toThrow()
    await untilCreated()
    await untilJobIsKept()
    await kill(a)
    await first
    const { status, body } = await ask(b, key, part)
    expect([status, body.error.code]).toEqual([400, 'CONTENT_POLICY_VIOLATION'])
    expect((await ask(b, key, part)).headers.get('idempotent-replayed')).toBe('true')
    expect(creates()).toBe(1)
  }, 40_000)

  it('what a killed gateway had taken on is brought to its end by a living one', async () => {
    const [a, b] = [await start(), await start()]
    emulators.fal.setScenario(LONG)
    const { body } = await ask(a, { prefer: 'respond-async' })
    await untilCreated()
    await untilJobIsKept()
    await expect.poll(async () => (await find(b, body.id)).status).toBe('pending')
    await kill(a)
    await expect
      .poll(async () => (await find(b, body.id)).status, { timeout: 20_000 })
      .toBe('completed')
    const { result, created_at, routing } = await find(b, body.id)
    expect(created_at).toBe(body.created_at)
    // What the killed gateway had logged of it stands beside how it ended.
    expect(routing.excluded).toEqual(body.routing.excluded)
    expect(routing.excluded).not.toEqual([])
    expect((await fetch(result.data[0].url)).status).toBe(200)
    expect(creates()).toBe(1)
  }, 40_000)

  it('a gateway that was started again takes over its own', async () => {
    const a = await start()
    emulators.fal.setScenario(LONG)
    const { body } = await ask(a, { prefer: 'respond-async' })
    await untilCreated()
    await untilJobIsKept()
    await kill(a)
    const again = await start()
    await expect
      .poll(async () => (await find(again, body.id)).result?.data.length, { timeout: 20_000 })
      .toBe(1)
    expect(creates()).toBe(1)
  }, 40_000)

  it('what no job is left of fails, and says so', async () => {
    const [a, b] = [await start(), await start()]
    emulators.gemini.setScenario({ latency: { p50Ms: 60_000, p95Ms: 60_000 } })
    const part = { provider: { only: ['gemini'] } }
    const { body } = await ask(a, { prefer: 'respond-async' }, part)
    await untilCreated()
    await expect.poll(async () => (await find(b, body.id)).status).toBe('pending')
    await kill(a)
    await expect
      .poll(async () => (await find(b, body.id)).status, { timeout: 20_000 })
      .toBe('upstream_failure')
    expect((await find(b, body.id)).error_code).toBe('INTERNAL_ERROR')
    expect(creates()).toBe(1)
  }, 40_000)

  it('a repeat finds what a gateway had taken on that died before it could say so', async () => {
    const [a, b] = [await start(), await start()]
    emulators.fal.setScenario({ latency: { p50Ms: 30_000, p95Ms: 30_000 } })
    const headers = { 'idempotency-key': 'unsaid', prefer: 'respond-async' }
    const taken = await ask(a, headers)
    // As Redis is left by a gateway that dies between taking the request on and keeping that it did.
    for (const run of await redis.client.keys('gw:{run:*')) {
      if (!(await redis.client.hget(run, 'answer'))?.includes('accepted')) continue
      await redis.client.hdel(run, 'answer')
      await redis.client.hset(run, 'owner', 'dead', 'lease', '1')
    }
    const repeats = [await ask(b, headers), await ask(b, headers)]
    expect(repeats.map(({ status, body }) => [status, body.id])).toEqual([
      [202, taken.body.id],
      [202, taken.body.id],
    ])
    await expect
      .poll(async () => (await find(b, taken.body.id)).status, { timeout: 10_000 })
      .toBe('completed')
    expect(creates()).toBe(1)
  }, 40_000)

  it('keys go on within each gateway when Redis is gone', async () => {
    const a = await start()
    await redis.kill()
    const key = { 'idempotency-key': 'alone' }
    const answers = await Promise.all([ask(a, key), ask(a, key)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect((await ask(a, key)).headers.get('idempotent-replayed')).toBe('true')
    expect(creates()).toBe(1)
    await redis.restart()
  }, 40_000)
})
