import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { GatewayProcess } from '#test/helpers/gateway-process.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { freePort } from '#test/helpers/redis-server.ts'
import { GENERATIONS } from '#test/helpers/start-test-gateway.ts'
import { type OtlpCollector, startOtlpCollector } from './otlp-collector.ts'

/** Tells of each module of OpenTelemetry that is loaded, however it is. */
const WATCHER = `
import { registerHooks } from 'node:module'
registerHooks({
  load: (url, context, next) => {
    const name = /node_modules\\/(@opentelemetry\\/[\\w-]+)\\//.exec(url)?.[1]
    if (name) process.stderr.write('loaded ' + name + '\\n')
    return next(url, context)
  },
})
`

describe('the gateway as a process', () => {
  let folder: string
  let emulators: Emulators
  let collector: OtlpCollector
  let gateway: GatewayProcess
  let port: number
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-tracing-'))
    await writeFile(join(folder, 'watcher.mjs'), WATCHER)
    emulators = await startEmulators({ timeScale: 100 })
    collector = await startOtlpCollector()
  })
  afterEach(async () => {
    gateway.child.kill('SIGKILL')
    await gateway.exit
    await Promise.all([emulators.close(), collector.close()])
    await rm(folder, { recursive: true })
  })

  const start = async (environment: Record<string, string>): Promise<void> => {
    port = await freePort()
    gateway = new GatewayProcess(folder, {
      ...emulators.environment,
      PORT: String(port),
      NODE_OPTIONS: `--import=${join(folder, 'watcher.mjs')}`,
      ...environment,
    })
    await gateway.listening()
  }
  const generate = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${port}${GENERATIONS}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: `gemini/${FIRST_MODEL}`, prompt: 'p' }),
    })
    await answer.arrayBuffer()
    return answer.status
  }
  /** Packages of OpenTelemetry that were loaded. */
  const loaded = (): string[] => [
    ...new Set([...gateway.output.matchAll(/^loaded (\S+)$/gm)].map(([, name]) => name as string)),
  ]
  const toldTheProvider = (): string[] =>
    emulators.gemini.calls.flatMap(({ headers }) =>
      Object.keys(headers).filter((name) => name.startsWith('trace')),
    )
  /** Ends it; how long that took, in ms. */
  const end = async (): Promise<number> => {
    const begunMs = performance.now()
    gateway.child.kill('SIGTERM')
    expect(await gateway.exit).toBe(0)
    return performance.now() - begunMs
  }

  it.each<[string, () => Record<string, string>]>([
    ['nothing says so', () => ({})],
    ['the SDK is switched off', () => ({ OTEL_SDK_DISABLED: 'TRUE', ...endpoint() })],
  ])('traces nothing, tells no provider and loads no SDK when %s', async (_what, environment) => {
    await start(environment())
    expect(await generate()).toBe(200)
    await end()
    // The metrics library brings the API's types along, and loads it.
    expect(loaded()).toEqual(['@opentelemetry/api'])
    expect(toldTheProvider()).toEqual([])
    expect(collector.exports).toEqual([])
  })
  const endpoint = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })

  it('traces when an endpoint is set, and sends the last spans before it ends', async () => {
    await start(endpoint())
    expect(await generate()).toBe(200)
    await end()
    expect(loaded()).toEqual(expect.arrayContaining(['@opentelemetry/sdk-trace']))
    expect(toldTheProvider()).toEqual(['traceparent'])
    expect(collector.spans.map(({ kind }) => kind).toSorted()).toEqual([
      'client',
      'internal',
      'internal',
      'server',
    ])
  })

  it('traces what .env says', async () => {
    const { url } = collector
    await writeFile(join(folder, '.env'), `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${url}/own/path\n`)
    await start({})
    await generate()
    await end()
    expect(collector.exports.map(({ path }) => path)).toEqual(['/own/path'])
  })

  it('prints spans when it is asked to', async () => {
    await start({ OTEL_TRACES_EXPORTER: 'console' })
    await generate()
    await end()
    expect(gateway.output).toContain("name: 'generate images'")
    expect(collector.exports).toEqual([])
  })

  it('ends within seconds when the collector says nothing', async () => {
    collector.answerWith('never')
    await start(endpoint())
    expect(await generate()).toBe(200)
    expect(await end()).toBeLessThan(6_000)
    expect(collector.exports).toHaveLength(1)
  })

  it('does not start with settings that it cannot obey', async () => {
    gateway = new GatewayProcess(folder, {
      ...emulators.environment,
      ...endpoint(),
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_TRACES_SAMPLER: 'xray',
    })
    expect(await gateway.exit).toBe(1)
    expect(gateway.output).toContain('OTEL_EXPORTER_OTLP_PROTOCOL')
    expect(gateway.output).toContain('OTEL_TRACES_SAMPLER')
  })
})
