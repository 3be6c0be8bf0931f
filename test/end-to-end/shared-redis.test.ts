import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
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
import { atUsualSpeed } from '#test/helpers/usual-speed.ts'

interface Answer {
  readonly status: number
  readonly overheadMs: number
  /** Provider that was tried first. */
  readonly first: string
}

interface OfferingRow {
  readonly provider: string
  readonly performance: { readonly live_requests: number } | null
  readonly health: { readonly status: string }
}

const KEY = 'test-key'
const headers = { authorization: `Bearer ${KEY}` }

const GEMINI_FIRST = { provider: { order: ['gemini'] } }

describe.skipIf(!hasRedisServer)(`three gateways that share one Redis${redisReason}`, () => {
  let redis: TestRedis
  let emulators: Emulators
  let folder: string
  const gateways: { readonly url: string; readonly process: GatewayProcess }[] = []

  const behaveAll = () => {
    for (const provider of EMULATED_PROVIDERS) {
      emulators[provider].setScenario(atUsualSpeed(provider))
    }
  }

  /** Lets all but gemini answer at once. */
  const hurryOthers = () => {
    for (const provider of ['vertex', 'fal', 'replicate'] as const) {
      emulators[provider].setScenario({})
    }
  }

  const start = async (name: string) => {
    const port = await freePort()
    const process = new GatewayProcess(folder, {
      ...emulators.environment,
      PORT: String(port),
      MEDIA_DIR: join(folder, name),
      REDIS_URL: redis.url,
      // Without a key of its own a gateway waits for those of Redis: it may have some.
      GATEWAY_ADMIN_KEY: KEY,
    })
    gateways.push({ url: `http://127.0.0.1:${port}`, process })
    return process
  }

  beforeAll(async () => {
    redis = await startRedis()
    emulators = await startEmulators({ timeScale: 100 })
    folder = await mkdtemp(join(tmpdir(), 'fresnel-shared-'))
    for (const name of ['a', 'b', 'c']) await start(name)
    await Promise.all(gateways.map(({ process }) => process.listening()))
  }, 40_000)
  afterAll(async () => {
    for (const { process } of gateways) process.child.kill('SIGKILL')
    await Promise.all(gateways.map(({ process }) => process.exit))
    await emulators.close()
    await redis.stop()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(behaveAll)

  const ask = async (gateway: number, part: object = {}): Promise<Answer> => {
    const answer = await fetch(`${gateways[gateway]?.url}${GENERATIONS}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ model: FIRST_MODEL, prompt: 'p', ...part }),
    })
    const body = (await answer.json()) as { metadata?: { attempts: { provider: string }[] } }
    return {
      status: answer.status,
      overheadMs: Number(answer.headers.get('x-gateway-overhead-ms')),
      first: body.metadata?.attempts[0]?.provider ?? '',
    }
  }
  /** `rounds` times two requests at each gateway at once. */
  const load = async (rounds: number): Promise<Answer[]> => {
    const answers: Answer[] = []
    for (let round = 0; round < rounds; round += 1) {
      answers.push(...(await Promise.all([0, 1, 2, 0, 1, 2].map((gateway) => ask(gateway)))))
    }
    return answers
  }
  const expectUntroubled = (answers: readonly Answer[]) => {
    expect([...new Set(answers.map(({ status }) => status))]).toEqual([200])
    const overheads = answers.map(({ overheadMs }) => overheadMs).sort((a, b) => a - b)
    // A request that waited for Redis would wait for 200 ms at least.
    expect(overheads[Math.floor(overheads.length / 2)]).toBeLessThan(150)
  }
  const shared = async () =>
    Promise.all(
      gateways.map(async ({ url }) => {
        const text = await (await fetch(`${url}/metrics`, { headers })).text()
        return /^fresnel_state_shared (\d)$/m.exec(text)?.[1]
      }),
    )
  const expectShared = (value: '0' | '1') =>
    expect.poll(shared, { timeout: 15_000 }).toEqual([value, value, value])
  const offerings = async (gateway: number): Promise<readonly OfferingRow[]> => {
    const answer = await fetch(`${gateways[gateway]?.url}/v1/models/${FIRST_MODEL}/providers`, {
      headers,
    })
    return ((await answer.json()) as { data: OfferingRow[] }).data
  }
  const requests = async (gateway: number): Promise<number> =>
    (await offerings(gateway)).reduce(
      (sum, { performance }) => sum + (performance?.live_requests ?? 0),
      0,
    )
  /** What each of these gateways believes of gemini. */
  const healths = (...asked: readonly number[]) =>
    Promise.all(
      asked.map(async (gateway) => {
        const rows = await offerings(gateway)
        return rows.find(({ provider }) => provider === 'gemini')?.health
      }),
    )
  /** Sends to the first gateway alone, gemini first, until it believes this of gemini. */
  const askFirstUntil = (status: string) =>
    expect
      .poll(
        async () => {
          await ask(0, GEMINI_FIRST)
          return (await healths(0))[0]?.status
        },
        { timeout: 15_000, interval: 1 },
      )
      .toBe(status)
  /** Looks at the other two, which are asked for nothing else meanwhile. */
  const expectOthersToHear = (health: object) =>
    expect
      .poll(() => healths(1, 2), { timeout: 5_000, interval: 10 })
      .toMatchObject([health, health])

  it('say that they share, and count together what each of them saw', async () => {
    await expectShared('1')
    expectUntroubled(await load(3))
    // On a busy machine some run out of time, and one request makes several.
    const attempts = EMULATED_PROVIDERS.reduce((sum, id) => sum + emulators[id].count('create'), 0)
    // An exchange that a busy machine cuts short is never repeated, so a count may be missing; none is there twice.
    await vi.waitFor(
      async () => {
        const [first = 0, ...others] = await Promise.all([0, 1, 2].map(requests))
        expect(others).toEqual([first, first])
        expect(first).toBeGreaterThanOrEqual(16)
        expect(first).toBeLessThanOrEqual(attempts)
      },
      { timeout: 15_000, interval: 100 },
    )
  })

  it('know of an outage that one of them met, and that it is over, without a request of their own', async () => {
    hurryOthers()
    emulators.gemini.setScenario({ always: 'unavailable' })
    await askFirstUntil('open')
    await expectOthersToHear({ status: 'open' })
    const outside = (await Promise.all([ask(1), ask(2)])).map(({ first }) => first)
    expect(outside).not.toContain('gemini')
    behaveAll()
    await askFirstUntil('ok')
    await expectOthersToHear({ status: 'ok' })
    await expect
      .poll(async () => (await load(1)).map(({ first }) => first), { timeout: 15_000 })
      .toContain('gemini')
  })

  it('leave a provider alone that asked one of them for it', async () => {
    hurryOthers()
    emulators.gemini.setScenario({ always: 'rate_limited_with_hint', retryAfterMs: 60_000 })
    await expect
      .poll(
        async () => {
          // The first one is refused again after each pause: on a busy machine one may be over before it is seen.
          await ask(0, GEMINI_FIRST)
          return (await healths(0, 1, 2)).map((health) => health?.status)
        },
        { timeout: 15_000, interval: 1 },
      )
      .toEqual(['rate_limited', 'rate_limited', 'rate_limited'])
  })

  it('go on when Redis is killed, and share again when it is back', async () => {
    const running = load(6)
    await redis.kill()
    expectUntroubled(await running)
    await expectShared('0')
    expectUntroubled(await load(2))
    await redis.restart()
    await expectShared('1')
    expectUntroubled(await load(1))
    for (const { process } of gateways) {
      expect(process.output).toContain('Redis cannot be used')
      expect(process.output).not.toContain('"level":"error"')
    }
  })

  it('go on while Redis is frozen, and share again when it thaws', async () => {
    const running = load(6)
    redis.freeze()
    expectUntroubled(await running)
    await expectShared('0')
    expectUntroubled(await load(2))
    redis.thaw()
    await expectShared('1')
  })

  it('go on when Redis is full, or answers errors', async () => {
    await redis.client.config('SET', 'maxmemory', '1')
    await expectShared('0')
    expectUntroubled(await load(2))
    await redis.client.config('SET', 'maxmemory', '0')
    await expectShared('1')
  })

  it('start without Redis, and share once it is there', async () => {
    await redis.kill()
    const process = await start('d')
    await process.listening()
    expect((await ask(3)).status).toBe(200)
    await redis.restart()
    await expect.poll(shared, { timeout: 15_000 }).toEqual(['1', '1', '1', '1'])
  })
})
