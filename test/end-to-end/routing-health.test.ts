import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EMULATED_PROVIDERS, type ProviderId } from '#test/emulators/emulator.ts'
import type { Fault, Scenario } from '#test/emulators/scenario.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  GENERATIONS,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'
import { atUsualSpeed } from '#test/helpers/usual-speed.ts'

let gateway: TestGateway
const start = async (timeScale: number) => {
  gateway = await startTestGateway({ timeScale })
  for (const provider of EMULATED_PROVIDERS) behave(provider)
}

/** At its usual speed, and never failing unless `part` says so. */
const behave = (provider: ProviderId, part: Scenario = {}) =>
  gateway.emulators[provider].setScenario(atUsualSpeed(provider, part))
/** Lets all but gemini answer at once. */
const hurryOthers = () => {
  for (const provider of ['vertex', 'fal', 'replicate'] as const) {
    gateway.emulators[provider].setScenario({})
  }
}
const ask = (part: object = {}) =>
  gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: 'p', ...part })
const askGeminiFirst = () => ask({ provider: { order: ['gemini'] } })
const creates = (provider: ProviderId) => gateway.emulators[provider].count('create')
/** When gemini was asked for an image, in order, in ms since the Unix epoch. */
const createTimes = () =>
  gateway.emulators.gemini.calls.filter(({ kind }) => kind === 'create').map(({ at }) => at)

/** Sends `count` requests, `atOnce` of them at a time. */
const askMany = async (count: number, atOnce: number) => {
  const answers: Awaited<ReturnType<typeof ask>>[] = []
  for (let sent = 0; sent < count; sent += atOnce) {
    answers.push(...(await Promise.all(Array.from({ length: atOnce }, () => ask()))))
  }
  return answers
}
const statuses = (answers: readonly { status: number }[]) => [
  ...new Set(answers.map(({ status }) => status)),
]
const health = async (provider: ProviderId) => {
  const { body } = await gateway.get(`/v1/models/${FIRST_MODEL}/providers`)
  return body.data.find((entry: { provider: string }) => entry.provider === provider).health
}
const healthStatus = async (provider: ProviderId) => (await health(provider)).status

beforeEach(() => start(100))
afterEach(() => gateway.close())

describe('a provider that goes down', () => {
  it('is left alone after a few failures, at the cost of no request, and is used again when it is back', async () => {
    await askMany(4, 2)
    behave('gemini', { always: 'unavailable' })
    const during = await askMany(40, 4)
    expect(statuses(during)).toEqual([200])
    const tried = during.filter(({ body }) => body.metadata.attempts[0].provider === 'gemini')
    expect(tried.length).toBeLessThanOrEqual(12)
    expect(await healthStatus('gemini')).toBe('open')

    behave('gemini')
    await expect
      .poll(
        async () => {
          const { body } = await ask()
          return body.metadata.provider
        },
        { timeout: 15_000 },
      )
      .toBe('gemini')
    expect(await healthStatus('gemini')).toBe('ok')
  })

  it('is noticed by its silence, before any attempt there has run out of time', async () => {
    await gateway.close()
    // Time enough between the silence (about 32 s) and the time-outs (about 65 s) on a busy machine.
    await start(30)
    hurryOthers()
    // None of the attempts that hang speaks against it alone, as one begun later is served: only their silence does.
    gateway.emulators.gemini.setScenario({
      next: [...Array<Fault>(16).fill('hang'), 'success'],
      always: 'hang',
      latency: { p50Ms: 15_000, p95Ms: 16_000 },
    })
    const hanging = Array.from({ length: 16 }, askGeminiFirst)
    await expect.poll(() => creates('gemini')).toBe(16)
    expect((await askGeminiFirst()).body.metadata.provider).toBe('gemini')
    await expect
      .poll(() => health('gemini'), { timeout: 5_000, interval: 10 })
      .toMatchObject({ status: 'open', in_flight: 16 })
    expect(gateway.logText()).not.toContain('"kind":"timeout"')
    expect((await askGeminiFirst()).body.metadata.attempts).toMatchObject([
      { provider: 'fal', status: 'completed' },
    ])
    for (const { status, body } of await Promise.all(hanging)) {
      expect([status, body.metadata.attempts]).toMatchObject([
        200,
        [
          { provider: 'gemini', error_code: 'TIMEOUT' },
          { provider: 'fal', status: 'completed' },
        ],
      ])
    }
  })
})

describe('a provider that gets slow and fails often', () => {
  it('loses its traffic to a better one', async () => {
    const share = (answers: Awaited<ReturnType<typeof askMany>>) =>
      answers.filter(({ body }) => body.metadata.attempts[0].provider === 'gemini').length /
      answers.length
    const before = await askMany(12, 4)
    expect(share(before)).toBeGreaterThan(0.5)
    behave('gemini', { latency: { p50Ms: 80_000, p95Ms: 110_000 }, successRate: 0.3 })
    await askMany(36, 6)
    const after = await askMany(18, 6)
    expect(statuses(after)).toEqual([200])
    expect(share(after)).toBeLessThan(0.35)
  })
})

