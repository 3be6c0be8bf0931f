import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

const gateway = await gatewayOfFile()

const BODY = JSON.stringify({ model: FIRST_MODEL, prompt: 'a lighthouse' })

/** Asks whether a body may be sent, sends it when it may, and resolves to all that is answered. */
const ask = (path: string, headers: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (text) => {
      const isFirst = answer === ''
      answer += text
      if (isFirst && answer.startsWith('HTTP/1.1 100')) socket.write(BODY)
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
    const lines = [
      `POST ${path} HTTP/1.1`,
      'host: gateway',
      'content-type: application/json',
      'expect: 100-continue',
      ...headers,
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  })

const WITH_KEY = [`authorization: Bearer ${TEST_KEY}`, 'connection: close']

describe('a client that asks before it sends a body', () => {
  it('is told to go on when its request is let in', async () => {
    const answer = await ask(GENERATIONS, [...WITH_KEY, `content-length: ${BODY.length}`])
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK\r\n/)
  })

  it.each([
    ['without a key', GENERATIONS, [`content-length: ${BODY.length}`], 401],
    ['for what there is not', '/v1/nothing', [...WITH_KEY, 'content-length: 9'], 404],
  ])('is told no at once, and its connection ends: %s', async (_what, path, headers, status) => {
    const answer = await ask(path, headers)
    expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`])
    expect(answer).toContain('"error":')
  })
})
