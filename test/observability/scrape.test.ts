import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { labelsOf } from '#src/start-metrics.ts'
import { valuesOf } from '#src/telemetry/create-metrics.ts'
import { METRICS, type MetricDefinition, OTHER } from '#src/telemetry/metrics.ts'
import { createWholeCatalog, FIRST_MODEL } from '#test/helpers/models.ts'
import { startTestGateway, TEST_KEY, type TestGateway } from '#test/helpers/start-test-gateway.ts'
import { type MixedRun, PLANTED, runMixed } from './mixed-run.ts'
import { familyOf, readSamples, type Sample, total } from './read-metrics.ts'

const ADMIN_KEY = 'planted-admin-key'

let gateway: TestGateway
let run: MixedRun
let text: string
let samples: Sample[]

beforeAll(async () => {
  gateway = await startTestGateway({ environment: { GATEWAY_ADMIN_KEY: ADMIN_KEY } })
  run = await runMixed(gateway)
  const headers = { authorization: `Bearer ${ADMIN_KEY}` }
  text = await (await fetch(`${gateway.url}/metrics`, { headers })).text()
  samples = readSamples(text)
})
afterAll(() => gateway.close())

describe('the metrics after a mixed run', () => {
  it('count requests as they ended', () => {
    expect(run.statuses).toEqual([200, 200, 200, 200, 200, 200, 400, 404, 400, 401, 404])
    const count = (endpoint: string, model: string, outcome: string) =>
      total(samples, 'fresnel_requests_total', { endpoint, model, outcome })
    expect(count('generations', FIRST_MODEL, 'completed')).toBe(5)
    expect(count('edits', FIRST_MODEL, 'completed')).toBe(1)
    expect(count('generations', FIRST_MODEL, 'rejected')).toBe(2)
    expect(count('generations', OTHER, 'rejected')).toBe(1)
    expect(total(samples, 'fresnel_requests_total')).toBe(9)
    const codes = samples.filter(
      ({ name, value }) => name === 'fresnel_request_errors_total' && value > 0,
    )
    expect(codes.map(({ labels, value }) => [labels['code'], value])).toEqual([
      ['INVALID_REQUEST', 1],
      ['CONTENT_POLICY_VIOLATION', 1],
      ['MODEL_NOT_FOUND', 1],
    ])
  })

  it('count images, attempts and money as the answers tell them', () => {
    expect(total(samples, 'fresnel_images_total', { model: FIRST_MODEL })).toBe(run.images)
    expect(total(samples, 'fresnel_cost_usd_total', { purpose: 'request' })).toBeCloseTo(
      run.costUsd,
      9,
    )
    for (const { provider, outcome } of run.attempts) {
      const told = run.attempts.filter(
        (other) => other.provider === provider && other.outcome === outcome,
      )
      expect(total(samples, 'fresnel_attempts_total', { provider, outcome })).toBe(told.length)
    }
    // The refused request told of no attempts.
    expect(total(samples, 'fresnel_attempts_total')).toBe(run.attempts.length + 1)
    const refused = { provider: 'gemini', outcome: 'content_rejected' }
    expect(total(samples, 'fresnel_attempts_total', refused)).toBe(1)
  })

  it('time what was served', () => {
    expect(total(samples, 'fresnel_time_to_image_seconds_count')).toBe(6)
    expect(total(samples, 'fresnel_upstream_seconds_count', { status: 'completed' })).toBe(7)
    expect(total(samples, 'fresnel_gateway_overhead_seconds_count')).toBe(9)
    const all = total(samples, 'fresnel_time_to_image_seconds_sum')
    expect(all).toBeGreaterThan(0)
    expect(total(samples, 'fresnel_gateway_overhead_seconds_sum')).toBeLessThan(all)
  })

  it('count answers of the API by route and status', () => {
    const answers = samples
      .filter(({ name }) => name === 'fresnel_http_responses_total')
      .map(({ labels, value }) => `${labels['route']} ${labels['status']} ${value}`)
    expect(answers.sort()).toEqual([
      'images_edits 200 1',
      'images_generations 200 5',
      'images_generations 400 2',
      'images_generations 401 1',
      'images_generations 404 1',
      'other 404 1',
    ])
  })

  it('count what was not done as asked, under the name of the parameter', () => {
    const warnings = { type: 'unsupported', param: 'quality' }
    expect(total(samples, 'fresnel_warnings_total', warnings)).toBe(1)
  })

  it('show how routing sees each offering, in both modes', async () => {
    const offerings = samples.filter(({ name }) => name === 'fresnel_offering_success_ratio')
    const { models } = await createWholeCatalog()
    const all = models.flatMap((model) =>
      model.offerings.flatMap(({ configKey, modes }) =>
        modes.map((mode) => `${configKey} ${mode}`),
      ),
    )
    expect(all).toContain(`fal/${FIRST_MODEL}-edit image_edit`)
    expect(all).toContain(`gemini/${FIRST_MODEL} text_to_image`)
    expect(offerings.map(({ labels }) => `${labels['offering']} ${labels['mode']}`).sort()).toEqual(
      all.sort(),
    )
    for (const { value } of offerings) expect(value > 0 && value <= 1).toBe(true)
    const providers = models.map(({ offerings }) => new Set(offerings.map((one) => one.provider)))
    const states = providers.reduce((sum, { size }) => sum + size, 0)
    expect(total(samples, 'fresnel_provider_state', { state: 'ok' })).toBe(states)
    expect(total(samples, 'fresnel_provider_state')).toBe(states)
  })

  it('have no label value from outside its closed set', async () => {
    const catalog = labelsOf(await createWholeCatalog())
    const definitions = new Map(Object.entries<MetricDefinition>(METRICS))
    const histograms = new Set(
      [...definitions].filter(([, { type }]) => type === 'histogram').map(([name]) => name),
    )
    const ours = samples.filter(
      ({ name }) => name.startsWith('fresnel_') && name !== 'fresnel_build_info',
    )
    expect(ours.length).toBeGreaterThan(200)
    for (const sample of ours) {
      const definition = definitions.get(familyOf(sample, histograms))
      expect(definition, sample.name).toBeDefined()
      for (const [label, value] of Object.entries(sample.labels)) {
        if (label === 'le') continue
        const allowed = valuesOf(definition?.labels[label] ?? [], catalog)
        expect([...allowed, OTHER], `${sample.name}{${label}}`).toContain(value)
      }
    }
  })

  it('hold no prompt, key or id', () => {
    const keys = Object.entries(gateway.emulators.environment)
      .filter(([name]) => /KEY|TOKEN/.test(name))
      .map(([, value]) => value)
    const secrets = [PLANTED, TEST_KEY, ADMIN_KEY, 'planted', 'req_', 'lighthouse', ...keys]
    for (const secret of secrets) expect(text).not.toContain(secret)
  })
})

it('shows the bodies of a call in flight, and nothing once it is answered', async () => {
  const read = async () => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const body = await (await fetch(`${gateway.url}/metrics`, { headers })).text()
    const now = readSamples(body)
    return {
      calls: total(now, 'fresnel_requests_in_flight'),
      received: total(now, 'fresnel_in_flight_bytes', { direction: 'received' }),
      attempts: total(now, 'fresnel_attempts_in_flight', { provider: 'gemini' }),
    }
  }
  gateway.emulators.gemini.setScenario({ always: 'hang' })
  const leaving = new AbortController()
  const body = JSON.stringify({ model: `gemini/${FIRST_MODEL}`, prompt: PLANTED })
  const hanging = fetch(`${gateway.url}/v1/images/generations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' },
    body,
    signal: leaving.signal,
  }).catch(() => undefined)
  // The reading call is in flight, too.
  await expect
    .poll(read, { timeout: 10_000 })
    .toEqual({ calls: 2, received: body.length, attempts: 1 })
  leaving.abort()
  await hanging
  await expect.poll(read, { timeout: 10_000 }).toEqual({ calls: 1, received: 0, attempts: 0 })
})
