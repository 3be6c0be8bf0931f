import { getEventListeners } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createSingleShot } from '#providers/lib/single-shot-fetch.ts'
import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { systemClock } from '#src/domain/clock.ts'
import { NotSentError } from '#src/domain/errors.ts'
import type { UpstreamRequest } from '#src/domain/provider-adapter.ts'
import { readBody } from './read-body.ts'
import { resetInsideAnswer, type ScriptedServer, startScriptedServer } from './scripted-server.ts'
import { requestTo, streamedPieces } from './upstream-requests.ts'

const { send } = createUpstreamTransport()
let server: ScriptedServer

afterEach(async () => {
  await server.close()
})

const request = (changes: Partial<UpstreamRequest> = {}) => requestTo(server, changes)

describe('a request that is given up or lost', () => {
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
    const { stream } = streamedPieces(1, 5)
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

  it('says that nothing of a request went out when there is no connection', async () => {
    server = await startScriptedServer([])
    await server.close()
    const sent = send(request())
    await expect(sent).rejects.toThrow(NotSentError)
    await expect(sent).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    server = await startScriptedServer([])
  })

  it('did not leave when its time ends before there is a connection', async () => {
    server = await startScriptedServer([])
    // Never answers the handshake.
    const silent = createServer((socket) => socket.on('error', () => {}).resume()).listen(0)
    const { port } = silent.address() as AddressInfo
    const signal = AbortSignal.timeout(50)
    const dependencies = { send, clock: systemClock, timeScale: 1 }
    const { fetch, failure } = createSingleShot({ dependencies, signal })
    await fetch(`https://127.0.0.1:${port}`, { method: 'POST', body: '{}' }).catch(() => {})
    expect(failure()).toEqual({ headers: {}, networkCode: 'TIMED_OUT', requestLeft: false })
    silent.close()
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
})
