import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { readBody } from './read-body.ts'
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts'

const { send } = createUpstreamTransport()
let server: ScriptedServer

afterEach(async () => {
  await server.close()
})

const answer = () =>
  send({
    method: 'GET',
    url: new URL(server.url),
    headers: {},
    signal: new AbortController().signal,
  })

describe('decodedBody', () => {
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
    expect(String(await readBody((await answer()).body))).toBe('{"fine":true}')
  })

  it.each(['gzip', 'br'])('fails when what is said to be %s is not', async (encoding) => {
    server = await startScriptedServer([
      (_incoming, response) =>
        response.writeHead(200, { 'content-encoding': encoding }).end('{"fine":true}'),
    ])
    await expect(readBody((await answer()).body)).rejects.toThrow()
  })

  it('gives what is packed in an unknown way as it came', async () => {
    server = await startScriptedServer([
      (_incoming, response) => response.writeHead(200, { 'content-encoding': 'zip' }).end('zip'),
    ])
    expect(String(await readBody((await answer()).body))).toBe('zip')
  })

  it('ends the connection of one that is destroyed', async () => {
    let closed = false
    server = await startScriptedServer([
      (_incoming, response) => {
        response.on('close', () => (closed = true))
        response
          .writeHead(200, { 'content-encoding': 'gzip' })
          .write(gzipSync('half').subarray(0, 12))
      },
    ])
    const { body } = await answer()
    body.destroy()
    await expect(readBody(body)).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    await expect.poll(() => closed).toBe(true)
  })
})
