import { createSign } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { EMULATED_VERTEX_BEARER, type Emulator, type Emulators } from '#test/emulators/emulator.ts'
import type { Fault } from '#test/emulators/scenario.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { ask, askVertex, GOOGLE_MODEL, googleBody, inspect } from '#test/emulators/wire-client.ts'

let emulators: Emulators
let vertex: Emulator

beforeAll(async () => {
  emulators = await startEmulators({ only: ['vertex'] })
  vertex = emulators.vertex
})
afterEach(() => {
  vertex.setScenario({})
  vertex.clearCalls()
})
afterAll(() => emulators.close())

const projectPath = (location = 'global', model = GOOGLE_MODEL) =>
  `/v1beta1/projects/p1/locations/${location}/publishers/google/models/${model}:generateContent`

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const firstImage = (json: unknown) => {
  type Shape = { candidates: { content: { parts: { inlineData: { data: string } }[] } }[] }
  const part = (json as Shape).candidates[0]?.content.parts[0]
  return Buffer.from(part?.inlineData.data ?? '', 'base64')
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

const signAssertion = (claims: object) => {
  const unsigned = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`
  const key = emulators.vertexServiceAccount().private_key
  return `${unsigned}.${createSign('RSA-SHA256').update(unsigned).sign(key, 'base64url')}`
}

const requestToken = (assertion: string) =>
  ask(`${vertex.url}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion,
    }),
  })

const goodClaims = () => {
  const iat = Math.floor(Date.now() / 1_000)
  const { client_email: iss, token_uri: aud } = emulators.vertexServiceAccount()
  return {
    iss,
    aud,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    iat,
    exp: iat + 3_600,
  }
}

describe('Vertex AI', () => {
  it('answers on the express path with a key', async () => {
    const { status, json } = await askVertex(vertex)
    expect(status).toBe(200)
    expect(json).toMatchObject({
      candidates: [{ finishReason: 'STOP' }],
      usageMetadata: { trafficType: 'ON_DEMAND', candidatesTokenCount: 1120 },
      createTime: expect.any(String),
    })
  })

  it('answers on the project path with a bearer token', async () => {
    const headers = bearer(EMULATED_VERTEX_BEARER)
    expect((await askVertex(vertex, googleBody(), projectPath(), headers)).status).toBe(200)
  })

  it('honours the image output options', async () => {
    const imageOutputOptions = { mimeType: 'image/jpeg', compressionQuality: 10 }
    const low = await askVertex(vertex, googleBody({ imageConfig: { imageOutputOptions } }))
    expect(await inspect(firstImage(low.json))).toEqual({
      format: 'jpeg',
      width: 1024,
      height: 1024,
    })
    const better = { mimeType: 'image/jpeg', compressionQuality: 95 }
    const high = await askVertex(
      vertex,
      googleBody({ imageConfig: { imageOutputOptions: better } }),
    )
    expect(firstImage(high.json).length).toBeGreaterThan(firstImage(low.json).length)
  })

  it('exchanges the assertion of a service account for a token that it then accepts', async () => {
    const { status, json } = await requestToken(signAssertion(goodClaims()))
    expect(status).toBe(200)
    expect(json).toMatchObject({ token_type: 'Bearer', expires_in: 3_600 })
    const { access_token: token } = json as { access_token: string }
    const answer = await askVertex(vertex, googleBody(), projectPath(), bearer(token))
    expect(answer.status).toBe(200)
    expect([vertex.count('token'), vertex.count('create')]).toEqual([1, 1])
  })
})

