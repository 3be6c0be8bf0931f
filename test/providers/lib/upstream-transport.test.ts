import { randomBytes } from 'node:crypto'
import { getEventListeners } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { NotSentError } from '#src/domain/errors.ts'
import type { UpstreamRequest } from '#src/domain/provider-adapter.ts'
import { readBody } from './read-body.ts'
import { resetInsideAnswer, type ScriptedServer, startScriptedServer } from './scripted-server.ts'

const { send } = createUpstreamTransport()
let server: ScriptedServer

afterEach(async () => {
  await server.close()
})

const request = (changes: Partial<UpstreamRequest> = {}): UpstreamRequest => ({
  method: 'POST',
  url: new URL(`${server.url}/path?a=b`),
  headers: {},
  signal: new AbortController().signal,
  ...changes,
})

const portOf = (listening: Server): number => (listening.address() as AddressInfo).port

/** In pieces of which none is asked for before the one before was taken. */
const pieces = (count: number, sizeBytes: number) => {
  const taken = { count: 0 }
  const stream = Readable.from(
    (function* () {
      for (; taken.count < count; taken.count += 1) yield Buffer.alloc(sizeBytes, 'x')
    })(),
    { objectMode: false },
  )
  return { stream, taken }
}

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
    const { stream } = pieces(3, 5)
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
    const { stream, taken } = pieces(1_000, 1_000_000)
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

  it.each([undefined, 'gzip'])(
    'fails when the connection is lost inside a body (%s)',
    async (encoding) => {
      server = await startScriptedServer([
        encoding === undefined
          ? resetInsideAnswer
          : (_incoming, response) => {
              const packed = gzipSync(Buffer.alloc(1_000, 'abcdefghij'))
              response.writeHead(200, { 'content-encoding': encoding, 'content-length': '1000' })
              response.write(packed.subarray(0, packed.length / 2), () => response.destroy())
            },
      ])
      await expect(readBody((await send(request())).body)).rejects.toMatchObject({
        code: 'UND_ERR_SOCKET',
      })
    },
  )

  it('ends the reading of a body with the reason of the signal', async () => {
    server = await startScriptedServer([
      (_incoming, response) => response.writeHead(200).write('{'),
    ])
    const end = new AbortController()
    const { body } = await send(request({ signal: end.signal }))
    const read = readBody(body)
    end.abort(new Error('time is up'))
    await expect(read).rejects.toThrow('time is up')
  })

  it('gives what came before the connection is lost inside a body', async () => {
    server = await startScriptedServer([resetInsideAnswer])
    const { body } = await send(request())
    const told: string[] = []
    await new Promise<void>((resolve) => {
      const onFailure = (): void => resolve()
      body.read({ onBytes: (bytes) => told.push(String(bytes)), onEnd: () => {}, onFailure })
    })
    expect(told).toEqual(['{"id":"half'])
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

  it('sends nothing of a request whose signal comes while there is no connection', async () => {
    server = await startScriptedServer([{ json: {} }])
    const end = new AbortController()
    const sent = send(request({ body: '{"a":1}', signal: end.signal }))
    end.abort(new Error('left'))
    await expect(sent).rejects.toThrow(NotSentError)
    await expect(sent).rejects.toMatchObject({ cause: { message: 'left' } })
    await readBody((await send(request({ body: '{"a":2}' }))).body)
    expect(server.seen.map(({ body }) => body)).toEqual([{ a: 2 }])
  })

  it('destroys the stream of a request that never gets a connection', async () => {
    server = await startScriptedServer([{ json: {} }])
    const end = new AbortController()
    const { stream } = pieces(1, 5)
    const sent = send(request({ body: { stream, sizeBytes: 5 }, signal: end.signal }))
    end.abort(new Error('left'))
    await expect(sent).rejects.toThrow(NotSentError)
    expect(stream.destroyed).toBe(true)
  })

  it.each([
    ['ends', [{ json: {} }], false],
    ['fails', [resetInsideAnswer], false],
    ['is ended by it', [{ json: {} }], true],
  ] as const)('leaves its signal alone when a request %s', async (_how, replies, isAborted) => {
    server = await startScriptedServer(replies)
    const end = new AbortController()
    const sent = send(request({ signal: end.signal })).then(({ body }) => readBody(body))
    expect(getEventListeners(end.signal, 'abort')).toHaveLength(1)
    if (isAborted) end.abort(new Error('left'))
    await sent.catch(() => {})
    await expect.poll(() => getEventListeners(end.signal, 'abort')).toEqual([])
  })

  it('gives an answer that comes before the request has left', async () => {
    server = { ...(await startScriptedServer([])) }
    const early = createServer((socket) => {
      socket.on('error', () => {})
      socket.end('HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}')
    }).listen(0)
    const { stream } = pieces(1_000, 1_000_000)
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

  it('says that nothing of a request went out when there is no connection', async () => {
    server = await startScriptedServer([])
    await server.close()
    const sent = send(request())
    await expect(sent).rejects.toThrow(NotSentError)
    await expect(sent).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    server = await startScriptedServer([])
  })

  it('does not say so of a connection that is lost before the answer', async () => {
    server = await startScriptedServer([(_incoming, response) => response.destroy()])
    await expect(send(request())).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' })
  })

  it('sends nothing when its signal came before', async () => {
    server = await startScriptedServer([{ json: {} }])
    const sent = send(request({ signal: AbortSignal.abort(new Error('too late')) }))
    await expect(sent).rejects.toMatchObject({ cause: { message: 'too late' } })
    await expect(readBody((await send(request())).body)).resolves.toBeDefined()
    expect(server.seen).toHaveLength(1)
  })

  it.each(['unread', 'read'])('ends the connection of a body that is destroyed %s', async (how) => {
    let closed = false
    server = await startScriptedServer([
      (_incoming, response) => {
        response.on('close', () => (closed = true))
        response.writeHead(200).write('{')
      },
    ])
    const { body } = await send(request())
    const read = how === 'read' ? readBody(body) : undefined
    const failed =
      read && expect(read).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    body.destroy()
    await failed
    await expect.poll(() => closed).toBe(true)
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
