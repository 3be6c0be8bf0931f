import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'
import { MAX_FORM_BYTES, MAX_JSON_EDIT_BYTES } from '#src/http/limits.ts'
import { hasNginx, nginxReason, startNginx, type TestNginx } from '#test/helpers/nginx-server.ts'
import { freePort } from '#test/helpers/redis-server.ts'
import { GENERATIONS } from '#test/helpers/start-test-gateway.ts'

describe('docker/nginx/nginx.conf', () => {
  const text = readFileSync(new URL('../docker/nginx/nginx.conf', import.meta.url), 'utf8')
  const settingOf = (name: string) => new RegExp(`^ *${name} (.*);$`, 'm').exec(text)?.[1] ?? ''

  it('gives up later than the gateway, and takes what the gateway takes', () => {
    const { asyncTimeoutMs, requestTimeoutMs } = readConfig({ FAL_KEY: 'a:b' }, providerModules)
    const readTimeoutMs = Number.parseInt(settingOf('proxy_read_timeout'), 10) * 1000
    expect(readTimeoutMs).toBeGreaterThan(asyncTimeoutMs)
    expect(readTimeoutMs).toBeGreaterThan(requestTimeoutMs)
    const bodyBytes = Number.parseInt(settingOf('client_max_body_size'), 10) * 1024 ** 2
    expect(bodyBytes).toBeGreaterThan(Math.max(MAX_FORM_BYTES, MAX_JSON_EDIT_BYTES))
  })

  it('never repeats what was sent, and keeps nothing of it', () => {
    const names = ['proxy_next_upstream', 'proxy_buffering', 'proxy_request_buffering']
    expect(names.map(settingOf)).toEqual(['error timeout', 'off', 'off'])
  })
})

describe.skipIf(!hasNginx)(`nginx without a gateway behind it${nginxReason}`, () => {
  let nginx: TestNginx

  beforeAll(async () => {
    nginx = await startNginx([await freePort(), await freePort(), await freePort()])
  })
  afterAll(() => nginx.stop())

  const wrong = (code: string, message: RegExp) => ({
    error: {
      message: expect.stringMatching(message),
      type: code === 'OVERLOADED' ? 'server_error' : 'invalid_request_error',
      param: null,
      code,
    },
  })

  const read = async (answer: Response) => ({
    status: answer.status,
    type: answer.headers.get('content-type'),
    shouldRetry: answer.headers.get('x-should-retry'),
    retryAfter: answer.headers.get('retry-after'),
    body: (await answer.json()) as unknown,
  })

  /** Sends what no client library would; resolves to the answer's head and its body. */
  const sendRaw = async (text: string): Promise<readonly [head: string, body: unknown]> => {
    const socket = connect(nginx.port, '127.0.0.1')
    socket.write(text)
    let answer = ''
    for await (const chunk of socket) {
      answer += String(chunk)
      if (answer.endsWith('}}')) break
    }
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    return [head, JSON.parse(body)]
  }

  it('says that nothing was begun, so that clients try again', async () => {
    const answer = await fetch(nginx.url + GENERATIONS, {
      method: 'POST',
      headers: { 'x-request-id': 'mine-1' },
      body: '{}',
    })
    expect(answer.headers.get('x-request-id')).toBe('mine-1')
    expect(await read(answer)).toEqual({
      status: 503,
      type: 'application/json',
      shouldRetry: 'true',
      retryAfter: '1',
      body: wrong('OVERLOADED', /nothing was begun/),
    })
    const lines = await nginx.lines()
    // Each of the three was tried.
    expect(lines.at(-1)).toMatchObject({ request_id: 'mine-1', gateway_status: '502, 502, 502' })
  })

  it('refuses a body that no gateway would take, before it has come', async () => {
    const [head, body] = await sendRaw(
      `POST ${GENERATIONS} HTTP/1.1\r\nhost: a\r\ncontent-length: 110000000\r\n\r\n`,
    )
    expect(head).toMatch(/^HTTP\/1\.1 413 .*\r\nContent-Type: application\/json\r\n/s)
    expect(head).toContain('x-should-retry: false')
    expect(body).toEqual(wrong('INVALID_REQUEST', /100 MB/))
  })

  it('refuses headers that are too long', async () => {
    const answer = await fetch(nginx.url, { headers: { 'x-long': 'x'.repeat(20_000) } })
    expect(await read(answer)).toEqual({
      status: 431,
      type: 'application/json',
      shouldRetry: 'false',
      retryAfter: null,
      body: wrong('INVALID_REQUEST', /too long/),
    })
  })

  it('refuses what is not HTTP', async () => {
    const [head, body] = await sendRaw('what is this\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 400 .*\r\nContent-Type: application\/json\r\n/s)
    expect(body).toEqual(wrong('INVALID_REQUEST', /not readable as HTTP/))
  })
})
