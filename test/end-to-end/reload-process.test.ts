import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { GatewayProcess } from '#test/helpers/gateway-process.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { ownModel, ownModels } from '#test/helpers/own-models.ts'
import { freePort } from '#test/helpers/redis-server.ts'

const OWN = 'own-model'
const NEXT = 'next-model'
const CLIENTS = 4

// Processes that start take long on a busy machine.
describe('a gateway that is told to hang up', { timeout: 60_000 }, () => {
  let folder: string
  let emulators: Emulators
  let port: number
  let gateway: GatewayProcess
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-hangup-'))
    // About 0.2 s: several readings of the models pass while a request is under way.
    emulators = await startEmulators({ timeScale: 100, only: ['fal'] })
    emulators.fal.setScenario({ latency: { p50Ms: 20_000, p95Ms: 22_000 } })
    port = await freePort()
  })
  afterEach(async () => {
    gateway.child.kill('SIGKILL')
    await gateway.exit
    await emulators.close()
    await rm(folder, { recursive: true })
  })

  const start = (environment: Record<string, string> = {}) => {
    gateway = new GatewayProcess(folder, {
      ...emulators.environment,
      PORT: String(port),
      ...environment,
    })
  }
  const generate = async (model: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, prompt: 'p' }),
    })
    await answer.arrayBuffer()
    return answer.status
  }
  const BROKEN = 0
  const count = (message: string) => gateway.output.split(`"msg":"${message}`).length - 1
  const hangUp = async (message: string) => {
    const before = count(message)
    gateway.child.kill('SIGHUP')
    await expect.poll(() => count(message), { timeout: 20_000 }).toBe(before + 1)
  }
  const READ = 'models were read again'
  const REFUSED = 'models were not changed'

  it('reads its models anew under load: no request fails, and no connection breaks', async () => {
    const models = ownModels(folder)
    await models.put('own', ownModel(OWN))
    start({ MODELS_DIR: folder })
    await gateway.listening()
    const statuses: number[] = []
    let isLoaded = true
    const load = Array.from({ length: CLIENTS }, async () => {
      while (isLoaded) statuses.push(await generate(FIRST_MODEL).catch(() => BROKEN))
    })
    const underWay = generate(OWN)
    await expect
      .poll(() => emulators.fal.count('create'), { timeout: 20_000 })
      .toBeGreaterThan(CLIENTS)
    await models.remove('own')
    await models.put('next', ownModel(NEXT))
    await hangUp(READ)
    expect(await Promise.all([underWay, generate(OWN), generate(NEXT)])).toEqual([200, 404, 200])
    await models.put('broken', '{ "card": 1 }')
    await hangUp(REFUSED)
    expect(gateway.output).toContain(`${folder}/broken.json: /card must be object`)
    expect(gateway.output).toContain(`${folder}/broken.json: / lacks \\"offerings\\"`)
    expect(await Promise.all([generate(OWN), generate(NEXT)])).toEqual([404, 200])
    await models.remove('broken')
    for (let again = 0; again < 3; again += 1) await hangUp(READ)
    isLoaded = false
    await Promise.all(load)
    expect(statuses.length).toBeGreaterThan(2 * CLIENTS)
    expect(new Set(statuses)).toEqual(new Set([200]))
    gateway.child.kill('SIGTERM')
    expect(await gateway.exit).toBe(0)
  })

  it('goes on without a folder of its own', async () => {
    start()
    await gateway.listening()
    const pending = generate(FIRST_MODEL)
    await hangUp(READ)
    expect(await pending).toBe(200)
    expect(await generate(FIRST_MODEL)).toBe(200)
  })

  it('has read the models again when it is told so while it starts', async () => {
    start({ MODELS_DIR: folder, REDIS_URL: 'redis://127.0.0.1:1', TIME_SCALE: '100' })
    // Its first line: it has read its configuration by then, and does not listen yet.
    await expect.poll(() => gateway.output, { timeout: 20_000 }).toContain('"msg":"images are')
    expect(gateway.output).not.toContain('"msg":"listening"')
    gateway.child.kill('SIGHUP')
    await gateway.listening()
    await expect.poll(() => count(READ), { timeout: 20_000 }).toBe(1)
  })

  it('ends when it is told to end, also after it was told to hang up', async () => {
    start()
    await gateway.listening()
    await hangUp(READ)
    gateway.child.kill('SIGTERM')
    expect(await gateway.exit).toBe(0)
  })
})
