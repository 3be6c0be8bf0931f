import { describe, expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { rawRequest } from '#test/helpers/raw-request.ts'
import { freePort } from '#test/helpers/redis-server.ts'
import { GENERATIONS, startTestGateway, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

/** Of everything but hosted images and the reference. */
const OF_DATA = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
}

const ORIGIN = { origin: 'https://shop.example' }
const BODY = { model: FIRST_MODEL, prompt: 'a lighthouse' }

const gateway = await gatewayOfFile()
const port = Number(new URL(gateway.url).port)

const namedHeaders = (headers: Headers) =>
  Object.fromEntries(Object.keys(OF_DATA).map((name) => [name, headers.get(name)]))

const ask = (path: string, request: RequestInit = {}) =>
  fetch(gateway.url + path, {
    ...request,
    headers: { authorization: `Bearer ${TEST_KEY}`, ...ORIGIN, ...request.headers },
  })

const post = (part: object) =>
  ask(GENERATIONS, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...BODY, ...part }),
  })

describe('browsers are told to take as data and to frame nowhere', () => {
  it.each<[string, number, () => Promise<Response>]>([
    ['images', 200, () => post({})],
    ['a stream', 200, () => post({ stream: true })],
    ['a refusal', 400, () => post({ n: 99 })],
    ['models', 200, () => ask('/v1/models')],
    ['an answer without a key', 401, () => ask('/v1/models', { headers: { authorization: '' } })],
    ['what is not served', 404, () => ask('/nowhere')],
    ['what is not served so', 405, () => ask('/v1/models', { method: 'DELETE' })],
    ['health', 200, () => ask('/livez')],
    ['the OpenAPI document', 200, () => ask('/openapi.json')],
    ['a model’s page', 200, () => ask(`/v1/models/${FIRST_MODEL}/llms.txt`)],
  ])('%s (%i)', async (_name, status, send) => {
    const response = await send()
    const text = await response.text()
    expect(response.status, text).toBe(status)
    expect(namedHeaders(response.headers)).toEqual(OF_DATA)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('a URL that cannot be read', async () => {
    const { status, headers } = await ask('/v1/%E0%A4%A')
    expect([status, namedHeaders(headers)]).toEqual([400, OF_DATA])
  })

  it('what is no HTTP', async () => {
    const text = await rawRequest(port, 'nonsense\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    for (const [name, value] of Object.entries(OF_DATA)) expect(text).toContain(`${name}: ${value}`)
  })

  it('metrics on a port of their own', async () => {
    const adminPort = await freePort()
    const own = await startTestGateway({ environment: { ADMIN_PORT: String(adminPort) } })
    const { status, headers } = await fetch(`http://127.0.0.1:${adminPort}/metrics`)
    await own.close()
    expect([status, namedHeaders(headers)]).toEqual([200, OF_DATA])
  })
})

describe('pages of other origins', () => {
  it('may ask before they call', async () => {
    const response = await ask(GENERATIONS, {
      method: 'OPTIONS',
      headers: { 'access-control-request-method': 'POST', authorization: '' },
    })
    expect([response.status, namedHeaders(response.headers)]).toEqual([204, OF_DATA])
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('may show hosted images, which run nothing', async () => {
    const { body } = await gateway.post(GENERATIONS, { ...BODY, response_format: 'url' })
    const { url } = body.data[0] as { readonly url: string }
    const whole = await fetch(url)
    const forged = await fetch(`${gateway.url}/v1/media/none.png`)
    const answers = [
      whole,
      forged,
      await fetch(url, { method: 'HEAD' }),
      await fetch(url, { headers: { range: 'bytes=0-9' } }),
      await fetch(url, { headers: { 'if-none-match': whole.headers.get('etag') ?? '' } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 206, 304])
    for (const { headers } of answers) {
      expect(namedHeaders(headers)).toEqual({
        ...OF_DATA,
        'content-security-policy': "default-src 'none'",
        'cross-origin-resource-policy': 'cross-origin',
      })
    }
  })

  it('may not frame the reference, whose own policy stays', async () => {
    const { headers } = await ask('/docs/')
    const policy = headers.get('content-security-policy')
    expect(policy).toMatch(/^default-src 'none'; script-src 'self' 'sha256-/)
    expect(policy).toMatch(/; frame-ancestors 'none'$/)
    expect(namedHeaders(headers)).toEqual({ ...OF_DATA, 'content-security-policy': policy })
  })
})
