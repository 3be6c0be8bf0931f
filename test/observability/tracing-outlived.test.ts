import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import {
  attemptSpan,
  callSpan,
  fetchSpan,
  generationSpan,
  hostingSpan,
  NOTHING_CAME,
} from './expected-spans.ts'
import { startTracedGateway, type TracedGateway } from './traced-gateway.ts'

let gateway: TracedGateway
const start = async (environment?: Record<string, string>) => {
  gateway = await startTracedGateway(environment)
}
afterEach(() => gateway.close())

const GEMINI = `gemini/${FIRST_MODEL}`
const SLOW = { latency: { p50Ms: 30_000, p95Ms: 30_001 } }
const CANCELLED = { ...NOTHING_CAME, 'fresnel.outcome': 'cancelled' }

const ask = (part: object = {}, headers = {}) =>
  gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: 'p', ...part }, headers)

const untilEnded = (id: string) =>
  expect
    .poll(async () => (await gateway.get(`/v1/requests/${id}`)).body.status, { timeout: 5_000 })
    .not.toBe('pending')

describe('the trace of a request that is answered later', () => {
  it('shows the call until its answer, and the work until its end', async () => {
    await start()
    gateway.emulators.gemini.setScenario(SLOW)
    const { status, body } = await ask({ model: GEMINI }, { prefer: 'respond-async' })
    expect(status).toBe(202)
    await untilEnded(body.id)
    const spans = await gateway.endSpans()
    const parts = [hostingSpan('png')]
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [generationSpan([attemptSpan(gateway, 'gemini', {}, { parts })])], {
        status: 202,
      }),
    ])
    const [call, work] = [spans.find(({ kind }) => kind === 'server'), spans.at(-1)]
    expect(work?.name).toBe('generate images')
    expect(work?.endNs).toBeGreaterThan(call?.endNs ?? 0n)
  })
})

describe('the trace of a request with an idempotency key', () => {
  it('goes on when its client leaves, and the repeat is a call alone', async () => {
    await start()
    gateway.emulators.gemini.setScenario(SLOW)
    const headers = { 'idempotency-key': 'once' }
    const body = JSON.stringify({ model: GEMINI, prompt: 'p', response_format: 'b64_json' })
    const leaving = new AbortController()
    const asked = fetch(gateway.url + GENERATIONS, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${TEST_KEY}`,
        ...headers,
      },
      body,
      signal: leaving.signal,
    })
    await expect.poll(() => gateway.emulators.gemini.count('create')).toBe(1)
    leaving.abort()
    await expect(asked).rejects.toThrow()
    expect((await gateway.post(GENERATIONS, body, headers)).status).toBe(200)
    const parts = [hostingSpan('png')]
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [generationSpan([attemptSpan(gateway, 'gemini', {}, { parts })])], {
        status: 499,
      }),
      callSpan(gateway, []),
    ])
  })

  it('shows the job of an earlier request that is brought to its end', async () => {
    await start()
    const once = () =>
      ask({ model: `fal/${FIRST_MODEL}`, response_format: 'url' }, { 'idempotency-key': 'k' })
    await rm(gateway.mediaDir, { recursive: true })
    await writeFile(gateway.mediaDir, 'no folder')
    expect((await once()).status).toBe(500)
    await rm(gateway.mediaDir)
    expect((await once()).status).toBe(200)
    const parts = [fetchSpan(gateway.emulators.fal.url, 'provider_output'), hostingSpan('png')]
    const adopted = attemptSpan(
      gateway,
      'fal',
      { 'fresnel.attempt.purpose': 'adoption' },
      { parts },
    )
    const [, repeat] = await gateway.endTrees()
    expect(repeat).toEqual(callSpan(gateway, [generationSpan([adopted])]))
  })
})

describe('the trace of a request that hedges', () => {
  it('shows that the slower attempt was cancelled, which is no failure', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fresnel-tracing-'))
    const file = join(folder, 'fresnel.json')
    // The second is begun at the usual age of a success, long before the first is given up.
    await writeFile(file, JSON.stringify({ routing: { hedgeSigmas: 0 } }))
    await start({ CONFIG_FILE: file })
    await rm(folder, { recursive: true })
    gateway.emulators.gemini.setScenario({ always: 'hang' })
    await ask({
      provider: { hedge: 'billed', only: ['gemini', 'vertex'] },
      response_format: 'b64_json',
    })
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [
        generationSpan([attemptSpan(gateway, 'gemini', CANCELLED), attemptSpan(gateway, 'vertex')]),
      ]),
    ])
  })
})

describe('the trace of a probe', () => {
  it('is a part of the request that it is a copy of', async () => {
    await start()
    gateway.emulators.gemini.setScenario({ always: 'unavailable' })
    await expect
      .poll(
        async () => {
          await ask({ provider: { order: ['gemini'] } })
          return gateway.logText()
        },
        { timeout: 15_000 },
      )
      .toContain('"msg":"probe"')
    const spans = await gateway.endSpans()
    const probe = spans.find(({ attributes }) => attributes['fresnel.attempt.purpose'] === 'probe')
    const request = spans.find(({ spanId }) => spanId === probe?.parentSpanId)
    expect([probe?.status, probe?.attributes['error.type']]).toEqual(['error', 'overloaded'])
    expect([request?.name, request?.status]).toEqual(['generate images', 'unset'])
  })
})
