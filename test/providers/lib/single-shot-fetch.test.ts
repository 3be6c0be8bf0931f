import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFalClient } from '@fal-ai/client'
import { GoogleGenAI } from '@google/genai'
import Replicate from 'replicate'
import { afterEach, describe, expect, it } from 'vitest'
import { createSingleShot, type SingleShot } from '#providers/lib/single-shot-fetch.ts'
import { UpstreamCallError } from '#providers/lib/upstream-call-error.ts'
import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import { createTextWithBytes } from '#src/bytes/text-with-bytes.ts'
import {
  neverAnswer,
  resetBeforeAnswer,
  resetInsideAnswer,
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
} from './scripted-server.ts'

const upstream = createUpstreamTransport()
let server: ScriptedServer | undefined

afterEach(async () => {
  await server?.close()
  server = undefined
})

const start = async (...replies: ScriptedReply[]): Promise<ScriptedServer> => {
  server = await startScriptedServer(replies)
  return server
}

/** Ten minutes after the hour, whatever the machine says. */
const dependencies = {
  send: upstream.send,
  clock: { now: () => Date.UTC(2026, 10, 20, 10, 10), monotonicMs: () => 0 },
  timeScale: 100,
}

const shotAt = (signal = new AbortController().signal): SingleShot =>
  createSingleShot({ dependencies, signal })

/** The create call of each SDK, just as it would be made without us. */
const SDK_CREATES = {
  gemini: (url: string, shot: SingleShot) =>
    new GoogleGenAI({
      apiKey: 'key',
      vertexai: false,
      httpOptions: { baseUrl: url },
    }).models.generateContent({
      model: 'm',
      contents: 'x',
      config: {
        // Even told to repeat, it must not get through.
        httpOptions: { fetch: shot.fetch, retryOptions: { attempts: 3, initialDelay: 0.001 } },
      },
    }),
  fal: (url: string, shot: SingleShot) =>
    createFalClient({
      credentials: 'key',
      fetch: (_target, init) => shot.fetch(url, init),
    }).queue.submit('owner/app', { input: {} }),
  replicate: (url: string, shot: SingleShot) =>
    new Replicate({ auth: 'key', baseUrl: url, fetch: shot.fetch }).predictions.create({
      model: 'owner/model',
      input: {},
    }),
}

const FAULTS: Readonly<Record<string, ScriptedReply>> = {
  'a 429': { status: 429, json: { detail: 'slow down' }, headers: { 'retry-after': '1' } },
  'a 500': { status: 500, json: { detail: 'oops' } },
  'a 502': { status: 502, json: {} },
  'a 503': { status: 503, json: {} },
  'a 504': { status: 504, json: {} },
  'a redirect': { status: 307, json: {}, headers: { location: '/elsewhere' } },
  'a connection reset before the answer': resetBeforeAnswer,
  'a connection reset inside the answer': resetInsideAnswer,
}

describe.each(Object.entries(SDK_CREATES))('the %s SDK on a single-shot fetch', (_id, create) => {
  it.each(Object.entries(FAULTS))('sends one create on %s', async (_name, reply) => {
    const { url, seen } = await start(reply)
    const shot = shotAt()
    await expect(create(url, shot)).rejects.toBeInstanceOf(UpstreamCallError)
    expect(seen.map(({ method }) => method)).toEqual(['POST'])
    expect(shot.requestLeft()).toBe(true)
  })

  it('sends one create when it is aborted while waiting', async () => {
    const { url, seen } = await start(neverAnswer)
    const shot = shotAt(AbortSignal.timeout(60))
    await expect(create(url, shot)).rejects.toBeInstanceOf(UpstreamCallError)
    expect(seen).toHaveLength(1)
    expect(shot.failure()).toEqual({ headers: {}, networkCode: 'TIMED_OUT', requestLeft: true })
  })
})

