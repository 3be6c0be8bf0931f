import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { type Fault, REPLICATE_ERROR_CODES } from '#test/emulators/scenario.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  ask,
  askReplicate,
  createPrediction,
  dataUri,
  failureOf,
} from '#test/emulators/wire-client.ts'

let emulators: Emulators
let replicate: Emulator

beforeAll(async () => {
  emulators = await startEmulators({ only: ['replicate'] })
  replicate = emulators.replicate
})
afterEach(() => {
  replicate.setScenario({})
  replicate.clearCalls()
})
afterAll(() => emulators.close())

const fail = (fault: Fault) => {
  replicate.setScenario({ next: [fault] })
  return createPrediction(replicate)
}

describe('the strictness of Replicate', () => {
  it('refuses a missing token with 401', async () => {
    const url = `${replicate.url}/v1/models/google/nano-banana-2/predictions`
    const { status, json } = await ask(url, { method: 'POST', body: '{}' })
    expect([status, json]).toEqual([
      401,
      { title: 'Unauthenticated', detail: expect.any(String), status: 401 },
    ])
  })

  it('knows neither other models nor other predictions', async () => {
    const other = await createPrediction(replicate, undefined, {}, 'google/imagen-4')
    expect([other.status, other.json]).toEqual([404, { detail: expect.any(String), status: 404 }])
    expect((await askReplicate(replicate, '/v1/predictions/none')).status).toBe(404)
  })

  it.each([
    ['no prompt', {}, 'input', 'required'],
    ['a prompt that is no text', { prompt: 1 }, 'input.prompt', 'invalid_type'],
    ['the tier 0.5K', { prompt: 'x', resolution: '0.5K' }, 'input.resolution', 'enum'],
    ['the ratio auto', { prompt: 'x', aspect_ratio: 'auto' }, 'input.aspect_ratio', 'enum'],
    ['the format jpeg', { prompt: 'x', output_format: 'jpeg' }, 'input.output_format', 'enum'],
    ['the format webp', { prompt: 'x', output_format: 'webp' }, 'input.output_format', 'enum'],
    [
      'one image as text',
      { prompt: 'x', image_input: 'data:,' },
      'input.image_input',
      'invalid_type',
    ],
    [
      '15 images',
      { prompt: 'x', image_input: Array(15).fill('data:,') },
      'input.image_input',
      'array_max_items',
    ],
    [
      'an input that is no URI',
      { prompt: 'x', image_input: ['nope'] },
      'input.image_input.0',
      'format',
    ],
    [
      'a search that is no boolean',
      { prompt: 'x', google_search: 'yes' },
      'input.google_search',
      'invalid_type',
    ],
  ])('refuses %s', async (_, input, field, type) => {
    const { status, json } = await createPrediction(replicate, input)
    expect(status).toBe(422)
    expect(json).toEqual({
      title: 'Input validation failed',
      detail: expect.stringMatching(/^- input/),
      status: 422,
      invalid_fields: [{ type, field, description: expect.any(String) }],
    })
  })

  it('ignores unknown keys unless told to refuse them', async () => {
    const input = { prompt: 'x', seed: 1 }
    expect((await createPrediction(replicate, input)).status).toBe(201)
    expect(replicate.calls[0]?.body).toEqual({ input })
    replicate.setScenario({ rejectUnknownInput: true })
    expect((await createPrediction(replicate, input)).status).toBe(422)
  })

  it('refuses a data URI over 1 MB', async () => {
    const image_input = [dataUri(Buffer.alloc(800_000))]
    const { status, json } = await createPrediction(replicate, { prompt: 'x', image_input })
    expect([status, json]).toMatchObject([422, { invalid_fields: [{ type: 'max_size' }] }])
  })

  it('refuses a model in the body', async () => {
    const url = `${replicate.url}/v1/models/google/nano-banana-2/predictions`
    const body = JSON.stringify({ model: 'google/nano-banana-2', input: { prompt: 'x' } })
    const headers = { authorization: 'Bearer r8_emulatedReplicateToken' }
    const { status, text } = await ask(url, { method: 'POST', headers, body })
    expect([status, text.includes('Additional property model is not allowed')]).toEqual([422, true])
  })

  it.each([
    ['no picture', () => dataUri(Buffer.from('hello'))],
    ['out of reach', () => `${replicate.url}/files/none/none.png`],
  ])('fails the prediction over an input that is %s', async (_, url) => {
    const { json } = await createPrediction(replicate, { prompt: 'x', image_input: [url()] })
    expect(json).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/input/),
      output: null,
    })
  })

  it('refuses an upload without content', async () => {
    const { status } = await askReplicate(replicate, '/v1/files', 'POST', new FormData())
    expect(status).toBe(422)
  })
})