describe('a provider that is rate limited', () => {
  it('is asked again when the time that it names is over, and not before', async () => {
    hurryOthers()
    behave('gemini', { always: 'rate_limited_with_hint', retryAfterMs: 30_000 })
    const answers = await Promise.all(Array.from({ length: 4 }, askGeminiFirst))
    const endMs = performance.now() + 10_000
    // One after the other from here on: each knows of every refusal before it.
    while (creates('gemini') < 4 + 3 && performance.now() < endMs) {
      answers.push(await askGeminiFirst())
    }
    expect(statuses(answers)).toEqual([200])
    const [lastOfFirst = Number.NaN, ...later] = createTimes().slice(3)
    expect(later).toHaveLength(3)
    // 30 s, scaled.
    for (const [index, at] of later.entries()) {
      expect(at - (later[index - 1] ?? lastOfFirst)).toBeGreaterThanOrEqual(300)
    }
    // Those who came in between were served by others.
    expect(answers.length).toBeGreaterThan(4 + 2 * 3)
  })

  it('is waited for when there is no other and the wait is short', async () => {
    gateway.emulators.gemini.setScenario({ next: ['rate_limited_with_hint'], retryAfterMs: 8_000 })
    const { status, body, headers } = await ask({ provider: { only: ['gemini'] } })
    expect(status).toBe(200)
    // The wait is the provider's, not the gateway's own time.
    const wholeMs = Number(headers.get('openai-processing-ms'))
    expect(wholeMs - Number(headers.get('x-gateway-overhead-ms'))).toBeGreaterThanOrEqual(79)
    expect(body.metadata.attempts.map((attempt: { status: string }) => attempt.status)).toEqual([
      'failed',
      'completed',
    ])
    const [refusedAt = Number.NaN, servedAt] = createTimes()
    expect(servedAt).toBeGreaterThanOrEqual(refusedAt + 80)
  })
})

describe('prompts that a provider refuses', () => {
  it('move no traffic and are tried nowhere else', async () => {
    await askMany(4, 2)
    const before = creates('gemini')
    const others = gateway.creates() - before
    behave('gemini', { always: 'refusal' })
    const refused = await askMany(20, 2)
    expect(statuses(refused)).toEqual([400])
    expect(refused[0]?.body.error.code).toBe('CONTENT_POLICY_VIOLATION')
    expect(creates('gemini')).toBe(before + 20)
    expect(gateway.creates() - creates('gemini')).toBe(others)
    behave('gemini')
    const { body } = await ask()
    expect(body.metadata.attempts).toMatchObject([{ provider: 'gemini', status: 'completed' }])
  })
})

describe('the explanation of a request', () => {
  it('shows every candidate with its terms, who was left out, and what was tried', async () => {
    behave('gemini', { next: ['unavailable'] })
    const answer = await ask({ provider: { ignore: ['replicate'] } })
    const { status, body } = await gateway.get(`/v1/requests/${answer.body.id}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: answer.body.id,
      object: 'request',
      model: FIRST_MODEL,
      modality: 'image',
      endpoint: '/openai/v1/images/generations',
      status: 'completed',
      provider: 'fal',
      cost: answer.body.metadata.cost,
      attempts: answer.body.metadata.attempts,
    })
    const [first, second] = body.routing.decisions
    expect(first).toMatchObject({
      type: 'try',
      reason: 'best',
      chosen: `gemini/${FIRST_MODEL}`,
    })
    expect(second).toMatchObject({ type: 'try', chosen: `fal/${FIRST_MODEL}` })
    for (const { score, terms } of first.candidates) {
      const cost = terms.time_cost + terms.money_cost + terms.attempt_cost
      const chance = terms.success_probability * terms.in_time_probability
      expect(score / (cost / chance)).toBeCloseTo(1, 3)
    }
    expect(
      first.candidates.map(({ config_key }: { config_key: string }) => config_key.split('/')[0]),
    ).toEqual(['gemini', 'fal', 'vertex'])
    expect(body.routing.excluded).toContainEqual({
      config_key: `replicate/${FIRST_MODEL}`,
      constraint: 'provider.ignore',
      reason: 'is among provider.ignore',
    })
    expect(gateway.logText()).toContain('"msg":"routing"')
  })

  it('is there for a request that failed, and not for one that never was', async () => {
    behave('gemini', { always: 'refusal' })
    await gateway.post(
      GENERATIONS,
      { model: FIRST_MODEL, prompt: 'p' },
      { 'x-request-id': 'refused-1' },
    )
    const { body } = await gateway.get('/v1/requests/refused-1')
    expect(body).toMatchObject({
      status: 'rejected',
      error_code: 'CONTENT_POLICY_VIOLATION',
      attempts: [{ error_code: 'CONTENT_REJECTED' }],
    })
    const missing = await gateway.get('/v1/requests/nothing')
    expect([missing.status, missing.body.error.code]).toEqual([404, 'NOT_FOUND'])
  })
})
