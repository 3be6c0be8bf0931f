import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { EMULATOR_KEYS, type Emulator, type Emulators } from '#test/emulators/emulator.ts'
import type { Fault } from '#test/emulators/scenario.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  askGemini,
  failureOf,
  GOOGLE_MODEL,
  googleBody,
  googleParts,
} from '#test/emulators/wire-client.ts'

let emulators: Emulators
let gemini: Emulator

beforeAll(async () => {
  emulators = await startEmulators({ only: ['gemini'] })
  gemini = emulators.gemini
})
afterEach(() => {
  gemini.setScenario({})
  gemini.clearCalls()
})
afterAll(() => emulators.close())

const fail = async (fault: Fault) => {
  gemini.setScenario({ next: [fault] })
  return askGemini(gemini)
}

describe('the faults of the Gemini API', () => {
  it.each([
    ['rate_limited', 429, { status: 'RESOURCE_EXHAUSTED' }],
    ['bad_key', 400, { details: [{ reason: 'API_KEY_INVALID' }, {}] }],
    ['server_error', 500, { status: 'INTERNAL' }],
    ['unavailable', 503, { message: 'The model is overloaded. Please try again later.' }],
    ['gateway_timeout', 504, { status: 'DEADLINE_EXCEEDED' }],
  ] as const)('answers %s with %i', async (fault, status, error) => {
    const answer = await fail(fault)
    expect(answer.status).toBe(status)
    expect(answer.json).toMatchObject({ error: { code: status, ...error } })
  })

  it('sends the status of a stalled error and never the end of its body', async () => {
    gemini.setScenario({ next: ['stalled_error'] })
    const response = await fetch(`${gemini.url}/v1beta/models/${GOOGLE_MODEL}:generateContent`, {
      method: 'POST',
      headers: { 'x-goog-api-key': EMULATOR_KEYS.gemini, 'content-type': 'application/json' },
      body: JSON.stringify(googleBody()),
      signal: AbortSignal.timeout(200),
    })
    expect(response.status).toBe(500)
    expect(await failureOf(response.text())).toBe('TimeoutError')
  })

  it('gives a bare 429 no details', async () => {
    expect((await fail('rate_limited')).json).toEqual({
      error: {
        code: 429,
        message: 'Resource has been exhausted (e.g. check quota).',
        status: 'RESOURCE_EXHAUSTED',
      },
    })
  })

  it('says in RetryInfo how long to wait', async () => {
    gemini.setScenario({ next: ['rate_limited_with_hint'], retryAfterMs: 1_500 })
    expect((await askGemini(gemini)).json).toMatchObject({
      error: {
        code: 429,
        details: [
          { violations: [{ quotaId: expect.stringContaining('PerMinute') }] },
          {},
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' },
        ],
      },
    })
  })

  it('names the day quota when it is spent, without a time to wait', async () => {
    const { text } = await fail('quota_exhausted')
    expect(text).toContain('PerDay')
    expect(text).not.toContain('RetryInfo')
  })

  it.each([
    ['refusal', { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }],
    ['refusal_output', { candidates: [{ finishReason: 'IMAGE_SAFETY' }] }],
    ['no_image', { candidates: [{ finishReason: 'NO_IMAGE' }] }],
    [
      'text_only',
      {
        candidates: [{ finishReason: 'STOP', content: { parts: [{ text: expect.any(String) }] } }],
      },
    ],
  ] as const)('answers %s with 200 and no image', async (fault, expected) => {
    const { status, json, text } = await fail(fault)
    expect(status).toBe(200)
    expect(json).toMatchObject(expected)
    expect(text).not.toContain('inlineData')
  })

  it('answers an empty list with usage and nothing else', async () => {
    const { json } = await fail('empty_list')
    expect(Object.keys(json as object)).toEqual(['usageMetadata', 'modelVersion', 'responseId'])
  })

  it('resets the connection before and inside the answer', async () => {
    expect(await failureOf(fail('reset_before_answer'))).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
    expect(gemini.calls.at(-1)).not.toHaveProperty('status')
    expect(await failureOf(fail('reset_inside_answer'))).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
    expect(gemini.count('create')).toBe(2)
  })

  it('never answers when it hangs', async () => {
    gemini.setScenario({ always: 'hang' })
    const url = `${gemini.url}/v1beta/models/${GOOGLE_MODEL}:generateContent`
    const headers = { 'x-goog-api-key': 'emulated-gemini-key' }
    const body = JSON.stringify(googleBody())
    const signal = AbortSignal.timeout(500)
    expect(await failureOf(fetch(url, { method: 'POST', headers, body, signal }))).toBe(
      'TimeoutError',
    )
    expect(gemini.calls[0]).not.toHaveProperty('status')
  })

  it('drips a slow answer until it is whole', async () => {
    gemini.setScenario({ next: ['slow_drip'], dripIntervalMs: 2 })
    const startedMs = performance.now()
    expect(googleParts((await askGemini(gemini)).json)).toHaveLength(1)
    expect(performance.now() - startedMs).toBeGreaterThan(30)
  })

  it('sends a page instead of JSON, and JSON cut off', async () => {
    const malformed = await fail('malformed_body')
    expect([malformed.status, malformed.headers.get('content-type')]).toEqual([200, 'text/html'])
    const truncated = await fail('truncated_body')
    expect([truncated.status, truncated.json]).toEqual([200, undefined])
    expect(truncated.text.length).toBeGreaterThan(1_000)
  })

  it('spends the next fates on well-formed requests only', async () => {
    gemini.setScenario({ next: ['unavailable'] })
    await askGemini(gemini, { contents: [] })
    expect((await askGemini(gemini)).status).toBe(503)
    expect((await askGemini(gemini)).status).toBe(200)
  })
})