describe('the faults of Replicate at the create', () => {
  it.each([
    ['rate_limited', 429],
    ['quota_exhausted', 402],
    ['bad_key', 401],
    ['server_error', 500],
    ['unavailable', 503],
    ['gateway_timeout', 504],
  ] as const)('answers %s with %i', async (fault, status) => {
    const answer = await fail(fault)
    expect(answer.status).toBe(status)
    expect(answer.json).toMatchObject({ detail: expect.any(String), status })
    expect(answer.json).not.toHaveProperty('retry_after')
  })

  it('hints in the body how long to wait', async () => {
    replicate.setScenario({ next: ['rate_limited_with_hint'], retryAfterMs: 5_000 })
    const { json, headers } = await createPrediction(replicate)
    expect(json).toEqual({
      detail: expect.stringContaining('resets in ~5s.'),
      status: 429,
      retry_after: 5,
    })
    expect(headers.get('retry-after')).toBeNull()
  })

  it.each(['reset_before_answer', 'reset_inside_answer'] as const)(
    'loses the answer by %s, not the prediction',
    async (fault) => {
      expect(await failureOf(fail(fault))).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
      const { jobId } = replicate.calls[0] ?? {}
      expect((await askReplicate(replicate, `/v1/predictions/${jobId}`)).json).toMatchObject({
        status: 'succeeded',
      })
    },
  )

  it.each([
    ['malformed_body', 200],
    ['truncated_body', 201],
  ] as const)('answers no JSON on %s', async (fault, status) => {
    const answer = await fail(fault)
    expect([answer.status, answer.json]).toEqual([status, undefined])
  })

  it('never answers a create that hangs', async () => {
    replicate.setScenario({ always: 'hang_at_create' })
    const url = `${replicate.url}/v1/models/google/nano-banana-2/predictions`
    const headers = { authorization: 'Bearer r8_emulatedReplicateToken' }
    const body = JSON.stringify({ input: { prompt: 'x' } })
    const signal = AbortSignal.timeout(50)
    expect(await failureOf(fetch(url, { method: 'POST', headers, body, signal }))).toBe(
      'TimeoutError',
    )
  })
})

describe('the faults of Replicate in a prediction', () => {
  it.each(REPLICATE_ERROR_CODES)('ends a prediction with %s', async (code) => {
    const { json } = await fail(`job_failed:${code}`)
    const ending =
      code === 'canceled' || code === 'aborted'
        ? { status: code, error: null }
        : { status: 'failed', error: expect.stringContaining(code) }
    expect(json).toMatchObject({ ...ending, output: null })
  })

  it('flags a refused prompt with E005', async () => {
    expect((await fail('refusal')).json).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(
        /^The input or output was flagged as sensitive\..*\(E005\) \(\w+\)$/,
      ),
    })
  })

  it('succeeds with nothing on no_image and empty_list', async () => {
    expect((await fail('no_image')).json).toMatchObject({ status: 'succeeded', output: null })
    expect((await fail('empty_list')).json).toMatchObject({ status: 'succeeded', output: [] })
  })

  it('never finishes a prediction that hangs, but cancels it', async () => {
    replicate.setScenario({ next: ['hang'] })
    const { json } = await createPrediction(replicate, undefined, {})
    const { id } = json as { id: string }
    const path = `/v1/predictions/${id}`
    expect((await askReplicate(replicate, path)).json).toMatchObject({ status: 'processing' })
    expect((await askReplicate(replicate, `${path}/cancel`, 'POST')).json).toMatchObject({
      status: 'canceled',
    })
  })

  it('spoils the file: dead, a web page, slow', async () => {
    replicate.setScenario({ next: ['dead_file', 'bad_file', 'slow_drip'], dripIntervalMs: 2 })
    const outputOf = async () =>
      ((await createPrediction(replicate)).json as { output: string }).output
    expect((await ask(await outputOf())).status).toBe(404)
    expect((await ask(await outputOf())).headers.get('content-type')).toMatch('text/html')
    const slowUrl = await outputOf()
    const startedMs = performance.now()
    expect((await ask(slowUrl)).status).toBe(200)
    expect(performance.now() - startedMs).toBeGreaterThan(30)
  })

  it('spoils polls, cancels and files when told to, once each', async () => {
    const { id, output } = (await createPrediction(replicate)).json as {
      id: string
      output: string
    }
    const path = `/v1/predictions/${id}`
    replicate.setScenario({
      nextAt: { poll: ['reset_inside_answer'], cancel: ['server_error'], file: ['truncated_body'] },
    })
    expect(await failureOf(askReplicate(replicate, path))).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
    expect((await askReplicate(replicate, `${path}/cancel`, 'POST')).status).toBe(500)
    const cut = (await ask(output)).text.length
    expect((await ask(output)).text.length).toBeGreaterThan(cut)
    expect((await askReplicate(replicate, path)).status).toBe(200)
  })
})
