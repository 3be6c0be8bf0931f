import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { FAL_ERROR_CODES, type Fault } from '#test/emulators/scenario.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  ask,
  askFal,
  dataUri,
  type FalQueued,
  failureOf,
  plainPng,
  runFal,
  submitFal,
} from '#test/emulators/wire-client.ts'

let emulators: Emulators
let fal: Emulator

beforeAll(async () => {
  emulators = await startEmulators({ only: ['fal'] })
  fal = emulators.fal
})
afterEach(() => {
  fal.setScenario({})
  fal.clearCalls()
})
afterAll(() => emulators.close())

const EDIT = 'fal-ai/nano-banana-2/edit'

const failAtSubmit = (fault: Fault) => {
  fal.setScenario({ next: [fault] })
  return submitFal(fal)
}

const firstUrl = (json: unknown) => (json as { images: { url: string }[] }).images[0]?.url ?? ''

describe('the strictness of fal', () => {
  it.each([
    ['no key', {}],
    ['a bearer token', { authorization: 'Bearer emulated-fal-id:emulated-fal-secret' }],
    ['a wrong key', { authorization: 'Key nope' }],
  ])('refuses %s', async (_, headers) => {
    const url = `${fal.url}/fal-ai/nano-banana-2`
    const { status, json } = await ask(url, { method: 'POST', headers, body: '{}' })
    expect([status, json]).toEqual([401, { detail: expect.any(String) }])
    expect(fal.count('create')).toBe(1)
  })

  it('does not know other endpoints', async () => {
    expect((await submitFal(fal, {}, 'fal-ai/imagen4/preview')).status).toBe(404)
  })

  it.each([
    ['no prompt', {}, 'prompt', 'missing'],
    ['a resolution of Google', { prompt: 'x', resolution: '512' }, 'resolution', 'one_of'],
    ['an unknown ratio', { prompt: 'x', aspect_ratio: '9:21' }, 'aspect_ratio', 'one_of'],
    ['no image at all', { prompt: 'x', num_images: 0 }, 'num_images', 'greater_than_equal'],
    ['five images', { prompt: 'x', num_images: 5 }, 'num_images', 'less_than_equal'],
    ['an unknown format', { prompt: 'x', output_format: 'jpg' }, 'output_format', 'one_of'],
    ['a number as tolerance', { prompt: 'x', safety_tolerance: 4 }, 'safety_tolerance', 'one_of'],
    [
      'a thinking level of others',
      { prompt: 'x', thinking_level: 'HIGH' },
      'thinking_level',
      'one_of',
    ],
    ['a seed in words', { prompt: 'x', seed: 'one' }, 'seed', 'value_error'],
    ['a null', { prompt: 'x', seed: null }, 'seed', 'value_error'],
  ])('fails the job over %s', async (_, input, field, type) => {
    const { json } = await submitFal(fal, input)
    const { status_url, response_url } = json as FalQueued
    expect((await askFal(status_url)).json).toMatchObject({ status: 'COMPLETED', error_type: type })
    const { status, json: body, headers } = await askFal(response_url)
    expect([status, headers.get('x-fal-error-type')]).toEqual([422, type])
    expect(body).toMatchObject({
      detail: [{ loc: ['body', field], type, url: expect.any(String) }],
    })
  })

  it('ignores unknown keys unless told to refuse them', async () => {
    const input = { prompt: 'x', google_search: true }
    expect((await runFal(fal, input)).status).toBe(200)
    fal.setScenario({ rejectUnknownInput: true })
    expect((await runFal(fal, input)).json).toMatchObject({
      detail: [{ loc: ['body', 'google_search'], type: 'extra_forbidden' }],
    })
    expect(fal.calls[0]?.body).toEqual(input)
  })

  it('ignores image_urls on the text endpoint and needs them on the other', async () => {
    expect((await runFal(fal, { prompt: 'x', image_urls: ['nope'] })).status).toBe(200)
    expect((await runFal(fal, { prompt: 'x' }, EDIT)).json).toMatchObject({
      detail: [{ loc: ['body', 'image_urls'], type: 'missing' }],
    })
  })

  it('refuses a 15th image', async () => {
    const image_urls = Array.from({ length: 15 }, () => 'data:,')
    expect((await runFal(fal, { prompt: 'x', image_urls }, EDIT)).json).toMatchObject({
      detail: [{ type: 'too_long' }],
    })
  })

  it.each([
    ['image_load_error', () => dataUri(Buffer.from('no picture'))],
    ['file_download_error', () => `${fal.url}/files/none/none.png`],
    ['file_download_error', () => 'ftp://example.com/a.png'],
  ])('fails with %s over a bad input', async (type, url) => {
    const image_urls = [dataUri(await plainPng()), url()]
    const { status, json } = await runFal(fal, { prompt: 'x', image_urls }, EDIT)
    expect(status).toBe(422)
    expect(json).toMatchObject({ detail: [{ loc: ['body', 'image_urls', 1], type }] })
  })
})

