import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EMULATED_PROVIDERS } from '#test/emulators/emulator.ts'
import type { Fault } from '#test/emulators/scenario.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  GENERATIONS,
  startTestGateway,
  type TestGateway,
  type TestGatewayOptions,
} from '#test/helpers/start-test-gateway.ts'

let gateway: TestGateway
const start = async (options?: TestGatewayOptions) => {
  gateway = await startTestGateway(options)
}

const ask = (part: object = {}, headers = {}) =>
  gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: 'p', ...part }, headers)
const counts = () =>
  EMULATED_PROVIDERS.map((provider) => gateway.emulators[provider].count('create'))

describe('failover, with pauses that are longer than a busy machine needs for a choice', () => {
  beforeEach(() => start({ timeScale: 10 }))
  afterEach(() => gateway.close())

  it.each<[Fault, string]>([
    ['rate_limited', 'RATE_LIMITED'],
    ['rate_limited_with_hint', 'RATE_LIMITED'],
    ['quota_exhausted', 'QUOTA'],
    ['bad_key', 'AUTH'],
    ['server_error', 'OVERLOADED'],
    ['unavailable', 'OVERLOADED'],
    ['gateway_timeout', 'TIMEOUT'],
    ['reset_before_answer', 'NETWORK'],
    ['reset_inside_answer', 'NETWORK'],
    ['no_image', 'EMPTY_RESULT'],
    ['malformed_body', 'BAD_RESPONSE'],
    ['truncated_body', 'BAD_RESPONSE'],
  ])(
    'after %s at the first provider the second serves, with one create each',
    async (fault, code) => {
      gateway.emulators.gemini.setScenario({ always: fault })
      const { status, body, headers } = await ask()
      expect([status, body.metadata?.provider]).toEqual([200, 'fal'])
      expect(body.metadata.attempts).toEqual([
        {
          provider: 'gemini',
          config_key: `gemini/${FIRST_MODEL}`,
          status: 'failed',
          error_code: code,
          duration_ms: expect.any(Number),
        },
        {
          provider: 'fal',
          config_key: `fal/${FIRST_MODEL}`,
          status: 'completed',
          duration_ms: expect.any(Number),
        },
      ])
      expect(counts()).toEqual([1, 0, 1, 0])
      expect(headers.get('x-gateway-attempts')).toBe('2')
      expect(headers.get('x-gateway-provider')).toBe('fal')
      expect(headers.get('x-gateway-model')).toBe(`fal/${FIRST_MODEL}`)
    },
  )
})

