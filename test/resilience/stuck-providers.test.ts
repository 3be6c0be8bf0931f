import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EMULATED_PROVIDERS, type ProviderId } from '#test/emulators/emulator.ts'
import type { LiveGateway } from './live-gateway.ts'
import { setUpResilience } from './resilience-setup.ts'
import {
  STEPS,
  type Step,
  type StuckUpstream,
  startStuckUpstream,
  stuckPrompt,
  WAYS,
} from './stuck-upstream.ts'

/** Steps that each provider has. */
const STEPS_OF: Readonly<Record<ProviderId, readonly Step[]>> = {
  gemini: ['create'],
  vertex: ['create'],
  fal: STEPS,
  replicate: ['create', 'poll', 'file'],
}

const CASES = EMULATED_PROVIDERS.flatMap((provider) =>
  STEPS_OF[provider].flatMap((step) => WAYS.map((way) => ({ provider, step, way }))),
)

/** Of each case: more than 200 in all. */
const REQUESTS = 8
const DEADLINE_MS = 3_000
/** For cancelling, and for a machine that is busy. */
const GRACE_MS = 12_000
/** What a round may leave in memory, in bytes: garbage that nobody has collected yet. */
const LEFT_BYTES = 150_000_000

interface Answered {
  readonly provider: ProviderId
  readonly step: Step
  readonly status: number
}

/** Replicate says when it is told to stop that the job has ended, and with what: that is no failure. */
const isExpected = ({ provider, step, status }: Answered): boolean =>
  status === 502 ||
  status === 504 ||
  (status === 200 && provider === 'replicate' && step === 'poll')

describe('providers that get stuck', () => {
  const setup = setUpResilience()
  const upstreams = new Map<ProviderId, StuckUpstream>()
  let environment: Record<string, string>
  beforeAll(async () => {
    const { emulators } = setup()
    environment = { ...emulators.environment, ROUTING_PROBE: 'off' }
    for (const id of EMULATED_PROVIDERS) {
      const { url } = emulators[id]
      const upstream = await startStuckUpstream(url)
      upstreams.set(id, upstream)
      for (const [name, value] of Object.entries(environment)) {
        environment[name] = value.replaceAll(
          url.replace('http://', ''),
          upstream.url.replace('http://', ''),
        )
      }
    }
  })
  afterAll(async () => {
    for (const upstream of upstreams.values()) await upstream.close()
  })

  const askAll = (gateway: LiveGateway) =>
    Promise.all(
      CASES.flatMap(({ provider, step, way }) =>
        Array.from({ length: REQUESTS }, async () => {
          const begunMs = performance.now()
          const { status, body } = await gateway.ask(
            { prompt: stuckPrompt(step, way), provider: { only: [provider] } },
            { 'x-gateway-timeout-ms': String(DEADLINE_MS) },
          )
          const tookMs = performance.now() - begunMs
          return { provider, step, way, status, code: body.error?.code, tookMs }
        }),
      ),
    )

  const openAnswers = () => [...upstreams.values()].reduce((sum, { open }) => sum + open(), 0)

  const underWay = (gateway: LiveGateway) =>
    Promise.all(
      [
        'fresnel_requests_in_flight',
        'fresnel_attempts_in_flight',
        'fresnel_detached_requests',
        'fresnel_in_flight_bytes',
      ].map((name) => gateway.metric(name)),
    )

  it('hold no request beyond its deadline, and leave nothing behind', async () => {
    // Long enough to be polled.
    for (const id of ['fal', 'replicate'] as const) {
      setup().emulators[id].setScenario({ latency: { p50Ms: 10_000, p95Ms: 10_001 } })
    }
    const gateway = await setup().start(environment)
    const usedBytes: number[] = []
    for (let round = 0; round < 2; round += 1) {
      const answers = await askAll(gateway)
      expect(answers.filter((answer) => !isExpected(answer))).toEqual([])
      expect(answers.filter(({ tookMs }) => tookMs > DEADLINE_MS + GRACE_MS)).toEqual([])
      await expect.poll(openAnswers, { timeout: 5_000 }).toBe(0)
      await expect.poll(() => underWay(gateway), { timeout: 5_000 }).toEqual([0, 0, 0, 0])
      usedBytes.push(await gateway.metric('process_resident_memory_bytes'))
    }
    for (const upstream of upstreams.values()) expect(upstream.count()).toBeGreaterThan(REQUESTS)
    expect(usedBytes[1]).toBeLessThan((usedBytes[0] ?? 0) + LEFT_BYTES)
    for (const id of EMULATED_PROVIDERS) {
      expect((await gateway.ask({ provider: { only: [id] } })).status).toBe(200)
    }
  }, 90_000)
})