describe('the strictness of Vertex AI', () => {
  it.each([
    ['a foreign signature', () => `${signAssertion(goodClaims()).slice(0, -8)}AAAAAAAA`],
    ['an expired assertion', () => signAssertion({ ...goodClaims(), exp: 1 })],
    ['another account', () => signAssertion({ ...goodClaims(), iss: 'who@example.com' })],
    ['no scope', () => signAssertion({ ...goodClaims(), scope: '' })],
  ])('refuses %s with invalid_grant', async (_, assertion) => {
    const { status, json } = await requestToken(assertion())
    expect([status, json]).toEqual([
      400,
      { error: 'invalid_grant', error_description: expect.any(String) },
    ])
  })

  it.each([
    ['an express call with a wrong key', undefined, { 'x-goog-api-key': 'nope' }, 400],
    ['an express call without one', undefined, {}, 403],
    ['a project call with a wrong token', projectPath(), bearer('nope'), 401],
    [
      'a project call with an API key',
      projectPath(),
      { 'x-goog-api-key': 'emulated-vertex-key' },
      401,
    ],
  ])('refuses %s', async (_, path, headers, status) => {
    expect((await askVertex(vertex, googleBody(), path, headers)).status).toBe(status)
  })

  it('serves image models in the location global only', async () => {
    const headers = bearer(EMULATED_VERTEX_BEARER)
    const path = projectPath('us-central1')
    const { status, json } = await askVertex(vertex, googleBody(), path, headers)
    expect(status).toBe(404)
    expect(json).toMatchObject({
      error: { message: expect.stringContaining('projects/p1/locations/us-central1/publishers') },
    })
  })

  it('does not know the dead preview id', async () => {
    const path = projectPath('global', 'gemini-3.1-flash-image-preview')
    const headers = bearer(EMULATED_VERTEX_BEARER)
    expect((await askVertex(vertex, googleBody(), path, headers)).status).toBe(404)
  })

  it.each([
    ['a wrong output type', { imageOutputOptions: { mimeType: 'image/webp' } }],
    ['a quality over 100', { imageOutputOptions: { compressionQuality: 101 } }],
    ['an unknown output option', { imageOutputOptions: { quality: 1 } }],
    ['a wrong person setting', { personGeneration: 'allow_all' }],
  ])('refuses %s', async (_, imageConfig) => {
    expect((await askVertex(vertex, googleBody({ imageConfig }))).status).toBe(400)
  })

  it('refuses an inline file over 7 MB', async () => {
    const data = Buffer.alloc(7 * 1024 * 1024 + 1).toString('base64')
    const parts = [{ text: 'x' }, { inlineData: { mimeType: 'image/png', data } }]
    const { status, text } = await askVertex(vertex, { contents: [{ parts }] })
    expect([status, text.includes('larger than the limit')]).toEqual([400, true])
  })

  it('accepts labels, which the Gemini API does not know', async () => {
    expect((await askVertex(vertex, googleBody({}, { labels: { team: 'a' } }))).status).toBe(200)
  })
})

describe('the faults of Vertex AI', () => {
  const fail = async (fault: Fault) => {
    vertex.setScenario({ next: [fault] })
    return askVertex(vertex)
  }

  it('gives a 429 no time to wait', async () => {
    const { status, json, headers } = await fail('rate_limited')
    expect([status, headers.get('retry-after')]).toEqual([429, null])
    expect(json).toEqual({
      error: {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        message: expect.stringContaining('Resource exhausted. Please try again later.'),
      },
    })
  })

  it('hints in a header when told to', async () => {
    const { headers } = await fail('rate_limited_with_hint')
    expect(headers.get('retry-after')).toBe('26')
  })

  it.each([
    ['quota_exhausted', 403],
    ['bad_key', 400],
    ['server_error', 500],
    ['unavailable', 503],
    ['gateway_timeout', 504],
  ] as const)('answers %s with %i', async (fault, status) => {
    expect((await fail(fault)).status).toBe(status)
  })

  it('explains a blocked prompt', async () => {
    expect((await fail('refusal')).json).toMatchObject({
      promptFeedback: {
        blockReason: 'PROHIBITED_CONTENT',
        blockReasonMessage: expect.any(String),
      },
    })
  })

  it('spoils the token endpoint when told to', async () => {
    vertex.setScenario({ nextAt: { token: ['unavailable'] } })
    expect((await requestToken('x')).status).toBe(503)
    expect((await requestToken('x')).status).toBe(400)
  })
})
