import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { EDITS, GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import type { LiveGateway } from './live-gateway.ts'
import { setUpResilience } from './resilience-setup.ts'

const REQUEST_TIMEOUT_MS = 1_500
const DRIP_MS = 100
/** What a busy machine may add, in ms. */
const BUSY_MS = 5_000

const HEAD = (path: string, headers: string) =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_KEY}\r\n${headers}\r\n`
const JSON_HEAD = HEAD(GENERATIONS, 'content-type: application/json\r\ncontent-length: 9000\r\n')
const FORM_HEAD = HEAD(
  EDITS,
  'content-type: multipart/form-data; boundary=b\r\ntransfer-encoding: chunked\r\n',
)
const PART = '--b\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n'

/** What each client begins with, and what it drips then. */
const CLIENTS = [
  ['its headers', `POST ${GENERATIONS} HTTP/1.1\r\nhost: x\r\nx-slow: `, 'a'],
  ['a JSON body', `${JSON_HEAD}{"prompt": "`, 'a'],
  ['a form', `${FORM_HEAD}${PART.length.toString(16)}\r\n${PART}\r\n`, '1\r\na\r\n'],
  ['nothing at all', '', ''],
] as const

describe('a client that sends slowly', () => {
  const setup = setUpResilience()
  const sockets: Socket[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy()
  })

  /** Resolves to the answer once the gateway has hung up, and to how long that took. */
  const dripInto = async ({ port }: LiveGateway, begin: string, piece: string) => {
    // Who sends goes on although it was answered.
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: piece !== '' })
    sockets.push(socket)
    const begunMs = performance.now()
    let answer = ''
    socket.on('data', (bytes) => {
      answer += bytes.toString()
    })
    socket.on('error', () => undefined)
    if (begin) socket.write(begin)
    let isOpen = true
    socket.once('close', () => {
      isOpen = false
    })
    while (isOpen) {
      await sleep(DRIP_MS)
      if (piece && socket.writable) socket.write(piece)
    }
    return { answer, tookMs: performance.now() - begunMs }
  }

  it('is cut off when the time of a request is over, and holds nothing', async () => {
    const gateway = await setup().start({ REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS) })
    const results = await Promise.all(
      CLIENTS.map(async ([what, begin, piece]) => ({
        what,
        ...(await dripInto(gateway, begin, piece)),
      })),
    )
    for (const { what, answer, tookMs } of results) {
      expect([what, answer.split('\r\n')[0]]).toEqual([what, 'HTTP/1.1 408 Request Timeout'])
      expect(answer).toContain('"type":"invalid_request_error"')
      expect(tookMs).toBeGreaterThan(REQUEST_TIMEOUT_MS - 100)
      expect(tookMs).toBeLessThan(4 * REQUEST_TIMEOUT_MS + BUSY_MS)
    }
    expect(await gateway.metric('fresnel_requests_in_flight')).toBe(0)
    expect(setup().creates()).toBe(0)
    expect((await gateway.ask()).status).toBe(200)
  }, 60_000)
})
