import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import OpenAI from 'openai'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'
import { startGateway } from '#src/start-gateway.ts'
import { createLogger } from '#src/telemetry/logger.ts'
import {
  EMULATED_PROVIDERS,
  type EmulatorOptions,
  type Emulators,
} from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'

export const TEST_KEY = 'test-gateway-key'

export const GENERATIONS = '/openai/v1/images/generations'
export const EDITS = '/openai/v1/images/edits'

/** A gateway in front of emulated providers, both over real sockets. */
export interface TestGateway {
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string
  readonly emulators: Emulators
  /** Where its hosted images lie. */
  readonly mediaDir: string
  /** OpenAI's own client, which does not retry. */
  readonly client: OpenAI
  /** Log lines so far, as text. */
  logText(): string
  /** POSTs JSON with the key and reads the JSON answer. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<JsonAnswer>
  /** GETs with the key and reads the JSON answer. */
  get(path: string, headers?: Record<string, string>): Promise<JsonAnswer>
  /** Creates received by all emulators. */
  creates(): number
  /** Has the model files read again. True: they were taken in. */
  reload(): Promise<boolean>
  close(): Promise<void>
}

export interface JsonAnswer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes and assert what they read.
  readonly body: any
}

export interface TestGatewayOptions {
  /** Divides all durations of emulators and gateway. Absent: 100. */
  readonly timeScale?: number
  /** More or other variables of the gateway; an empty one switches its provider off. */
  readonly environment?: Record<string, string>
  readonly emulators?: EmulatorOptions
  /** How long a client may leave its answer unread, in real ms. Absent: a minute. */
  readonly stalledAfterMs?: number
}

const readJson = async (response: Response): Promise<JsonAnswer> => ({
  status: response.status,
  headers: response.headers,
  body: await response.json(),
})

export const startTestGateway = async (options: TestGatewayOptions = {}): Promise<TestGateway> => {
  const emulators = await startEmulators({
    timeScale: options.timeScale ?? 100,
    ...options.emulators,
  })
  const mediaDir = await mkdtemp(join(tmpdir(), 'fresnel-test-media-'))
  const environment = {
    ...emulators.environment,
    PORT: '0',
    ADMIN_PORT: '0',
    GATEWAY_API_KEYS: TEST_KEY,
    MEDIA_DIR: mediaDir,
    LOG_LEVEL: 'debug',
    ...options.environment,
  }
  let text = ''
  const lines = new PassThrough()
  lines.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const gateway = await startGateway(
    readConfig(environment, providerModules),
    createLogger(environment.LOG_LEVEL, lines),
    options.stalledAfterMs === undefined ? {} : { stalledAfterMs: options.stalledAfterMs },
  )
  const authorization = { authorization: `Bearer ${TEST_KEY}` }
  return {
    url: gateway.url,
    emulators,
    mediaDir,
    client: new OpenAI({ apiKey: TEST_KEY, baseURL: `${gateway.url}/openai/v1`, maxRetries: 0 }),
    logText: () => text,
    post: async (path, body, headers = {}) =>
      readJson(
        await fetch(gateway.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...authorization, ...headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }),
      ),
    get: async (path, headers = {}) =>
      readJson(await fetch(gateway.url + path, { headers: { ...authorization, ...headers } })),
    creates: () => EMULATED_PROVIDERS.reduce((sum, id) => sum + emulators[id].count('create'), 0),
    reload: gateway.reload,
    close: async () => {
      await gateway.close()
      await emulators.close()
      await rm(mediaDir, { recursive: true, force: true })
    },
  }
}

/** Back to emulators that succeed at once and have seen nothing. */
export const resetEmulators = ({ emulators }: TestGateway): void => {
  for (const id of EMULATED_PROVIDERS) {
    emulators[id].setScenario({})
    emulators[id].clearCalls()
  }
}
