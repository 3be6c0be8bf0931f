import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEMO_SCENARIOS } from '#test/emulators/demo-scenarios.ts'
import type { Scenario } from '#test/emulators/scenario.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { startTestGateway, type TestGateway } from '#test/helpers/start-test-gateway.ts'

const PROVIDERS = ['gemini', 'vertex', 'fal', 'replicate'] as const
type Provider = (typeof PROVIDERS)[number]
const GENERATIONS = '/openai/v1/images/generations'

let gateway: TestGateway

/** As fast as the real provider, divided by the time scale, and never failing unless `part` says so. */
const behave = (provider: Provider, part: Scenario = {}) => {
  const { latency } = DEMO_SCENARIOS[provider]
  gateway.emulators[provider].setScenario({ ...(latency && { latency }), ...part })
}
const ask = (part: object = {}) =>
  gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: 'p', ...part })
const creates = (provider: Provider) => gateway.emulators[provider].count('create')

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
const health = async (provider: Provider) => {
  const { body } = await gateway.get(`/v1/models/${FIRST_MODEL}/providers`)
  const row = body.data.find((entry: { provider: string }) => entry.provider === provider)
  return row.health.status
}

beforeEach(async () => {
  gateway = await startTestGateway({ timeScale: 100 })
  for (const provider of PROVIDERS) behave(provider)
})
afterEach(() => gateway.close())

describe('a provider that goes down', () => {
  it('is left alone after a few failures, at the cost of no request, and is used again when it is back', async () => {
    await askMany(4, 2)
    behave('gemini', { always: 'unavailable' })
    const during = await askMany(40, 4)
    expect(statuses(during)).toEqual([200])
    const tried = during.filter(({ body }) => body.metadata.attempts[0].provider === 'gemini')
    expect(tried.length).toBeLessThanOrEqual(12)
    expect(await health('gemini')).toBe('open')

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
    expect(await health('gemini')).toBe('ok')
  })

  it('is noticed by its silence when it answers nothing at all', async () => {
    await askMany(4, 2)
    behave('gemini', { always: 'hang' })
    const answers = await askMany(36, 12)
    expect(statuses(answers)).toEqual([200])
    const last = answers.slice(-12)
    expect(last.some(({ body }) => body.metadata.attempts[0].provider === 'gemini')).toBe(false)
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
  it('is asked again only after the time that it names', async () => {
    behave('gemini', { always: 'rate_limited_with_hint', retryAfterMs: 20_000 })
    const startMs = performance.now()
    const answers = await askMany(60, 6)
    expect(statuses(answers)).toEqual([200])
    // Every 20 s to 30 s, scaled to 200 ms to 300 ms, those ask that slow start lets through together.
    const pauses = Math.ceil((performance.now() - startMs) / 200)
    expect(creates('gemini')).toBeLessThanOrEqual(4 + 2 * pauses)
    expect(creates('gemini')).toBeLessThan(30)
  })

  it('is waited for when there is no other and the wait is short', async () => {
    gateway.emulators.gemini.setScenario({ next: ['rate_limited_with_hint'], retryAfterMs: 8_000 })
    const { status, body } = await ask({ provider: { only: ['gemini'] } })
    expect(status).toBe(200)
    expect(body.metadata.attempts.map((attempt: { status: string }) => attempt.status)).toEqual([
      'failed',
      'completed',
    ])
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
