import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Emulators } from '#test/emulators/emulator.ts'
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

const [ONE, OTHER, ADMIN] = ['key-one', 'key-other', 'key-admin']
const TRACE = '0af7651916cd43dd8448eb211c80319c'

describe.skipIf(!hasRedisServer)(`the request log of two gateways${redisReason}`, () => {
  let redis: TestRedis
  let emulators: Emulators
  let folder: string
  const gateways: { readonly url: string; readonly process: GatewayProcess }[] = []

  const start = async (name: string) => {
    const port = await freePort()
    const process = new GatewayProcess(folder, {
      ...emulators.environment,
      PORT: String(port),
      MEDIA_DIR: join(folder, name),
      REDIS_URL: redis.url,
      GATEWAY_API_KEYS: `${ONE},${OTHER}`,
      GATEWAY_ADMIN_KEY: ADMIN,
    })
    gateways.push({ url: `http://127.0.0.1:${port}`, process })
    await process.listening()
  }

  beforeAll(async () => {
    redis = await startRedis()
    emulators = await startEmulators({ timeScale: 100 })
    folder = await mkdtemp(join(tmpdir(), 'fresnel-log-'))
    await Promise.all(['a', 'b'].map(start))
  }, 40_000)
  afterAll(async () => {
    for (const { process } of gateways) process.child.kill('SIGKILL')
    await Promise.all(gateways.map(({ process }) => process.exit))
    await emulators.close()
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const ask = async (gateway: number, key: string, headers: object = {}, body: object = {}) => {
    const text = JSON.stringify({ model: FIRST_MODEL, prompt: 'a secret', ...body })
    const answer = await fetch(`${gateways[gateway]?.url}${GENERATIONS}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
      body: text,
    })
    const answered = await answer.text()
    return {
      status: answer.status,
      id: answer.headers.get('x-request-id') ?? '',
      overheadMs: Number(answer.headers.get('x-gateway-overhead-ms')),
      sentBytes: Buffer.byteLength(text),
      answeredBytes: Buffer.byteLength(answered),
      text: answered,
    }
  }
  const get = async (gateway: number, path: string, key: string) => {
    const answer = await fetch(`${gateways[gateway]?.url}${path}`, {
      headers: { authorization: `Bearer ${key}` },
    })
    // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes and assert what they read.
    return { status: answer.status, body: (await answer.json()) as any }
  }
  /** Ids of all pages. */
  const walk = async (gateway: number, path: string, key: string): Promise<string[]> => {
    const ids: string[] = []
    for (let url: string | null = path; url !== null && ids.length < 500; ) {
      const { body } = await get(gateway, url, key)
      ids.push(...body.data.map(({ id }: { id: string }) => id))
      url = body.next_page_url
    }
    return ids
  }
  const load = async (rounds: number) => {
    const answers: Awaited<ReturnType<typeof ask>>[] = []
    for (let round = 0; round < rounds; round += 1) {
      answers.push(...(await Promise.all([0, 1, 0, 1].map((gateway) => ask(gateway, ONE)))))
    }
    return answers
  }
  const expectUntroubled = (answers: Awaited<ReturnType<typeof load>>) => {
    expect([...new Set(answers.map(({ status }) => status))]).toEqual([200])
    const overheads = answers.map(({ overheadMs }) => overheadMs).sort((a, b) => a - b)
    expect(overheads[Math.floor(overheads.length / 2)]).toBeLessThan(150)
  }

  it('tells either gateway of every request, with where it came from and how long it was', async () => {
    const made = await ask(
      0,
      ONE,
      { 'x-session-id': 'session 1', traceparent: `00-${TRACE}-b7ad6b7169203331-01` },
      { user: 'u-1' },
    )
    const expected = {
      id: made.id,
      status: 'completed',
      session_id: 'session 1',
      trace_id: TRACE,
      user: 'u-1',
      request_size_bytes: made.sentBytes,
      response_size_bytes: made.answeredBytes,
    }
    for (const gateway of [0, 1]) {
      await expect
        .poll(async () => (await get(gateway, `/v1/requests/${made.id}`, ONE)).body)
        .toMatchObject({ ...expected, routing: { decisions: expect.any(Array) } })
      const { body } = await get(gateway, '/v1/requests?limit=1', ONE)
      expect(body.data).toEqual([expect.objectContaining(expected)])
    }
  })

  it('knows how long a stream of events was', async () => {
    const made = await ask(0, ONE, {}, { stream: true })
    expect(made.text).toContain('event: ')
    await expect
      .poll(async () => (await get(1, `/v1/requests/${made.id}`, ONE)).body.response_size_bytes)
      .toBe(made.answeredBytes)
  })

  it('shows each key its own, and the admin key all', async () => {
    const made = await ask(0, OTHER)
    await expect.poll(async () => (await get(1, `/v1/requests/${made.id}`, ADMIN)).status).toBe(200)
    expect((await get(1, `/v1/requests/${made.id}`, ONE)).status).toBe(404)
    expect(await walk(1, '/v1/requests', OTHER)).toEqual([made.id])
    expect((await walk(1, '/v1/requests?limit=1', ONE)).length).toBe(2)
    expect((await walk(1, '/v1/requests?limit=2', ADMIN)).length).toBe(3)
    const { body } = await get(1, '/v1/requests?summary=true', ADMIN)
    expect(body.summary).toMatchObject({ count: 3, currency: 'usd' })
    expect(body.summary.total_cost).toBeCloseTo(
      body.data.reduce((sum: number, { cost }: { cost: number }) => sum + cost, 0),
      6,
    )
  })

  it('has every request of a fan-out with one id, at either gateway', async () => {
    const named = { 'x-request-id': 'fan-out' }
    const made = await Promise.all(
      Array.from({ length: 24 }, (_, index) => ask(index % 2, OTHER, named, { user: 'fan' })),
    )
    const paid = made.reduce((sum, { text }) => sum + JSON.parse(text).metadata.cost, 0)
    for (const gateway of [0, 1]) {
      const ids = async () =>
        (await walk(gateway, '/v1/requests?limit=5', OTHER)).filter((id) => id === 'fan-out')
      await expect.poll(async () => (await ids()).length).toBe(24)
    }
    const { body } = await get(0, '/v1/requests?limit=100&summary=true', OTHER)
    const rest = body.data.filter(({ id }: { id: string }) => id !== 'fan-out')
    const restCost = rest.reduce((sum: number, { cost }: { cost: number }) => sum + cost, 0)
    expect(body.summary.total_cost - restCost).toBeCloseTo(paid, 6)
  })

  it('holds no prompt and no image in Redis', async () => {
    const keys = await redis.client.keys('gw:{rq}:*')
    const records = keys.filter((key) => key.startsWith('gw:{rq}:r:'))
    expect(records.length).toBeGreaterThan(2)
    for (const key of records) {
      const packed = await redis.client.getBuffer(key)
      expect(inflateRawSync(packed ?? Buffer.alloc(0)).toString()).not.toContain('a secret')
    }
    for (const key of keys) expect(await redis.client.pttl(key)).toBeGreaterThan(0)
  })

  it('says that a key without a budget pays afterwards', async () => {
    expect((await get(0, '/v1/balance', ONE)).body.billing_type).toBe('postpaid')
  })

  it('stops no request when Redis is killed under load, and says what it does not know', async () => {
    const running = load(6)
    await redis.kill()
    expectUntroubled(await running)
    const later = await load(1)
    expectUntroubled(later)
    const startMs = performance.now()
    const { body } = await get(0, '/v1/requests?limit=100&summary=true', ONE)
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(body.partial).toBe(true)
    expect([later[0]?.id, later[2]?.id]).toContain(body.data[0].id)
    expect((await get(0, `/v1/requests/${later[1]?.id}`, ONE)).status).toBe(503)
    for (const { process } of gateways) {
      await expect
        .poll(() => process.output, { timeout: 8_000 })
        .toContain('the request log is of this gateway only')
    }
    await redis.restart()
    for (const gateway of [0, 1]) {
      await expect
        .poll(() => walk(gateway, '/v1/requests?limit=7', ONE), { timeout: 15_000 })
        .toEqual(expect.arrayContaining(later.map(({ id }) => id)))
    }
  })

  it('stops no request while Redis is frozen, and has them all when it thaws', async () => {
    const running = load(6)
    redis.freeze()
    const made = [...(await running), ...(await load(2))]
    expectUntroubled(made)
    const startMs = performance.now()
    const { body } = await get(0, '/v1/requests?summary=true', ONE)
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(body.partial).toBe(true)
    redis.thaw()
    for (const gateway of [0, 1]) {
      await expect
        .poll(() => walk(gateway, '/v1/requests?limit=7', ONE), { timeout: 15_000 })
        .toEqual(expect.arrayContaining(made.map(({ id }) => id)))
    }
    for (const { process } of gateways) {
      expect(process.output).not.toContain('"level":"error"')
    }
  })
})
