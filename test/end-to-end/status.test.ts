import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
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

const ADMIN = { authorization: 'Bearer the-admin-key' }
const WITH_ADMIN = { GATEWAY_ADMIN_KEY: 'the-admin-key' }

let gateway: TestGateway | undefined
let redis: TestRedis | undefined
afterEach(async () => {
  await gateway?.close()
  await redis?.stop()
  gateway = undefined
  redis = undefined
})

const start = async (environment: Record<string, string> = {}, timeScale = 100) => {
  gateway = await startTestGateway({
    timeScale,
    environment: { ...WITH_ADMIN, ...environment },
  })
  return gateway
}
const read = async (headers: Record<string, string> = ADMIN) => gateway?.get('/v1/status', headers)

interface ProviderJson {
  readonly provider: string
  readonly status: string
  readonly models: number
  readonly in_flight: number
  readonly offerings: readonly { readonly status: string }[]
}
const providerOf = async (slug: string): Promise<ProviderJson | undefined> =>
  (await read())?.body.providers.find(({ provider }: ProviderJson) => provider === slug)

describe('GET /v1/status', () => {
  it('tells how a gateway stands that has nothing to do', async () => {
    const startMs = Date.now()
    await start({ REPLICATE_API_TOKEN: '', MAX_REQUESTS_IN_FLIGHT: '77' })
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
    const status = await read()
    const well = {
      configured: true,
      models: expect.any(Number),
      in_flight: 0,
      status: 'ok',
      offerings: [],
    }
    expect(status?.status).toBe(200)
    expect(status?.body).toEqual({
      object: 'status',
      version,
      started_at: expect.any(String),
      ready: true,
      requests_in_flight: 0,
      requests_limit: 77,
      bytes_in_flight: 0,
      bytes_limit: expect.any(Number),
      redis: { configured: false, reachable: false, reason: null },
      statistics_shared: false,
      providers: [
        { provider: 'gemini', provider_name: 'Gemini API', ...well },
        { provider: 'vertex', provider_name: 'Vertex AI', ...well },
        { provider: 'fal', provider_name: 'fal.ai', ...well },
        {
          provider: 'replicate',
          provider_name: 'Replicate',
          ...well,
          configured: false,
          status: 'off',
        },
      ],
    })
    const startedMs = Date.parse(status?.body.started_at)
    expect(startedMs).toBeGreaterThanOrEqual(startMs)
    expect(startedMs).toBeLessThanOrEqual(Date.now())
  })

  it('counts models once, and what runs there', async () => {
    const { emulators, post, get } = await start()
    emulators.gemini.setScenario({ latency: { p50Ms: 30_000, p95Ms: 30_000 } })
    const asked = post(GENERATIONS, {
      model: FIRST_MODEL,
      prompt: 'p',
      provider: { order: ['gemini'] },
    })
    await expect.poll(async () => (await providerOf('gemini'))?.in_flight).toBe(1)
    const { body } = (await read()) ?? {}
    expect(body.requests_in_flight).toBe(1)
    expect(body.bytes_in_flight).toBeGreaterThan(0)
    await asked
    const { data } = (await get('/v1/models?all=true')).body
    for (const { provider, models } of body.providers as ProviderJson[]) {
      const offered = data.filter((model: { providers: string[] }) =>
        model.providers.includes(provider),
      )
      expect([provider, models]).toEqual([provider, offered.length])
    }
    expect((await providerOf('gemini'))?.in_flight).toBe(0)
  })

  it('names the offerings that are not well: some, then all', async () => {
    // In real time a pause of seconds is still there when it is looked at.
    const { emulators, post } = await start({}, 1)
    emulators.vertex.setScenario({ always: 'rate_limited' })
    const ask = (model: string) => post(GENERATIONS, { model: `vertex/${model}`, prompt: 'p' })
    await ask(FIRST_MODEL)
    expect(await providerOf('vertex')).toMatchObject({
      status: 'degraded',
      offerings: [
        {
          config_key: `vertex/${FIRST_MODEL}`,
          status: 'rate_limited',
          until: expect.stringMatching(/^2\d+-\d\d-\d\dT/),
        },
      ],
    })
    emulators.vertex.setScenario({ always: 'bad_key' })
    await ask('gemini-3-pro-image')
    const { status, models, offerings } = (await providerOf('vertex')) ?? {}
    expect([status, offerings?.length]).toEqual(['down', models])
    expect(new Set(offerings?.map((offering) => offering.status))).toEqual(new Set(['taken_out']))
    expect((await providerOf('fal'))?.status).toBe('ok')
  })

  it('is for everybody who has a key', async () => {
    await start()
    const plain = await read({ authorization: `Bearer ${TEST_KEY}` })
    expect([plain?.status, plain?.body.object]).toEqual([200, 'status'])
    expect((await read({ authorization: 'Bearer unknown' }))?.status).toBe(401)
  })

  it('is open where nobody is asked for a key', async () => {
    await start({ GATEWAY_API_KEYS: '', GATEWAY_ADMIN_KEY: '' })
    expect((await read({}))?.status).toBe(200)
  })
})

describe.skipIf(!hasRedisServer)(`GET /v1/status with Redis${redisReason}`, () => {
  it('tells whether it is reached, and why not, without its address', async () => {
    redis = await startRedis()
    await start({ REDIS_URL: redis.url })
    const sharing = async () => {
      const { redis: told, statistics_shared } = (await read())?.body ?? {}
      return [told, statistics_shared]
    }
    await expect
      .poll(sharing, { timeout: 8_000 })
      .toEqual([{ configured: true, reachable: true, reason: null }, true])
    const { port } = new URL(redis.url)
    await redis.kill()
    await expect
      .poll(sharing, { timeout: 10_000 })
      .toEqual([
        { configured: true, reachable: false, reason: expect.stringContaining('Redis') },
        false,
      ])
    const [{ reason }] = (await sharing()) as [{ reason: string }]
    expect(reason).not.toMatch(new RegExp(`127|localhost|${port}`))
  }, 30_000)
})
