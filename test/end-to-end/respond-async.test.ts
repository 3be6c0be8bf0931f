import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import {
  EDITS,
  GENERATIONS,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const BODY = { model: FIRST_MODEL, prompt: 'a lighthouse' }
const ASYNC = { prefer: 'respond-async' }

let gateway: TestGateway
let receiver: Server
let hookUrl: string
/** Bodies of webhooks that came, their signatures checked. */
// biome-ignore lint/suspicious/noExplicitAny: tests read bodies of several shapes and assert what they read.
let hooks: any[]

beforeEach(async () => {
  hooks = []
  receiver = createServer(async (request, response) => {
    const body = JSON.stringify(await json(request))
    hooks.push(new Webhook(SECRET).verify(body, request.headers as Record<string, string>))
    response.end()
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const { port } = receiver.address() as AddressInfo
  hookUrl = `http://127.0.0.1:${port}/hook`
  gateway = await startTestGateway({
    environment: { WEBHOOK_SIGNING_SECRET: SECRET, OUTBOUND_ALLOW: `127.0.0.1:${port}` },
  })
})
afterEach(async () => {
  await gateway.close()
  receiver.closeAllConnections()
  receiver.close()
})

const ask = (part: object = {}, headers = {}) =>
  gateway.post(GENERATIONS, { ...BODY, ...part }, { ...ASYNC, ...headers })

const untilEnded = async (id: string) => {
  await expect
    .poll(async () => (await gateway.get(`/v1/requests/${id}`)).body.status, { timeout: 5_000 })
    .not.toBe('pending')
  return (await gateway.get(`/v1/requests/${id}`)).body
}

describe('a request with Prefer: respond-async', () => {
  it('is answered at once, and its result hangs on the request when it is there', async () => {
    const { status, headers, body } = await ask({ n: 2, user: 'me' })
    expect(status).toBe(202)
    expect(headers.get('location')).toBe(`/v1/requests/${body.id}`)
    expect(headers.get('preference-applied')).toBe('respond-async')
    expect(headers.get('x-request-id')).toBe(body.id)
    expect(body).toMatchObject({
      object: 'request',
      status: 'pending',
      model: FIRST_MODEL,
      endpoint: GENERATIONS,
      provider: null,
      attempts: [],
      cost: 0,
      user: 'me',
    })
    expect('result' in body).toBe(false)
    const ended = await untilEnded(body.id)
    expect(ended).toMatchObject({ id: body.id, status: 'completed', provider: 'gemini' })
    expect(ended.created_at).toBe(body.created_at)
    expect(ended.result).toMatchObject({
      id: body.id,
      data: [{ url: expect.any(String) }, { url: expect.any(String) }],
      metadata: { provider: 'gemini', partial: false },
    })
    for (const { url } of ended.result.data) expect((await fetch(url)).status).toBe(200)
    expect(gateway.creates()).toBe(2)
  })

  it('gives base64 where that was asked for', async () => {
    const { body } = await ask({ response_format: 'b64_json' })
    const { result } = await untilEnded(body.id)
    const bytes = Buffer.from(result.data[0].b64_json, 'base64')
    expect(bytes.subarray(1, 4).toString()).toBe('PNG')
  })

  it('can be an edit', async () => {
    const form = new FormData()
    form.set('model', FIRST_MODEL)
    form.set('prompt', 'night')
    form.set('image', new File([new Uint8Array(await makePicture())], 'picture.png'))
    const answer = await fetch(gateway.url + EDITS, {
      method: 'POST',
      headers: { authorization: `Bearer ${TEST_KEY}`, ...ASYNC },
      body: form,
    })
    expect(answer.status).toBe(202)
    const { id } = (await answer.json()) as { id: string }
    expect((await untilEnded(id)).result.data).toHaveLength(1)
  })

  it('that is wrong is refused at once, and nothing is sent', async () => {
    const { status, body } = await ask({ output_format: 'bmp' })
    expect([status, body.error.param]).toEqual([400, 'output_format'])
    expect((await ask({ stream: true })).body.error.param).toBe('stream')
    expect(gateway.creates()).toBe(0)
  })

  it('that fails says so', async () => {
    gateway.emulators.gemini.setScenario({ always: 'refusal' })
    const { body } = await ask()
    const ended = await untilEnded(body.id)
    expect(ended).toMatchObject({ status: 'rejected', error_code: 'CONTENT_POLICY_VIOLATION' })
    expect('result' in ended).toBe(false)
  })

  it('goes on when the client has long gone, and holds the shutdown until it is done', async () => {
    gateway.emulators.gemini.setScenario({ latency: { p50Ms: 50_000, p95Ms: 50_000 } })
    await ask({ webhook_url: hookUrl })
    await expect.poll(() => gateway.creates()).toBe(1)
    await gateway.close()
    expect(hooks).toHaveLength(1)
    gateway = await startTestGateway()
  })

  it('costs once under one Idempotency-Key, and is one request', async () => {
    const key = { 'idempotency-key': 'once' }
    const answers = await Promise.all([ask({}, key), ask({}, key), ask({}, key)])
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    const ids = new Set(answers.map(({ body }) => body.id))
    expect(ids.size).toBe(1)
    const [id = ''] = ids
    await untilEnded(id)
    const later = await ask({}, key)
    expect([later.status, later.body.id, later.body.status]).toEqual([202, id, 'completed'])
    expect(gateway.creates()).toBe(1)
    const now = await gateway.post(GENERATIONS, BODY, key)
    expect([now.status, now.body.error.param]).toEqual([400, 'Idempotency-Key'])
  })

  it('refuses an id that was taken on before', async () => {
    const named = { 'x-request-id': 'my-request' }
    expect((await ask({}, named)).status).toBe(202)
    expect((await ask({}, named)).status).toBe(409)
    const { result, ...ended } = await untilEnded('my-request')
    expect(gateway.creates()).toBe(1)
    // The refused one says nothing of the one that was taken on.
    expect((await ask({}, named)).status).toBe(409)
    expect((await gateway.get('/v1/requests/my-request')).body).toEqual({
      ...ended,
      result: { ...result, data: [expect.anything()] },
    })
  })
})

describe('a webhook', () => {
  it('is posted and signed when the result is there, with URLs whatever was asked for', async () => {
    const { body } = await ask({ webhook_url: hookUrl, response_format: 'b64_json' })
    await expect.poll(() => hooks.length, { timeout: 5_000 }).toBe(1)
    expect(hooks[0]).toMatchObject({
      type: 'image.completed',
      data: { id: body.id, status: 'completed', result: { data: [{ url: expect.any(String) }] } },
    })
    expect((await fetch(hooks[0].data.result.data[0].url)).status).toBe(200)
    expect(JSON.stringify(gateway.emulators.gemini.calls)).not.toContain('webhook')
  })

  it('tells of a failure too', async () => {
    gateway.emulators.gemini.setScenario({ always: 'refusal' })
    await ask({ webhook_url: hookUrl })
    await expect.poll(() => hooks.length, { timeout: 5_000 }).toBe(1)
    expect(hooks[0]).toMatchObject({
      type: 'image.failed',
      data: { status: 'rejected', error_code: 'CONTENT_POLICY_VIOLATION' },
    })
  })

  it('may be named in capitals', async () => {
    await ask({ webhook_url: hookUrl.replace('http:', 'HTTP:') })
    await expect.poll(() => hooks.length, { timeout: 5_000 }).toBe(1)
  })

  it('to a private address is refused before anything is sent', async () => {
    const { status, body } = await ask({ webhook_url: 'https://127.0.0.1/hook' })
    expect([status, body.error.param]).toEqual([400, 'webhook_url'])
    expect(gateway.creates()).toBe(0)
  })

  it('without Prefer: respond-async is a warning', async () => {
    const { body } = await gateway.post(GENERATIONS, { ...BODY, webhook_url: hookUrl })
    expect(body.warnings).toEqual([expect.objectContaining({ param: 'webhook_url' })])
    expect(hooks).toEqual([])
  })
})
