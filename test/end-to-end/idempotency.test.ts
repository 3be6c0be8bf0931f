import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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

const OTHER_KEY = 'another-key'

let gateway: TestGateway

beforeEach(async () => {
  gateway = await startTestGateway({
    environment: { GATEWAY_API_KEYS: `${TEST_KEY},${OTHER_KEY}` },
  })
})
afterEach(() => gateway.close())

const BODY = { model: FIRST_MODEL, prompt: 'a lighthouse' }

const ask = (key: string, part: object = {}, headers = {}) =>
  gateway.post(GENERATIONS, { ...BODY, ...part }, { 'idempotency-key': key, ...headers })

const slowly = (ms = 30_000) =>
  gateway.emulators.gemini.setScenario({ latency: { p50Ms: ms, p95Ms: ms } })

const untilCreated = async (count = 1): Promise<void> => {
  while (gateway.creates() < count) await sleep(5)
}

describe('requests with the same Idempotency-Key', () => {
  it('cost one generation when they come at the same time', async () => {
    slowly()
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask('parallel')))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(gateway.creates()).toBe(1)
    const replayed = answers.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')
    expect(replayed).toHaveLength(4)
    const ids = new Set(answers.map(({ body, headers }) => [body.id, headers.get('x-request-id')]))
    expect(new Set([...ids].flat()).size).toBe(1)
    for (const { body, headers } of answers) {
      expect(body.metadata).toEqual(answers[0]?.body.metadata)
      expect(headers.get('x-gateway-provider')).toBe('gemini')
      expect((await fetch(body.data[0].url)).status).toBe(200)
    }
  })

  it('are told the outcome later too, with a URL that is signed anew', async () => {
    const first = await ask('later')
    resetEmulators(gateway)
    const second = await ask('later')
    expect(gateway.creates()).toBe(0)
    expect([
      first.headers.get('idempotent-replayed'),
      second.headers.get('idempotent-replayed'),
    ]).toEqual([null, 'true'])
    const { data: firstData, ...firstRest } = first.body
    const { data, ...rest } = second.body
    expect(rest).toEqual(firstRest)
    expect(new URL(data[0].url).pathname).toBe(new URL(firstData[0].url).pathname)
    expect((await fetch(data[0].url)).headers.get('content-type')).toBe('image/png')
  })

  it('are given the same base64', async () => {
    const first = await ask('base64', { response_format: 'b64_json', n: 2 })
    const second = await ask('base64', { response_format: 'b64_json', n: 2 })
    expect(second.body).toEqual(first.body)
    expect(second.body.data).toHaveLength(2)
    expect(gateway.creates()).toBe(2)
  })

  it('are refused when their body or path is another one', async () => {
    await ask('taken')
    const { status, body } = await ask('taken', { prompt: 'another' })
    expect([status, body.error.code, body.error.param]).toEqual([
      400,
      'INVALID_REQUEST',
      'Idempotency-Key',
    ])
    const other = await gateway.post(
      '/v1/images/edits',
      { ...BODY, image: 'data:image/png;base64,AAAA' },
      { 'idempotency-key': 'taken' },
    )
    expect(other.status).toBe(400)
    expect(other.body.error.param).toBe('Idempotency-Key')
    expect(gateway.creates()).toBe(1)
  })

  it('conflict while the first is running', async () => {
    slowly()
    const first = ask('running')
    await untilCreated()
    const { status, body, headers } = await ask('running', { prompt: 'another' })
    expect([status, body.error.code, headers.get('x-should-retry')]).toEqual([
      409,
      'INVALID_REQUEST',
      'false',
    ])
    expect((await first).status).toBe(200)
  })

  it('are the same under both prefixes, and another under another API key', async () => {
    await ask('prefix')
    const headers = { 'idempotency-key': 'prefix' }
    expect((await gateway.post('/v1/images/generations', BODY, headers)).status).toBe(200)
    expect(gateway.creates()).toBe(1)
    const authorization = `Bearer ${OTHER_KEY}`
    await gateway.post(GENERATIONS, BODY, { ...headers, authorization })
    expect(gateway.creates()).toBe(2)
  })

  it('go on when the client leaves, and the repeat is given what came of it', async () => {
    slowly()
    const leaving = new AbortController()
    const left = fetch(gateway.url + GENERATIONS, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${TEST_KEY}`,
        'idempotency-key': 'left',
      },
      body: JSON.stringify(BODY),
      signal: leaving.signal,
    })
    await untilCreated()
    leaving.abort()
    await expect(left).rejects.toThrow()
    const { status, headers } = await ask('left')
    expect([status, headers.get('idempotent-replayed')]).toEqual([200, 'true'])
    expect(gateway.creates()).toBe(1)
  })

  it('are told a failure again that may have been paid for', async () => {
    gateway.emulators.gemini.setScenario({ always: 'no_image' })
    const part = { provider: { only: ['gemini'], allow_fallbacks: false } }
    const first = await ask('paid', part)
    const second = await ask('paid', part)
    expect([first.status, second.status]).toEqual([502, 502])
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('x-should-retry')).toBe('false')
    expect(gateway.creates()).toBe(1)
  })

  it('wait for another one no longer than their own deadline, and begin nothing then', async () => {
    slowly(60_000)
    const first = ask('patient')
    await untilCreated()
    const begunMs = performance.now()
    const { status, headers } = await ask('patient', {}, { 'x-gateway-timeout-ms': '200' })
    expect([status, headers.get('x-should-retry')]).toEqual([504, 'true'])
    expect(performance.now() - begunMs).toBeLessThan(550)
    await first
    expect(gateway.creates()).toBe(1)
  })

  it('that are read as JSON are refused like any other when they nest too deep', async () => {
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    const text = `{"model":"${FIRST_MODEL}","prompt":"p","deep":${nested}}`
    const { status, body } = await gateway.post(GENERATIONS, text, { 'idempotency-key': 'deep' })
    expect([status, body.error.param]).toEqual([400, 'deep'])
  })

  it('are tried again after a failure', async () => {
    for (const id of ['gemini', 'vertex', 'fal', 'replicate'] as const)
      gateway.emulators[id].setScenario({ always: 'unavailable' })
    expect((await ask('failing')).status).toBe(502)
    resetEmulators(gateway)
    expect((await ask('failing')).status).toBe(200)
  })

  it('are told a refusal again without asking', async () => {
    gateway.emulators.gemini.setScenario({ always: 'refusal' })
    const first = await ask('refused')
    resetEmulators(gateway)
    const second = await ask('refused')
    expect([first.status, second.status]).toEqual([400, 400])
    expect(second.body).toEqual(first.body)
    expect(second.body.error.code).toBe('CONTENT_POLICY_VIOLATION')
    expect(gateway.creates()).toBe(0)
  })

  it('are one edit although every form has another boundary', async () => {
    const picture = await makePicture()
    const edit = async (background = '#336699') => {
      const form = new FormData()
      form.set('model', FIRST_MODEL)
      form.set('prompt', 'night')
      const bytes = background === '#336699' ? picture : await makePicture('png', { background })
      form.set('image', new File([new Uint8Array(bytes)], 'picture.png'))
      return fetch(gateway.url + EDITS, {
        method: 'POST',
        headers: { authorization: `Bearer ${TEST_KEY}`, 'idempotency-key': 'form' },
        body: form,
      })
    }
    expect([(await edit()).status, (await edit()).status]).toEqual([200, 200])
    expect(gateway.creates()).toBe(1)
    expect((await edit('#ff0000')).status).toBe(400)
  })
})

it.each(['', ' ', 'ä', 'x'.repeat(256)])('refuses %j as an Idempotency-Key', async (key) => {
  const headers = new Headers({
    'content-type': 'application/json',
    authorization: `Bearer ${TEST_KEY}`,
  })
  headers.set('idempotency-key', Buffer.from(key, 'utf8').toString('latin1'))
  const answer = await fetch(gateway.url + GENERATIONS, {
    method: 'POST',
    headers,
    body: JSON.stringify(BODY),
  })
  expect(answer.status).toBe(400)
  expect(gateway.creates()).toBe(0)
})
