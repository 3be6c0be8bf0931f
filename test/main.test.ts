import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { GatewayProcess } from '#test/helpers/gateway-process.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { freePort } from '#test/helpers/redis-server.ts'

describe('the gateway as a process', () => {
  let folder: string
  let emulators: Emulators
  let running: GatewayProcess[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-process-'))
    emulators = await startEmulators({ timeScale: 100 })
  })
  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL')
    running = []
    await emulators.close()
    await rm(folder, { recursive: true })
  })

  const start = (environment: Record<string, string>) => {
    const gateway = new GatewayProcess(folder, environment)
    running.push(gateway)
    return gateway
  }
  const generate = (port: number, part: object = {}, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${port}/openai/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: `fal/${FIRST_MODEL}`, prompt: 'p', ...part }),
    })

  it('ends with status 1 and says what is missing when nothing is configured', async () => {
    const gateway = start({})
    expect(await gateway.exit).toBe(1)
    expect(gateway.output).toContain('No provider is configured')
    for (const name of ['GEMINI_API_KEY', 'VERTEX_PROJECT', 'FAL_KEY', 'REPLICATE_API_TOKEN']) {
      expect(gateway.output).toContain(name)
    }
  })

  it('ends with status 1 when a model file is broken', async () => {
    const { FAL_KEY = '' } = emulators.environment
    const gateway = start({ FAL_KEY, MODELS_DIR: join(folder, 'nowhere') })
    expect(await gateway.exit).toBe(1)
    expect(gateway.output).toContain('nowhere')
    expect(gateway.output).not.toContain('    at ')
  })

  it('ends with status 1 and a sentence when its port is taken', async () => {
    const port = await freePort()
    const environment = { ...emulators.environment, PORT: String(port) }
    await start(environment).listening()
    const second = start(environment)
    expect(await second.exit).toBe(1)
    expect(second.output).toContain('EADDRINUSE')
    expect(second.output).not.toContain('    at ')
  })

  it('refuses new work on open connections while it ends, in words of its own', async () => {
    // 1 s: still under way when the connections are ended, on a busy machine too.
    emulators.fal.setScenario({ latency: { p50Ms: 100_000, p95Ms: 101_000 } })
    const port = await freePort()
    const gateway = start({ ...emulators.environment, PORT: String(port) })
    await gateway.listening()
    const open = connect(port, '127.0.0.1')
    let answer = ''
    open.on('data', (chunk) => {
      answer += chunk.toString()
    })
    open.write('POST /v1/images/generations HTTP/1.1\r\nhost: x\r\n')
    const idle = connect(port, '127.0.0.1')
    idle.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(idle, 'data')
    const pending = generate(port)
    await expect.poll(() => emulators.fal.count('create')).toBe(1)
    gateway.child.kill('SIGTERM')
    // Until then what was on its way is still taken.
    await once(idle, 'end')
    open.write('content-type: application/json\r\ncontent-length: 2\r\n\r\n{}')
    await expect.poll(() => answer).toContain('503')
    expect(answer).toContain('"code":"OVERLOADED"')
    expect(answer.toLowerCase()).toContain('retry-after: 1')
    expect((await pending).status).toBe(200)
    expect(await gateway.exit).toBe(0)
    open.destroy()
  })

  it('finishes what is in flight when told to end, takes nothing new, and ends with status 0', async () => {
    emulators.fal.setScenario({ latency: { p50Ms: 40_000, p95Ms: 41_000 } })
    const port = await freePort()
    const gateway = start({ ...emulators.environment, PORT: String(port) })
    await gateway.listening()
    const pending = generate(port)
    await expect.poll(() => emulators.fal.count('create')).toBe(1)
    gateway.child.kill('SIGTERM')
    await expect.poll(() => gateway.output).toContain('draining')
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow()
    expect((await pending).status).toBe(200)
    expect(await gateway.exit).toBe(0)
  })

  it('names the requests that it ends before, when they cannot be done in its time', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const receiver = `127.0.0.1:${(silent.address() as AddressInfo).port}`
    const port = await freePort()
    const gateway = start({
      ...emulators.environment,
      PORT: String(port),
      TIME_SCALE: '100',
      REQUEST_TIMEOUT_MS: '300',
      ASYNC_TIMEOUT_MS: '500',
      OUTBOUND_ALLOW: `${emulators.environment['OUTBOUND_ALLOW']},${receiver}`,
      WEBHOOK_SIGNING_SECRET: 'a-secret-of-some-length-as-it-should',
    })
    await gateway.listening()
    const headers = { prefer: 'respond-async', 'x-request-id': 'left-behind' }
    const taken = await generate(port, { webhook_url: `http://${receiver}/hook` }, headers)
    expect(taken.status).toBe(202)
    await expect.poll(() => gateway.output).toContain('"status":"completed"')
    gateway.child.kill('SIGTERM')
    expect(await gateway.exit).toBe(1)
    const line = gateway.output.split('\n').find((text) => text.includes('ended before'))
    expect(JSON.parse(line ?? '{}')).toMatchObject({
      level: 'error',
      requestIds: ['left-behind'],
    })
    silent.close()
  })

  it('outlasts work that was taken on with the longer deadline of respond-async', async () => {
    // A second: longer than what REQUEST_TIMEOUT_MS alone would leave it.
    emulators.fal.setScenario({ latency: { p50Ms: 100_000, p95Ms: 101_000 } })
    const port = await freePort()
    const gateway = start({
      ...emulators.environment,
      PORT: String(port),
      TIME_SCALE: '100',
      REQUEST_TIMEOUT_MS: '300',
    })
    await gateway.listening()
    expect((await generate(port, {}, { prefer: 'respond-async' })).status).toBe(202)
    await expect.poll(() => emulators.fal.count('create')).toBe(1)
    gateway.child.kill('SIGTERM')
    expect(await gateway.exit).toBe(0)
    expect(gateway.output).toContain('"status":"completed"')
  })

  it('says where images are hosted when gateways that share Redis may look for them elsewhere', async () => {
    const port = await freePort()
    const shared = {
      ...emulators.environment,
      PORT: String(port),
      REDIS_URL: 'redis://127.0.0.1:1',
    }
    const gateway = start(shared)
    await gateway.listening()
    expect(gateway.output).toContain('images are hosted in a local folder')
    expect(gateway.output).toContain(`"mediaDir":"${join(folder, 'media')}"`)
  })

  it('serves images that were hosted before a restart', async () => {
    const port = await freePort()
    const environment = { ...emulators.environment, PORT: String(port) }
    const first = start(environment)
    await first.listening()
    const { data } = (await (await generate(port)).json()) as { data: [{ url: string }] }
    first.child.kill('SIGKILL')
    await first.exit
    const second = start(environment)
    await second.listening()
    const image = await fetch(data[0].url)
    expect([image.status, image.headers.get('content-type')]).toEqual([200, 'image/png'])
  })
})