describe('the faults of fal at the submission', () => {
  it.each([
    ['rate_limited', 429, 'true'],
    ['server_error', 500, 'true'],
    ['unavailable', 503, 'true'],
    ['gateway_timeout', 504, 'true'],
    ['bad_key', 401, null],
  ] as const)('answers %s with %i', async (fault, status, retryable) => {
    const answer = await failAtSubmit(fault)
    expect([answer.status, answer.headers.get('x-fal-retryable')]).toEqual([status, retryable])
  })

  it('hints in a header how long to wait', async () => {
    fal.setScenario({ next: ['rate_limited_with_hint'], retryAfterMs: 500 })
    expect((await submitFal(fal)).headers.get('retry-after')).toBe('0.5')
  })

  it('locks the user whose balance is gone', async () => {
    const { status, json } = await failAtSubmit('quota_exhausted')
    expect([status, json]).toEqual([
      403,
      {
        detail:
          'User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.',
      },
    ])
  })

  it.each(['reset_before_answer', 'reset_inside_answer'] as const)(
    'loses the answer by %s, not the job',
    async (fault) => {
      expect(await failureOf(failAtSubmit(fault))).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
      const { jobId } = fal.calls[0] ?? {}
      const url = `${fal.url}/fal-ai/nano-banana-2/requests/${jobId}`
      expect((await askFal(url)).status).toBe(200)
    },
  )

  it.each(['malformed_body', 'truncated_body'] as const)(
    'answers 200 and no JSON on %s',
    async (fault) => {
      const { status, json } = await failAtSubmit(fault)
      expect([status, json]).toEqual([200, undefined])
    },
  )

  it('never answers a submission that hangs', async () => {
    fal.setScenario({ always: 'hang_at_create' })
    const headers = { authorization: 'Key emulated-fal-id:emulated-fal-secret' }
    const signal = AbortSignal.timeout(50)
    const request = fetch(`${fal.url}/fal-ai/nano-banana-2`, { method: 'POST', headers, signal })
    expect(await failureOf(request)).toBe('TimeoutError')
  })
})

describe('the faults of fal in a job', () => {
  it.each(FAL_ERROR_CODES)('fails a job with %s', async (code) => {
    fal.setScenario({ next: [`job_failed:${code}`] })
    const { status_url, response_url } = (await submitFal(fal)).json as FalQueued
    const status = await askFal(status_url)
    expect([status.status, status.json]).toMatchObject([
      200,
      { status: 'COMPLETED', error: expect.any(String), error_type: code },
    ])
    const result = await askFal(response_url)
    expect(result.status).toBeGreaterThanOrEqual(400)
    expect(result.headers.get('x-fal-error-type')).toBe(code)
    expect(result.text).toContain(code)
  })

  it('words a refusal and a missing image as the model does', async () => {
    fal.setScenario({ next: ['refusal', 'no_image'] })
    const refused = await runFal(fal)
    expect(refused.status).toBe(422)
    expect(refused.json).toEqual({
      detail: [
        {
          loc: ['body', 'prompt'],
          msg: expect.stringContaining('flagged by a content checker'),
          type: 'content_policy_violation',
          url: 'https://docs.fal.ai/errors/#content_policy_violation',
          input: { prompt: 'A lighthouse at dusk' },
        },
      ],
    })
    expect((await runFal(fal)).json).toMatchObject({ detail: [{ type: 'no_media_generated' }] })
  })

  it('never finishes a job that hangs, but cancels it', async () => {
    fal.setScenario({ next: ['hang'] })
    const { status_url, cancel_url } = (await submitFal(fal)).json as FalQueued
    expect((await askFal(status_url)).json).toMatchObject({ status: 'IN_PROGRESS' })
    expect((await askFal(cancel_url, 'PUT')).status).toBe(202)
  })

  it('finishes without images on empty_list', async () => {
    fal.setScenario({ next: ['empty_list'] })
    expect((await runFal(fal)).json).toEqual({ images: [], description: '' })
  })

  it('spoils the file: dead, a web page, slow', async () => {
    fal.setScenario({ next: ['dead_file', 'bad_file', 'slow_drip'], dripIntervalMs: 2 })
    expect((await ask(firstUrl((await runFal(fal)).json))).status).toBe(404)
    const page = await ask(firstUrl((await runFal(fal)).json))
    expect([page.status, page.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ])
    const slowUrl = firstUrl((await runFal(fal)).json)
    const startedMs = performance.now()
    expect((await ask(slowUrl)).status).toBe(200)
    expect(performance.now() - startedMs).toBeGreaterThan(30)
  })

  it('spoils polls and results when told to, once each', async () => {
    const { status_url, response_url } = (await submitFal(fal)).json as FalQueued
    fal.setScenario({
      nextAt: { poll: ['reset_before_answer', 'unavailable'], result: ['truncated_body'] },
    })
    expect(await failureOf(askFal(status_url))).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
    expect((await askFal(status_url)).status).toBe(503)
    expect((await askFal(status_url)).status).toBe(200)
    expect((await askFal(response_url)).json).toBeUndefined()
    expect((await askFal(response_url)).status).toBe(200)
  })
})
