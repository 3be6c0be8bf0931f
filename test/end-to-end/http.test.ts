import { describe, expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { rawRequest } from '#test/helpers/raw-request.ts'
import { GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

const prompt = { model: FIRST_MODEL, prompt: 'p' }

const gateway = await gatewayOfFile()

describe('every answer', () => {
  it('carries a request id, and keeps a sane one of the client', async () => {
    const fresh = await gateway.post(GENERATIONS, prompt)
    expect(fresh.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/)
    expect(fresh.body.id).toBe(fresh.headers.get('x-request-id'))
    const kept = await gateway.get('/v1/models', { 'x-request-id': 'my.request-1' })
    expect(kept.headers.get('x-request-id')).toBe('my.request-1')
    // A URL cannot end with `.` or `..`: such a request could never be asked for.
    for (const unfit of ['a b', '.', '..', ':-_']) {
      const replaced = await gateway.get('/nowhere', { 'x-request-id': unfit })
      expect(replaced.headers.get('x-request-id')).toMatch(/^req_/)
    }
  })

  it('is exactly application/json when it is JSON', async () => {
    for (const path of [
      '/v1/models',
      `/v1/models/${FIRST_MODEL}`,
      '/nowhere',
      '/livez',
      '/readyz',
    ]) {
      expect((await gateway.get(path)).headers.get('content-type')).toBe('application/json')
    }
    expect((await gateway.post(GENERATIONS, prompt)).headers.get('content-type')).toBe(
      'application/json',
    )
  })

  it('tells how the request was routed and what time it took', async () => {
    const { headers } = await gateway.post(GENERATIONS, prompt)
    expect(headers.get('x-gateway-provider')).toBe('gemini')
    expect(headers.get('x-gateway-model')).toBe(`gemini/${FIRST_MODEL}`)
    expect(headers.get('x-gateway-attempts')).toBe('1')
    expect(Number(headers.get('x-gateway-overhead-ms'))).toBeGreaterThan(0)
    expect(Number(headers.get('openai-processing-ms'))).toBeGreaterThan(0)
  })
})

describe('authentication', () => {
  const ask = async (headers: Record<string, string>, path = '/v1/models') => {
    const response = await fetch(gateway.url + path, { headers })
    return { status: response.status, body: (await response.json()) as { error?: object } }
  }

  it.each([
    [{}, /No API key/],
    [{ authorization: 'Basic abc' }, /malformed/],
    [{ authorization: 'Bearer ' }, /malformed/],
    [{ authorization: 'Bearer other' }, /not known/],
  ])('refuses %j', async (headers, message) => {
    const { status, body } = await ask(headers as Record<string, string>)
    expect([status, body.error]).toEqual([
      401,
      {
        message: expect.stringMatching(message),
        type: 'authentication_error',
        param: null,
        code: 'AUTHENTICATION_FAILED',
      },
    ])
  })

  it('takes the scheme in any case', async () => {
    expect((await ask({ authorization: `bearer ${TEST_KEY}` })).status).toBe(200)
  })

  it('is not asked of health', async () => {
    expect(await ask({}, '/livez')).toEqual({ status: 200, body: { status: 'live' } })
    expect(await ask({}, '/readyz')).toEqual({ status: 200, body: { status: 'ready' } })
  })
})

describe('a request that cannot be read', () => {
  it.each<[string, string, Record<string, string>, number, RegExp]>([
    ['is no JSON', '{"model":', {}, 400, /not valid JSON/],
    ['is empty', '', {}, 400, /empty/],
    ['is a list', '[]', {}, 400, /JSON object/],
    ['is null', 'null', {}, 400, /JSON object/],
    [
      'names a prototype',
      '{"__proto__": {"a": 1}, "model": "m"}',
      {},
      400,
      /not valid JSON|cannot be read/,
    ],
    [
      'is a form',
      'model=m',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      /application\/json/,
    ],
    ['is text', '{}', { 'content-type': 'text/plain' }, 415, /application\/json/],
    ['is too long', `{"prompt":"${'x'.repeat(1_100_000)}"}`, {}, 413, /larger/],
  ])('gets a clear error when it %s', async (_what, body, headers, status, message) => {
    const answer = await gateway.post(GENERATIONS, body, headers)
    expect([answer.status, answer.body.error.code]).toEqual([status, 'INVALID_REQUEST'])
    expect(answer.body.error.message).toMatch(message)
    expect(gateway.creates()).toBe(0)
  })

  it.each([
    [{ prompt: 'p' }, 'model'],
    [{ model: 7, prompt: 'p' }, 'model'],
    [{ model: FIRST_MODEL }, 'prompt'],
    [{ ...prompt, n: '1' }, 'n'],
    [{ ...prompt, size: 'big' }, 'size'],
    [{ ...prompt, response_format: 'file' }, 'response_format'],
    [{ ...prompt, output_format: 'tiff' }, 'output_format'],
    [{ ...prompt, output_format: 'png', output_compression: 50 }, 'output_compression'],
    [{ ...prompt, stream: 'true' }, 'stream'],
    [{ ...prompt, stream: true, partial_images: 4 }, 'partial_images'],
    [{ ...prompt, image: 'https://example.com/a.png' }, 'image'],
    [{ ...prompt, provider: { only: 'fal' } }, 'provider.only'],
    [{ ...prompt, provider: { only: ['openai'] } }, 'provider.only'],
    [{ ...prompt, mask: 'data:image/png;base64,AAAA' }, 'mask'],
    [{ ...prompt, images: [{ image_url: 'https://example.com/a.png' }] }, 'images'],
    [{ ...prompt, image_url: 'https://example.com/a.png' }, 'image_url'],
    [{ ...prompt, aspect_ratio: '0:1' }, 'aspect_ratio'],
    [{ ...prompt, provider: { strict: true, ignore: ['Gemini'] } }, 'provider.ignore'],
    [{ ...prompt, deep: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) }, 'deep'],
  ])('gets a 400 that names the field: %j', async (body, param) => {
    const answer = await gateway.post(GENERATIONS, body)
    expect([answer.status, answer.body.error.param]).toEqual([400, param])
    expect(gateway.creates()).toBe(0)
  })

  it('treats null as absent', async () => {
    const nulls = { n: null, size: null, response_format: null, quality: null, provider: null }
    expect((await gateway.post(GENERATIONS, { ...prompt, ...nulls })).status).toBe(200)
  })

  it('gets the error object even when it is no HTTP', async () => {
    const port = Number(new URL(gateway.url).port)
    const answer = await rawRequest(port, 'GARBAGE\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('"code":"INVALID_REQUEST"')
    expect(answer.toLowerCase()).toContain('x-request-id: req_')
  })
})

describe('paths', () => {
  it('that are not served are a 404 that says what is', async () => {
    const { status, body } = await gateway.post('/openai/v1/images/variations', {})
    expect([status, body.error.code]).toEqual([404, 'NOT_FOUND'])
    expect(body.error.message).toContain('POST /openai/v1/images/generations')
  })

  it('that are not served are a 404 whatever the body', async () => {
    for (const body of ['{"broken', 'x'.repeat(2_000_000)]) {
      const { status, body: answer } = await gateway.post('/openai/v1/chat/completions', body)
      expect([status, answer.error.code]).toEqual([404, 'NOT_FOUND'])
    }
  })

  it('that are served under another method are a 405', async () => {
    const { status, headers } = await gateway.get(GENERATIONS)
    expect([status, headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('that cannot be decoded are a 400', async () => {
    const { status, body } = await gateway.get('/v1/models/%E0%A4%A')
    expect([status, body.error.code]).toEqual([400, 'INVALID_REQUEST'])
  })
})

describe('a browser', () => {
  const preflight = (path: string) =>
    fetch(gateway.url + path, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,x-stainless-os',
      },
    })

  it('may call after a preflight, which needs no key', async () => {
    const { status, headers } = await preflight(GENERATIONS)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-headers')).toBe(
      'authorization,content-type,x-stainless-os',
    )
    expect(headers.get('access-control-allow-methods')).toContain('POST')
  })

  it('may read the headers of answers and of errors', async () => {
    for (const body of [prompt, {}]) {
      const { headers } = await gateway.post(GENERATIONS, body, { origin: 'https://app.example' })
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(headers.get('access-control-expose-headers')).toContain('x-request-id')
    }
  })
})
