import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { OPENAPI_FILE } from '#src/cli/write-openapi.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { EMULATED_PROVIDERS } from '#test/emulators/emulator.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import {
  EDITS,
  GENERATIONS,
  resetEmulators,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'
import { createSchemaChecker, schemaOfAnswer } from './openapi-document.ts'

const document = JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as JsonObject
const { problemsOf } = createSchemaChecker(document, { isClosed: true })

const BODY = { model: FIRST_MODEL, prompt: 'a lighthouse' }
const BEARER = { authorization: `Bearer ${TEST_KEY}` }

interface Call {
  /** As the document has it. */
  readonly path: string
  readonly status: number
  /** What is called; absent: `path`. */
  readonly url?: string
  readonly method?: 'GET' | 'POST'
  readonly body?: object
  readonly headers?: Record<string, string>
}

describe('answers are as the OpenAPI document says:', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startTestGateway({ environment: { GATEWAY_ADMIN_KEY: 'admin-key' } })
  })
  afterEach(() => resetEmulators(gateway))
  afterAll(() => gateway.close())

  const send = ({ path, url = path, method = 'GET', body, headers }: Call): Promise<Response> => {
    const isForm = body instanceof FormData
    return fetch(gateway.url + url, {
      method,
      headers: {
        ...BEARER,
        ...(body && !isForm && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
    })
  }

  /** Calls, checks the answer, and gives its body. */
  const check = async (call: Call) => {
    const response = await send(call)
    const type = response.headers.get('content-type') ?? ''
    const answer = (await response.json()) as JsonObject
    expect([response.status, answer]).toEqual([call.status, answer])
    const method = (call.method ?? 'GET').toLowerCase()
    const place = schemaOfAnswer(document, { path: call.path, method, status: call.status, type })
    expect(problemsOf(answer, place)).toEqual([])
    return answer
  }

  const generate = (part: Partial<Call> = {}, more: object = {}) =>
    check({ path: GENERATIONS, method: 'POST', status: 200, body: { ...BODY, ...more }, ...part })

  it('images by URL, after a failover and with a warning', async () => {
    const firstTwo = EMULATED_PROVIDERS.slice(0, 2)
    for (const id of firstTwo) gateway.emulators[id].setScenario({ always: 'unavailable' })
    const answer = await generate({}, { quality: 'high', n: 2 })
    expect(answer).toMatchObject({ warnings: [{ type: 'unsupported' }], data: [{}, {}] })
  })

  it('images in base64', async () => {
    await generate({}, { response_format: 'b64_json' })
  })

  it('a dry run', async () => {
    await generate({ url: `${GENERATIONS}?dryRun=true` }, { n: 2 })
  })

  it('an edit, by form and by reference', async () => {
    const picture = await makePicture()
    const form = new FormData()
    form.set('model', FIRST_MODEL)
    form.set('prompt', 'make it night')
    form.set('image', new Blob([picture]), 'picture.png')
    await check({ path: EDITS, method: 'POST', status: 200, body: form })
    const image = `data:image/png;base64,${picture.toString('base64')}`
    await check({ path: EDITS, method: 'POST', status: 200, body: { ...BODY, image } })
  })

  it('the events of a stream', async () => {
    const response = await send({
      path: GENERATIONS,
      method: 'POST',
      status: 200,
      body: { ...BODY, stream: true, partial_images: 2, quality: 'high' },
      headers: { 'x-gateway-progress': 'true' },
    })
    const type = response.headers.get('content-type') ?? ''
    const place = schemaOfAnswer(document, { path: GENERATIONS, method: 'post', status: 200, type })
    const events = [...(await response.text()).matchAll(/^data: (.*)$/gm)]
    expect(events.length).toBeGreaterThan(3)
    for (const [, data = ''] of events) expect(problemsOf(JSON.parse(data), place)).toEqual([])
  })

  it('a request that is taken on, then pending or done', async () => {
    const answer = await generate({ status: 202, headers: { prefer: 'respond-async' } })
    const path = '/v1/requests/{id}'
    await check({ path, url: `/v1/requests/${answer['id']}`, status: 200 })
    await expect
      .poll(async () => (await gateway.get(`/v1/requests/${answer['id']}`)).body.status)
      .toBe('completed')
    await check({ path, url: `/v1/requests/${answer['id']}`, status: 200 })
  })

  it.each([
    ['/openai/v1/models', '/openai/v1/models?schema=true&all=true'],
    ['/openai/v1/models/{id}', `/openai/v1/models/${FIRST_MODEL}`],
    ['/openai/v1/models/{id}', `/openai/v1/models/fal/${FIRST_MODEL}?schema=true`],
    ['/v1/models/{id}/providers', `/v1/models/${FIRST_MODEL}/providers?history=hour`],
    ['/v1/requests', '/v1/requests?limit=1&summary=true'],
    ['/v1/models/{id}/routing', `/v1/models/${FIRST_MODEL}/routing`],
    ['/v1/usage', '/v1/usage?window=7d'],
    ['/v1/balance', '/v1/balance'],
    ['/livez', '/livez'],
    ['/readyz', '/readyz'],
    ['/openapi.json', '/openapi.json'],
  ])('%s as %s', async (path, url) => {
    await generate()
    await check({ path, url, status: 200 })
  })

  it.each<Call>([
    { path: GENERATIONS, method: 'POST', status: 400, body: { ...BODY, n: 11 } },
    { path: GENERATIONS, method: 'POST', status: 404, body: { ...BODY, model: 'no-such-model' } },
    {
      path: GENERATIONS,
      method: 'POST',
      status: 401,
      body: BODY,
      headers: { authorization: 'Bearer no' },
    },
    {
      path: GENERATIONS,
      method: 'POST',
      status: 415,
      body: BODY,
      headers: { 'content-type': 'text/plain' },
    },
    { path: '/openai/v1/models', url: '/openai/v1/models?schema=perhaps', status: 400 },
    { path: '/openai/v1/models/{id}', url: '/openai/v1/models/none', status: 404 },
    { path: '/v1/models/{id}/providers', url: '/v1/models/none/providers', status: 404 },
    { path: '/v1/models/{id}/llms.txt', url: '/v1/models/none/llms.txt', status: 404 },
    {
      path: '/v1/models/{id}/routing',
      url: `/v1/models/${FIRST_MODEL}/routing?sort=x`,
      status: 400,
    },
    { path: '/v1/usage', url: '/v1/usage?window=1y', status: 400 },
    { path: '/v1/requests', url: '/v1/requests?limit=0', status: 400 },
    { path: '/v1/requests/{id}', url: '/v1/requests/none', status: 404 },
    { path: '/v1/media/{file}', url: '/v1/media/none.png', status: 404 },
    { path: '/metrics', status: 401 },
  ])('the error $status of $path', async (call) => {
    await check(call)
  })

  it('the status, some of its offerings not well', async () => {
    gateway.emulators.replicate.setScenario({ always: 'bad_key' })
    await generate({ status: 502 }, { model: `replicate/${FIRST_MODEL}` })
    const headers = { authorization: 'Bearer admin-key' }
    const { providers } = await check({ path: '/v1/status', status: 200, headers })
    expect(providers).toContainEqual(expect.objectContaining({ status: 'down' }))
  })

  it('the error when no provider is left', async () => {
    for (const id of EMULATED_PROVIDERS) {
      gateway.emulators[id].setScenario({ always: 'unavailable' })
    }
    await generate({ status: 502 })
  })

  it('a hosted image with its type', async () => {
    const { data } = (await generate()) as unknown as { data: [{ url: string }] }
    const { pathname, search } = new URL(data[0].url)
    const { status, headers } = await send({
      path: '/v1/media/{file}',
      url: pathname + search,
      status: 200,
      headers: { range: 'bytes=0-9' },
    })
    const type = headers.get('content-type') ?? ''
    schemaOfAnswer(document, { path: '/v1/media/{file}', method: 'get', status, type })
    expect(status).toBe(206)
  })
})