describe('failover', () => {
  beforeEach(() => start())
  afterEach(() => gateway.close())

  it('names every provider with its reason when all have failed', async () => {
    gateway.emulators.gemini.setScenario({ always: 'unavailable' })
    gateway.emulators.vertex.setScenario({ always: 'no_image' })
    gateway.emulators.fal.setScenario({ always: 'server_error' })
    gateway.emulators.replicate.setScenario({ always: 'job_failed:E004' })
    const { status, body, headers } = await ask()
    expect([status, body.error.code, body.error.type]).toEqual([
      502,
      'ALL_PROVIDERS_EXHAUSTED',
      'upstream_error',
    ])
    for (const provider of EMULATED_PROVIDERS)
      expect(body.error.message).toContain(`${provider}/${FIRST_MODEL} (`)
    expect(headers.get('x-should-retry')).toBe('false')
    expect(counts()).toEqual([2, 1, 2, 1])
  })

  it('keeps to a forced provider', async () => {
    gateway.emulators.vertex.setScenario({ always: 'unavailable' })
    const { status, body } = await ask({ model: `vertex/${FIRST_MODEL}` })
    expect([status, body.error.code]).toEqual([503, 'UPSTREAM_ERROR'])
    expect(counts()).toEqual([0, 1, 0, 0])
  })

  it('follows order, only, ignore and allow_fallbacks', async () => {
    const provider = async (wish: object, headers = {}) =>
      (await ask({ provider: wish }, headers)).body.metadata?.provider
    expect(await provider({ order: ['replicate'] })).toBe('replicate')
    expect(await provider({ only: ['fal'] })).toBe('fal')
    expect(await provider({ ignore: ['gemini'] })).toBe('fal')
    expect(await provider({}, { 'x-gateway-provider-order': 'fal' })).toBe('fal')
    gateway.emulators.gemini.setScenario({ always: 'unavailable' })
    const { body } = await ask({ provider: { order: ['gemini'], allow_fallbacks: false } })
    expect(body.error.code).toBe('ALL_PROVIDERS_EXHAUSTED')
    for (const each of EMULATED_PROVIDERS) {
      const sent = gateway.emulators[each].calls.filter(({ kind }) => kind === 'create')
      expect(JSON.stringify(sent)).not.toContain('allow_fallbacks')
    }
  })

  it('does not ask a provider again that asked to be left alone', async () => {
    gateway.emulators.gemini.setScenario({
      next: ['rate_limited_with_hint'],
      retryAfterMs: 250_000,
    })
    await ask()
    await ask()
    expect(counts()).toEqual([1, 0, 2, 0])
  })

  it('answers 429 with a time while the only candidate cools down, without asking it', async () => {
    gateway.emulators.gemini.setScenario({ next: ['rate_limited_with_hint'], retryAfterMs: 50_000 })
    const first = await ask({ model: `gemini/${FIRST_MODEL}` })
    const second = await ask({ model: `gemini/${FIRST_MODEL}` })
    for (const { status, body, headers } of [first, second]) {
      expect([status, body.error.code]).toEqual([429, 'RATE_LIMITED'])
      expect(headers.get('x-should-retry')).toBe('true')
      expect(Number(headers.get('retry-after-ms'))).toBeGreaterThan(0)
    }
    expect(counts()).toEqual([1, 0, 0, 0])
  })

  it('tells an operator of a refused account', async () => {
    gateway.emulators.gemini.setScenario({ always: 'bad_key' })
    await ask()
    expect(gateway.logText()).toMatch(/"level":"error".*a provider refuses the configured account/)
  })

  it('moves on from a provider whose image cannot be fetched', async () => {
    gateway.emulators.fal.setScenario({ always: 'dead_file' })
    const { status, body } = await ask({ provider: { order: ['fal'] } })
    expect([status, body.metadata?.provider]).toEqual([200, 'gemini'])
    expect(body.metadata.attempts[0]).toMatchObject({ provider: 'fal', status: 'failed' })
    expect(body.metadata.cost).toBeGreaterThan(0.14)
  })

  it('answers the images there are when the others have failed everywhere', async () => {
    gateway.emulators.gemini.setScenario({ next: ['refusal'] })
    const { status, body } = await ask({ n: 3 })
    expect(status).toBe(200)
    expect(body.data).toHaveLength(2)
    expect(body.metadata.partial).toBe(true)
    expect(body.warnings).toMatchObject([{ type: 'partial', param: 'n' }])
  })
})

describe('the deadline', () => {
  beforeEach(() => start())
  afterEach(() => gateway.close())

  it('ends the request with 504 and cancels what runs upstream', async () => {
    gateway.emulators.fal.setScenario({ always: 'hang' })
    const body = { model: `fal/${FIRST_MODEL}`, prompt: 'p' }
    const answer = await gateway.post(GENERATIONS, body, { 'x-gateway-timeout-ms': '300' })
    expect([answer.status, answer.body.error.code]).toEqual([504, 'TIMEOUT'])
    expect(gateway.emulators.fal.count('create')).toBe(1)
    await expect.poll(() => gateway.emulators.fal.count('cancel')).toBe(1)
  })

  it('cancels a Replicate prediction too', async () => {
    gateway.emulators.replicate.setScenario({ always: 'hang' })
    const body = { model: `replicate/${FIRST_MODEL}`, prompt: 'p' }
    const answer = await gateway.post(GENERATIONS, body, { 'x-gateway-timeout-ms': '300' })
    expect([answer.status, answer.body.error.code]).toEqual([504, 'TIMEOUT'])
    await expect.poll(() => gateway.emulators.replicate.count('cancel')).toBe(1)
  })

  it('of one attempt lets the next provider serve', async () => {
    gateway.emulators.gemini.setScenario({ always: 'hang' })
    const { status, body } = await gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: 'p' })
    expect([status, body.metadata?.provider]).toEqual([200, 'fal'])
    expect(body.metadata.attempts[0]).toMatchObject({ provider: 'gemini', error_code: 'TIMEOUT' })
    expect(body.metadata.cost).toBeGreaterThan(0.13)
  })
})
