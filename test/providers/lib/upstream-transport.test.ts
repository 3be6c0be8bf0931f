import type { IncomingMessage } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import type { UpstreamRequest } from '#src/domain/provider-adapter.ts'
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
    expect(await text(answer.body)).toBe('{"fine":true}')
  })

  it('sends a stream with its length announced', async () => {
    server = await startScriptedServer([{ json: {} }])
    const { stream } = pieces(3, 5)
    const { body } = await send(request({ body: { stream, sizeBytes: 15 } }))
    await buffer(body)
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
    await buffer(answer.body)
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
    for (let sent = 0; sent < 8; sent += 1) await buffer((await send(request())).body)
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
    await buffer((await send(request({ headers: { 'accept-encoding': 'gzip, br' } }))).body)
    expect(server.seen[0]?.headers['accept-encoding']).toBe('identity')
  })

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['deflate, gzip', (bytes: Buffer) => gzipSync(deflateSync(bytes))],
    ['identity', (bytes: Buffer) => bytes],
  ])('unpacks an answer that comes as %s all the same', async (encoding, pack) => {
    server = await startScriptedServer([
      (_incoming, response) =>
        response
          .writeHead(200, { 'content-encoding': encoding })
          .end(pack(Buffer.from('{"fine":true}'))),
    ])
    expect(await text((await send(request())).body)).toBe('{"fine":true}')
  })

  it.each(['gzip', 'br'])('fails when what is said to be %s is not', async (encoding) => {
    server = await startScriptedServer([
      (_incoming, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end('{"fine":true}'),
    ])
    await expect(text((await send(request())).body)).rejects.toThrow()
  })

  it('gives what is packed in an unknown way as it came', async () => {
    server = await startScriptedServer([
      (_incoming, response) => response.writeHead(200, { 'content-encoding': 'zip' }).end('zip'),
    ])
    expect(await text((await send(request())).body)).toBe('zip')
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
      await expect(text((await send(request())).body)).rejects.toMatchObject({
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
    const read = text(body)
    end.abort(new Error('time is up'))
    await expect(read).rejects.toThrow('time is up')
  })

  it('lets an answer be dropped unread', async () => {
    server = await startScriptedServer([{ json: {} }])
    const { body } = await send(request())
    body.destroy()
    await expect.poll(() => body.closed).toBe(true)
  })
})
