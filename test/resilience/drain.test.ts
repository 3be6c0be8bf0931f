import { readdir } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { freePort } from '#test/helpers/redis-server.ts'
import { GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import type { LiveGateway } from './live-gateway.ts'
import { setUpResilience } from './resilience-setup.ts'

const IN_FLIGHT = 50
/** Scaled: 1.5 s, which every provider is given. */
const SLOW = { latency: { p50Ms: 30_000, p95Ms: 30_001 } }

const setup = setUpResilience(20)

const terminate = ({ process }: LiveGateway, signal: NodeJS.Signals = 'SIGTERM') => {
  process.child.kill(signal)
  return performance.now()
}

/** Resolves once it has ended, to its status and how long that took. */
const ended = async ({ process }: LiveGateway, sinceMs: number) => {
  const status = await process.exit
  return { status, tookMs: performance.now() - sinceMs }
}

const isRefused = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(false))
    socket.on('error', () => resolve(true)).on('close', () => socket.destroy())
  })

/** Asks for an image over one of the agent's connections. Resolves to status and `connection`, or to the error's code. */
const askOver = (agent: Agent, { port, key }: { readonly port: number; readonly key: string }) =>
  new Promise<readonly unknown[]>((resolve) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
    request({ agent, port, method: 'POST', path: GENERATIONS, headers }, (message) => {
      message.resume().once('end', () => resolve([message.statusCode, message.headers.connection]))
    })
      .once('error', (error: NodeJS.ErrnoException) => resolve([error.code]))
      .end(JSON.stringify({ model: FIRST_MODEL, prompt: 'a lighthouse' }))
  })

describe('a gateway that is told to end', () => {
  const slowDown = () => {
    for (const id of ['gemini', 'vertex', 'fal', 'replicate'] as const)
      setup().emulators[id].setScenario(SLOW)
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'finishes fifty requests in flight, takes no new one, and ends with status 0: %s',
    async (signal) => {
      slowDown()
      const gateway = await setup().start()
      const only = ['gemini', 'vertex', 'fal', 'replicate']
      const asked = Array.from({ length: IN_FLIGHT }, (_, index) =>
        gateway.ask({ provider: { only: [only[index % only.length]] } }),
      )
      await expect.poll(() => setup().creates(), { timeout: 10_000 }).toBe(IN_FLIGHT)
      const sinceMs = terminate(gateway, signal)
      await expect.poll(() => gateway.health('/readyz'), { interval: 5 }).toBe(503)
      expect(performance.now() - sinceMs).toBeLessThan(500)
      expect(await gateway.health('/livez')).toBe(200)
      expect(await gateway.metric('fresnel_requests_in_flight')).toBe(IN_FLIGHT)
      expect(await isRefused(gateway.port)).toBe(true)
      const answers = await Promise.all(asked)
      expect(answers.map(({ status }) => status)).toEqual(Array(IN_FLIGHT).fill(200))
      const names = answers.map(({ body }) => new URL(body.data[0].url).pathname.split('/').at(-1))
      expect(await readdir(join(setup().folder, 'media'))).toEqual(expect.arrayContaining(names))
      const { status, tookMs } = await ended(gateway, sinceMs)
      expect(status).toBe(0)
      // The images took 1.5 s; the rest is a machine that is busy.
      expect(tookMs).toBeLessThan(6_000)
    },
  )

  it('that has nothing to do ends at once', async () => {
    const gateway = await setup().start()
    expect((await gateway.ask()).status).toBe(200)
    const { status, tookMs } = await ended(gateway, terminate(gateway))
    expect(status).toBe(0)
    expect(tookMs).toBeLessThan(2_000)
  })

  it('still serves what was on its way over open connections, and ends those that nobody uses', async () => {
    const gateway = await setup().start()
    const address = { port: gateway.port, key: TEST_KEY }
    const [quick, late] = [new Agent({ keepAlive: true }), new Agent({ keepAlive: true })]
    for (const agent of [quick, late])
      expect(await askOver(agent, address)).toEqual([200, 'keep-alive'])
    slowDown()
    const long = gateway.ask()
    await expect.poll(() => setup().creates(), { timeout: 10_000 }).toBe(3)
    const sinceMs = terminate(gateway)
    await expect.poll(() => gateway.health('/readyz'), { interval: 5 }).toBe(503)
    expect(await askOver(quick, address)).toEqual([200, 'close'])
    const isKept = () => Object.keys(late.freeSockets).length > 0
    await expect.poll(isKept, { timeout: 5_000 }).toBe(false)
    expect(await askOver(late, address)).toEqual(['ECONNREFUSED'])
    expect((await long).status).toBe(200)
    expect((await ended(gateway, sinceMs)).status).toBe(0)
  })

  it('while it is starting ends with status 0 and never listens', async () => {
    // Takes connections and says nothing: a start waits two seconds for it.
    let connections = 0
    const silent = createServer(() => {
      connections += 1
    })
    const redisPort = await freePort()
    silent.listen(redisPort, '127.0.0.1')
    const gateway = await setup().begin({ REDIS_URL: `redis://127.0.0.1:${redisPort}` })
    await expect.poll(() => connections, { timeout: 10_000 }).toBeGreaterThan(0)
    const { status, tookMs } = await ended(gateway, terminate(gateway))
    expect(status).toBe(0)
    expect(tookMs).toBeLessThan(1_500)
    expect(gateway.process.output).not.toContain('"msg":"listening"')
    silent.close()
  })
})
