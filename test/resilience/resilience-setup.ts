import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { EMULATED_PROVIDERS, type Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { beginLiveGateway, type LiveGateway, type LiveGatewayOptions } from './live-gateway.ts'

/** What the tests of one `describe` share. To be read within tests and hooks. */
export interface Setup {
  readonly emulators: Emulators
  /** Empty at the beginning of each file. */
  readonly folder: string
  /** A gateway in front of the emulators, ended after the test; `environment` goes over theirs. */
  start(
    environment?: Record<string, string>,
    options?: Partial<LiveGatewayOptions>,
  ): Promise<LiveGateway>
  /** The same, not waited for. */
  begin(environment?: Record<string, string>): Promise<LiveGateway>
  /** Creates received by all emulators. */
  creates(): number
}

/** Emulators and a folder for all tests of the `describe` that calls this; its gateways are killed after each test. */
export const setUpResilience = (timeScale = 100): (() => Setup) => {
  let emulators: Emulators
  let folder: string
  const gateways: LiveGateway[] = []
  beforeAll(async () => {
    emulators = await startEmulators({ timeScale })
    folder = await mkdtemp(join(tmpdir(), 'fresnel-resilience-'))
  })
  afterEach(async () => {
    await Promise.all(gateways.splice(0).map((gateway) => gateway.kill()))
    for (const id of EMULATED_PROVIDERS) {
      emulators[id].setScenario({})
      emulators[id].clearCalls()
    }
  })
  afterAll(async () => {
    await emulators.close()
    await rm(folder, { recursive: true, force: true })
  })
  const optionsOf = (environment: Record<string, string>, options: object): LiveGatewayOptions => ({
    folder,
    environment: { ...emulators.environment, ...environment },
    ...options,
  })
  /** Remembered before it is waited for: one that never listens has to be ended, too. */
  const begin = async (environment: Record<string, string>, options: object) => {
    const gateway = await beginLiveGateway(optionsOf(environment, options))
    gateways.push(gateway)
    return gateway
  }
  return () => ({
    emulators,
    folder,
    start: async (environment = {}, options = {}) => {
      const gateway = await begin(environment, options)
      await gateway.process.listening()
      return gateway
    },
    begin: (environment = {}) => begin(environment, {}),
    creates: () => EMULATED_PROVIDERS.reduce((sum, id) => sum + emulators[id].count('create'), 0),
  })
}
