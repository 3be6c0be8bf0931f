import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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
import { type OtlpCollector, startOtlpCollector } from './otlp-collector.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
/** Scaled: 3 s, longer than the lease of a run. */
const LONG = { latency: { p50Ms: 300_000, p95Ms: 300_000 } }

describe.skipIf(!hasRedisServer)(`a request that another gateway takes over${redisReason}`, () => {
  let redis: TestRedis
  let emulators: Emulators
  let collector: OtlpCollector
  let folder: string
  const processes: GatewayProcess[] = []
  beforeEach(async () => {
    redis = await startRedis()
    emulators = await startEmulators({ timeScale: 100 })
    collector = await startOtlpCollector()
    folder = await mkdtemp(join(tmpdir(), 'fresnel-takeover-'))
  })
  afterEach(async () => {
    for (const process of processes.splice(0)) {
      process.child.kill('SIGKILL')
      await process.exit
    }
    await Promise.all([redis.stop(), emulators.close(), collector.close()])
    await rm(folder, { recursive: true })
  })

  const start = async (): Promise<{ readonly url: string; readonly process: GatewayProcess }> => {
    const port = await freePort()
    const process = new GatewayProcess(folder, {
      ...emulators.environment,
      PORT: String(port),
      REDIS_URL: redis.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '10',
    })
    processes.push(process)
    await process.listening()
    return { url: `http://127.0.0.1:${port}`, process }
  }

  it('goes on in its trace, as a part of the work that was cut off', async () => {
    emulators.fal.setScenario(LONG)
    const first = await start()
    const accepted = await fetch(first.url + GENERATIONS, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        prefer: 'respond-async',
        traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`,
      },
      body: JSON.stringify({ model: `fal/${FIRST_MODEL}`, prompt: 'p' }),
    })
    const { id } = (await accepted.json()) as { id: string }
    const isJobKept = async (): Promise<boolean> => {
      const keys = await redis.client.keys('gw:{run:*')
      const fields = await Promise.all(keys.map((key) => redis.client.hkeys(key)))
      return fields.flat().some((field) => field.startsWith('job:'))
    }
    await expect.poll(isJobKept, { timeout: 5_000 }).toBe(true)
    const [call] = await collector.take(1)
    first.process.child.kill('SIGKILL')
    await first.process.exit
    await start()
    const [fetched, hosted, attempt, work] = await collector.take(4)
    expect([fetched, hosted, attempt, work].map((span) => span?.name)).toEqual([
      'GET',
      'store image',
      'generate_content fal-ai/nano-banana-2',
      'generate images',
    ])
    expect(attempt?.attributes['fresnel.attempt.purpose']).toBe('adoption')
    expect(work?.attributes['fresnel.request.id']).toBe(id)
    expect(attempt?.parentSpanId).toBe(work?.spanId)
    // The work that was cut off was never told of, but what belongs to it says so.
    const create = emulators.fal.calls.find(({ kind }) => kind === 'create')
    expect(create?.headers['traceparent']).toContain(TRACE_ID)
    expect(work?.parentSpanId).toMatch(/^[0-9a-f]{16}$/)
    expect(work?.parentSpanId).not.toBe(call?.spanId)
    expect([call, work, attempt].map((span) => span?.traceId)).toEqual([
      TRACE_ID,
      TRACE_ID,
      TRACE_ID,
    ])
  }, 60_000)
})
