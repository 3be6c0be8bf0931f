import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { EMULATED_PROVIDERS, type Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { GatewayProcess } from '#test/helpers/gateway-process.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { freePort } from '#test/helpers/redis-server.ts'
import { GENERATIONS } from '#test/helpers/start-test-gateway.ts'

const ADMIN_KEY = 'test-admin-key'

/** $0.08 an image. */
const FAL_ONLY = { model: FIRST_MODEL, prompt: 'a lighthouse', provider: { only: ['fal'] } }

const LIMIT = { timeout: 20_000, interval: 50 }

export interface SharedAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes and assert what they read.
  readonly body: any
}

/** Two gateways that are processes of their own, in front of one set of emulators and one Redis. */
export class SharingGateways {
  readonly #urls: readonly string[]
  readonly processes: readonly GatewayProcess[]
  readonly emulators: Emulators
  readonly #folder: string

  constructor(parts: {
    readonly urls: readonly string[]
    readonly processes: readonly GatewayProcess[]
    readonly emulators: Emulators
    readonly folder: string
  }) {
    this.#urls = parts.urls
    this.processes = parts.processes
    this.emulators = parts.emulators
    this.#folder = parts.folder
  }

  async call(
    gateway: number,
    method: string,
    path: string,
    body?: object,
    { key = ADMIN_KEY, ...headers }: Record<string, string> = {},
  ): Promise<SharedAnswer> {
    const answer = await fetch(`${this.#urls[gateway]}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, headers: answer.headers, body: await answer.json() }
  }

  generate(gateway: number, headers: Record<string, string> = {}): Promise<SharedAnswer> {
    return this.call(gateway, 'POST', GENERATIONS, FAL_ONLY, headers)
  }

  creates(): number {
    return EMULATED_PROVIDERS.reduce((sum, id) => sum + this.emulators[id].count('create'), 0)
  }

  /** Whether statistics, request log and runs are shared, for each gateway. */
  async shared(): Promise<string[]> {
    return Promise.all(
      this.#urls.map(async (url) => {
        const headers = { authorization: `Bearer ${ADMIN_KEY}` }
        const text = await (await fetch(`${url}/metrics`, { headers })).text()
        return [...text.matchAll(/^fresnel_(?:state|request_log|runs)_shared (\d)$/gm)]
          .map(([, value]) => value)
          .join('')
      }),
    )
  }

  async untilShared(): Promise<void> {
    await expect.poll(() => this.shared(), LIMIT).toEqual(['111', '111'])
  }

  /** Requests that this gateway knows of, its own and those of the other. */
  async #known(gateway: number): Promise<number> {
    const { body } = await this.call(gateway, 'GET', `/v1/models/${FIRST_MODEL}/providers`)
    const rows = body.data as { performance: { live_requests: number } | null }[]
    return rows.reduce((sum, { performance }) => sum + (performance?.live_requests ?? 0), 0)
  }

  async #expectLearntIsShared(): Promise<void> {
    // Both have told each other what they had.
    await expect
      .poll(async () => (await this.#known(0)) === (await this.#known(1)), LIMIT)
      .toBe(true)
    const before = await this.#known(1)
    for (let count = 0; count < 3; count += 1) {
      expect((await this.generate(0)).status).toBe(200)
    }
    await expect
      .poll(async () => [await this.#known(0), await this.#known(1)], LIMIT)
      .toEqual([before + 3, before + 3])
  }

  async #expectLogIsShared(name: string): Promise<void> {
    await this.generate(0, { 'x-request-id': `${name}-logged` })
    await expect
      .poll(
        async () => (await this.call(1, 'GET', `/v1/requests/${name}-logged`)).body.status,
        LIMIT,
      )
      .toBe('completed')
    const { body } = await this.call(1, 'GET', '/v1/requests?summary=true&limit=1')
    expect(body.partial).toBeUndefined()
  }

  /** What one was asked for under a key is answered by the other as its own, also when it was asked for long ago. */
  async expectRunIsShared(name: string): Promise<void> {
    const headers = { 'idempotency-key': `${name}-once` }
    const answers = [await this.generate(0, headers), await this.generate(1, headers)]
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(answers[1]?.headers.get('idempotent-replayed')).toBe('true')
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
  }

  async #expectLaterIsShared(name: string): Promise<void> {
    const headers = { prefer: 'respond-async', 'x-request-id': `${name}-later` }
    expect((await this.generate(0, headers)).status).toBe(202)
    await expect
      .poll(async () => {
        const { body } = await this.call(1, 'GET', `/v1/requests/${name}-later`)
        return body.result?.data.length
      }, LIMIT)
      .toBe(1)
  }

  async #createKey(terms: object): Promise<string> {
    const { status, body } = await this.call(0, 'POST', '/v1/keys', terms)
    expect(status).toBe(201)
    const seen = async () => (await this.call(1, 'GET', `/v1/keys/${body.id}`)).status
    await expect.poll(seen, LIMIT).toBe(200)
    return body.key
  }

  /** What two requests at each of them are answered with, under a new key. */
  async #statusesUnder(terms: object): Promise<number[]> {
    const headers = { key: await this.#createKey(terms) }
    const statuses: number[] = []
    for (const gateway of [0, 1, 0, 1]) {
      statuses.push((await this.generate(gateway, headers)).status)
    }
    return statuses
  }

  async #expectKeysAreShared(): Promise<void> {
    // A gateway that does not reach Redis counts alone, and nothing says when it reaches it again.
    const budget = () => this.#statusesUnder({ budget: { usd: 0.16, period: 'day' } })
    const limits = () => this.#statusesUnder({ limits: { requests_per_minute: 2 } })
    await Promise.all([
      expect.poll(budget, LIMIT).toEqual([200, 200, 402, 402]),
      expect.poll(limits, LIMIT).toEqual([200, 200, 429, 429]),
    ])
    const parallel = { key: await this.#createKey({ limits: { concurrent: 1 } }) }
    const together = async () => {
      const both = await Promise.all([this.generate(0, parallel), this.generate(1, parallel)])
      return both.map(({ status }) => status).toSorted()
    }
    await expect.poll(together, LIMIT).toEqual([200, 429])
  }

  /** Whatever gateways share is told by the first and known by the second. `name`: another one for each call. */
  async expectEverythingIsShared(name: string): Promise<void> {
    await this.untilShared()
    await this.#expectLearntIsShared()
    await this.#expectLogIsShared(name)
    const before = this.creates()
    await this.expectRunIsShared(name)
    expect(this.creates()).toBe(before + 1)
    await this.#expectLaterIsShared(name)
    await this.#expectKeysAreShared()
  }

  /** Sends to both until nothing is left to happen: all are served, and none waits for Redis. */
  async expectUntroubled(until: () => boolean): Promise<void> {
    const overheads: number[] = []
    for (let round = 0; round < 3 || !until(); round += 1) {
      const key = { 'idempotency-key': crypto.randomUUID() }
      const sent = [0, 1].flatMap((gateway) => [
        this.generate(gateway),
        this.generate(gateway, key),
      ])
      for (const { status, headers } of await Promise.all(sent)) {
        expect(status).toBe(200)
        overheads.push(Number(headers.get('x-gateway-overhead-ms')))
      }
    }
    // One that waited for Redis would wait for 200 ms at least.
    overheads.sort((one, other) => one - other)
    expect(overheads[Math.floor(overheads.length / 2)]).toBeLessThan(150)
  }

  expectNoErrors(): void {
    for (const { output } of this.processes) expect(output).not.toMatch(/"level":"(error|fatal)"/)
  }

  async close(): Promise<void> {
    for (const { child } of this.processes) child.kill('SIGKILL')
    await Promise.all(this.processes.map(({ exit }) => exit))
    await this.emulators.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Starts two that share images and this Redis. */
export const startSharingGateways = async (redisUrl: string): Promise<SharingGateways> => {
  const emulators = await startEmulators({ timeScale: 100 })
  // Slower than the gateways themselves, so that two at once are under way together.
  emulators.fal.setScenario({ latency: { p50Ms: 20_000, p95Ms: 20_000 } })
  const folder = await mkdtemp(join(tmpdir(), 'fresnel-sharing-'))
  const ports = [await freePort(), await freePort()]
  const processes: GatewayProcess[] = []
  // One by one: on a busy machine several that start together take too long.
  for (const port of ports) {
    const process = new GatewayProcess(folder, {
      ...emulators.environment,
      PORT: String(port),
      GATEWAY_ADMIN_KEY: ADMIN_KEY,
      REDIS_URL: redisUrl,
    })
    await process.listening()
    processes.push(process)
  }
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  return new SharingGateways({ urls, processes, emulators, folder })
}
