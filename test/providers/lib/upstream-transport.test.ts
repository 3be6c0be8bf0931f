import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { NotSentError } from '#src/domain/errors.ts'
import type { UpstreamRequest } from '#src/domain/provider-adapter.ts'
import { readBody } from './read-body.ts'
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts'
import { requestTo, streamedPieces } from './upstream-requests.ts'

const { send } = createUpstreamTransport()
let server: ScriptedServer

afterEach(async () => {
  await server.close()
})

const request = (changes: Partial<UpstreamRequest> = {}) => requestTo(server, changes)

const portOf = (listening: Server): number => (listening.address() as AddressInfo).port

describe('createUpstreamTransport', () => {
  it('sends a request and gives status, headers in lower case and the bytes of its answer', async () => {
    server = await startScriptedServer([
      { status: 201, headers: { 'X-One': '1' }, json: { fine: true } },
    ])
    const answer = await send(request({ headers: { 'x-two': '2' }, body: '{"a":1}' }))
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      path: '/path?a=b',
      headers: { 'x-two': '2', 'content-length': '7' },
      body: { a: 1 },
    })
    expect(answer).toMatchObject({ status: 201, headers: { 'x-one': '1' } })
    expect(String(await readBody(answer.body))).toBe('{"fine":true}')
  })

  it('sends a stream with its length announced', async () => {
    server = await startScriptedServer([{ json: {} }])
    const { stream } = streamedPieces(3, 5)
    const { body } = await send(request({ body: { stream, sizeBytes: 15 } }))
    await readBody(body)
    expect(server.seen[0]).toMatchObject({
      headers: { 'content-length': '15' },
      body: 'x'.repeat(15),
    })
    expect(server.seen[0]?.headers).not.toHaveProperty('transfer-encoding')
  })

  it('takes no more of a stream than the provider takes', async () => {
    const unread = createServer((socket) => socket.pause().on('error', () => {})).listen(0)
    server = { ...(await startScriptedServer([])), url: `http://127.0.0.1:${portOf(unread)}` }
    const { stream, taken } = streamedPieces(1_000, 1_000_000)
    const end = new AbortController()
    const body = { stream, sizeBytes: 1_000_000_000 }
    const sent = send(request({ body, signal: end.signal }))
    sent.catch(() => {})
    await expect.poll(() => taken.count).toBeGreaterThan(0)
    const before = taken.count
    await new Promise((resolve) => setTimeout(resolve, 50))
    end.abort(new Error('enough'))
    await expect(sent).rejects.toThrow('enough')
    // What the kernel's buffers hold.
    expect(before).toBeLessThan(100)
    expect(taken.count).toBeLessThan(100)
    expect(stream.destroyed).toBe(true)
    unread.close()
  })

  it.each([301, 302, 307, 308])('does not follow a redirect with status %i', async (status) => {
    server = await startScriptedServer([{ status, headers: { location: '/elsewhere' }, json: {} }])
    const answer = await send(request())
    expect(answer.status).toBe(status)
    await readBody(answer.body)
    expect(server.seen).toHaveLength(1)
  })

  it('keeps connections for the next requests', async () => {
    const ports = new Set<number | undefined>()
    server = await startScriptedServer([
      (incoming: IncomingMessage, response) => {
        ports.add(incoming.socket.remotePort)
        response.end('{}')
      },
    ])
    for (let sent = 0; sent < 8; sent += 1) await readBody((await send(request())).body)
    // A connection is free again one tick after its answer, so two of them take turns.
    expect(ports.size).toBeLessThanOrEqual(2)
  })

  it('does not let requests wait for one another', async () => {
    let under = 0
    server = await startScriptedServer([
      (_incoming, response) => {
        under += 1
        if (under === 40) response.end()
      },
    ])
    const end = new AbortController()
    const all = Array.from({ length: 40 }, () => send(request({ signal: end.signal })))
    await Promise.race(all)
    expect(under).toBe(40)
    end.abort()
    await Promise.allSettled(all)
  })

  it('asks for an answer that is not packed', async () => {
    server = await startScriptedServer([{ json: {} }])
    await readBody((await send(request({ headers: { 'accept-encoding': 'gzip, br' } }))).body)
    expect(server.seen[0]?.headers['accept-encoding']).toBe('identity')
  })

  it('passes early hints over', async () => {
    server = await startScriptedServer([
      (_incoming, response) => {
        response.writeEarlyHints({ link: '</a>; rel=preload' })
        response.end('{}')
      },
    ])
    const { status, body } = await send(request())
    expect([status, String(await readBody(body))]).toEqual([200, '{}'])
  })

  it('gives an answer that comes before the request has left', async () => {
    server = { ...(await startScriptedServer([])) }
    const early = createServer((socket) => {
      // Unread bytes would have the system drop the answer.
      socket.on('error', () => {}).resume()
      socket.end('HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}')
    }).listen(0)
    const { stream } = streamedPieces(1_000, 1_000_000)
    const url = new URL(`http://127.0.0.1:${portOf(early)}`)
    const answer = await send(request({ url, body: { stream, sizeBytes: 1_000_000_000 } }))
    expect([answer.status, String(await readBody(answer.body))]).toEqual([413, '{}'])
    await expect.poll(() => stream.destroyed).toBe(true)
    early.close()
  })

  it('closes when what is under way is done, and sends nothing any more', async () => {
    server = await startScriptedServer([{ json: { fine: true } }])
    const other = createUpstreamTransport()
    const { body } = await other.send(request())
    const closed = other.close()
    expect(String(await readBody(body))).toBe('{"fine":true}')
    await closed
    await expect(other.send(request())).rejects.toThrow(NotSentError)
    expect(server.seen).toHaveLength(1)
  })

  it.each([undefined, 'gzip'])(
    'leaves with the provider what nobody reads (%s)',
    async (encoding) => {
      let written = 0
      server = await startScriptedServer([
        (_incoming, response) => {
          response.writeHead(200, encoding ? { 'content-encoding': encoding } : {})
          const bytes = encoding
            ? gzipSync(randomBytes(40_000_000), { level: 0 })
            : Buffer.alloc(40_000_000)
          const writeOn = (): void => {
            while (written < bytes.length) {
              const piece = bytes.subarray(written, written + 1_000_000)
              written += piece.length
              if (!response.write(piece)) {
                response.once('drain', writeOn)
                return
              }
            }
            response.end()
          }
          writeOn()
        },
      ])
      const { body } = await send(request())
      await expect.poll(() => written).toBeGreaterThan(0)
      await new Promise((resolve) => setTimeout(resolve, 100))
      // What the kernel's buffers hold.
      expect(written).toBeLessThan(20_000_000)
      expect(await readBody(body)).toHaveLength(40_000_000)
    },
  )
})