describe('createSingleShot', () => {
  it('records status, headers in lower case and the parsed body of an error answer', async () => {
    const { url } = await start({
      status: 429,
      headers: { 'Retry-After': '7', 'X-Fal-Retryable': 'true' },
      json: { detail: 'busy' },
    })
    const shot = shotAt()
    await expect(shot.fetch(url)).rejects.toThrow('The upstream call failed')
    expect(shot.failure()).toMatchObject({
      status: 429,
      headers: { 'retry-after': '7', 'x-fal-retryable': 'true' },
      body: { detail: 'busy' },
      requestLeft: true,
    })
  })

  it('records an error body that is no JSON as text', async () => {
    const { url } = await start((_request, response) => response.writeHead(502).end('<html>'))
    const shot = shotAt()
    await shot.fetch(url).catch(() => {})
    expect(shot.failure()).toMatchObject({ status: 502, body: '<html>' })
  })

  it('throws the same failure again without a second request', async () => {
    const { url, seen } = await start({ status: 503, json: {} })
    const shot = shotAt()
    const first = await shot.fetch(url).catch((error: unknown) => error)
    const second = await shot.fetch(url).catch((error: unknown) => error)
    expect(second).toBe(first)
    expect(seen).toHaveLength(1)
  })

  it('refuses a second request after a success', async () => {
    const { url, seen } = await start({ json: { ok: true } })
    const shot = shotAt()
    expect(await (await shot.fetch(url)).json()).toEqual({ ok: true })
    await expect(shot.fetch(url)).rejects.toBeInstanceOf(UpstreamCallError)
    expect(seen).toHaveLength(1)
  })

  it('says that the request did not leave when nobody listens', async () => {
    const { url } = await start({ json: {} })
    await server?.close()
    server = undefined
    const shot = shotAt()
    await shot.fetch(url).catch(() => {})
    expect(shot.failure()).toEqual({ headers: {}, networkCode: 'ECONNREFUSED', requestLeft: false })
    expect(shot.requestLeft()).toBe(false)
  })

  it('sends nothing when the signal is aborted already', async () => {
    const { url, seen } = await start({ json: {} })
    const shot = shotAt(AbortSignal.abort())
    await shot.fetch(url).catch(() => {})
    expect(shot.failure()).toEqual({ headers: {}, networkCode: 'ABORTED', requestLeft: false })
    expect(seen).toHaveLength(0)
  })

  it.each<[string, ScriptedReply]>([
    ['never ends', (_request, response) => response.writeHead(503).write('{"detail":')],
    ['is too long', (_request, response) => response.writeHead(503).end('x'.repeat(70_000))],
    [
      'breaks off',
      (_request, response) => {
        response.writeHead(503, { 'content-length': '100' })
        response.write('{"detail":', () => response.destroy())
      },
    ],
  ])('is content with the status of an error whose body %s', async (_name, reply) => {
    const { url } = await start(reply)
    const shot = shotAt()
    await shot.fetch(url).catch(() => {})
    expect(shot.failure()).toMatchObject({ status: 503, requestLeft: true })
    expect(shot.failure()).not.toHaveProperty('body')
  })

  it('dates an error answer that has no date by its arrival', async () => {
    const { url } = await start((_request, response) => {
      response.sendDate = false
      response.writeHead(429).end('{}')
    })
    const shot = shotAt()
    await shot.fetch(url).catch(() => {})
    expect(shot.failure()?.headers.date).toBe('Fri, 20 Nov 2026 10:10:00 GMT')
  })

  it('throws errors that carry neither a code nor a cause', async () => {
    const { url } = await start(resetBeforeAnswer)
    const error = await shotAt()
      .fetch(url)
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UpstreamCallError)
    expect(error).not.toHaveProperty('code')
    expect(error).not.toHaveProperty('cause')
  })

  it('adds headers and sends to another address', async () => {
    const { url, seen } = await start({ json: {} })
    const shot = createSingleShot({
      dependencies,
      signal: new AbortController().signal,
      headers: { 'cancel-after': '5s' },
      redirectTo: (asked) => new URL(`${url}/base${asked.pathname}`),
    })
    await shot.fetch('https://unreachable.invalid/path', { headers: { authorization: 'Key k' } })
    expect(seen[0]).toMatchObject({
      path: '/base/path',
      headers: { 'cancel-after': '5s', authorization: 'Key k' },
    })
  })

  it('sends a form made with the global FormData as multipart', async () => {
    const { url, seen } = await start({ json: {} })
    const form = new FormData()
    form.append('content', new Blob(['abc'], { type: 'image/png' }), 'image.png')
    await shotAt().fetch(url, { method: 'POST', body: form, headers: { authorization: 'Key k' } })
    expect(seen[0]?.headers).toMatchObject({
      'content-type': expect.stringMatching(/^multipart\/form-data; boundary=/),
      authorization: 'Key k',
    })
    expect(seen[0]?.body).toContain('filename="image.png"\r\nContent-Type: image/png\r\n\r\nabc')
  })

  it('sends what was placed in the place of its marks, in a JSON as base64 and in a form as it is', async () => {
    const placed = createTextWithBytes()
    const picture = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    const shot = () =>
      createSingleShot({ dependencies, signal: new AbortController().signal, placed })
    const json = await start({ json: {} })
    const body = JSON.stringify({ image: placed.place(inPieces([picture])), prompt: 'ä' })
    await shot().fetch(json.url, { method: 'POST', body })
    const image = picture.toString('base64')
    expect(json.seen[0]?.body).toEqual({ image, prompt: 'ä' })
    expect(json.seen[0]?.headers['content-length']).toBe(String(json.seen[0]?.bytes.length))
    await json.close()
    const upload = await start({ json: {} })
    const form = new FormData()
    form.append('content', new Blob([placed.place(inPieces([picture]), 'plain')]), 'image.png')
    form.append('other', new Blob([picture]), 'as the SDK wrote it.png')
    await shot().fetch(upload.url, { method: 'POST', body: form })
    expect(upload.seen[0]?.bytes.toString('latin1').split(picture.toString('latin1'))).toHaveLength(
      3,
    )
    expect(upload.seen[0]?.headers['content-length']).toBe(String(upload.seen[0]?.bytes.length))
  })

  it('says that no work can exist when the connection is lost before the body has left', async () => {
    const cutting = createServer((request) => request.once('data', () => request.destroy()))
    await new Promise<void>((resolve) => cutting.listen(0, '127.0.0.1', resolve))
    const { port } = cutting.address() as AddressInfo
    const placed = createTextWithBytes()
    const body = JSON.stringify({ image: placed.place(inPieces([Buffer.alloc(30_000_000)])) })
    const { signal } = new AbortController()
    const shot = createSingleShot({ dependencies, signal, placed })
    const lost = shot.fetch(`http://127.0.0.1:${port}`, { method: 'POST', body })
    await expect(lost).rejects.toBeInstanceOf(UpstreamCallError)
    expect([shot.failure()?.requestLeft, shot.requestLeft()]).toEqual([false, false])
    await new Promise((resolve) => cutting.close(resolve))
  })

  it('says that work may exist when it is lost behind the body', async () => {
    const { url } = await start(resetBeforeAnswer)
    const placed = createTextWithBytes()
    const body = JSON.stringify({ image: placed.place(inPieces([Buffer.alloc(3_000_000)])) })
    const { signal } = new AbortController()
    const shot = createSingleShot({ dependencies, signal, placed })
    await expect(shot.fetch(url, { method: 'POST', body })).rejects.toThrow()
    expect(shot.failure()?.requestLeft).toBe(true)
  })

  it('sends the body that the SDK made when nothing was placed in it', async () => {
    const { url, seen } = await start({ json: {} })
    const placed = createTextWithBytes()
    const signal = new AbortController().signal
    await createSingleShot({ dependencies, signal, placed }).fetch(url, {
      method: 'POST',
      body: 'text',
    })
    expect(seen[0]).toMatchObject({ method: 'POST', body: 'text' })
  })

  it('passes a streamed answer on as it comes, and knows of its loss', async () => {
    const { url } = await start(resetInsideAnswer)
    const { signal } = new AbortController()
    const shot = createSingleShot({ dependencies, signal, streamAnswer: (bytes) => bytes })
    const reader = (await shot.fetch(url)).body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('{"id":"')
    await expect(reader?.read()).rejects.toBeInstanceOf(UpstreamCallError)
    expect(shot.failure()).toMatchObject({ requestLeft: true, networkCode: 'UND_ERR_SOCKET' })
    await expect(shot.fetch(url)).rejects.toBeInstanceOf(UpstreamCallError)
  })
})
