import { once } from 'node:events'
import { request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import multipart from '@fastify/multipart'
import fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RequestIdentity, RequestLog } from '#src/domain/request-record.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { receivedBytesOf, registerBodySizes } from '#src/http/plugins/body-sizes.ts'
import { createMemoryRequestLog } from '#src/state/memory/memory-request-log.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'

const clock = createFakeClock(5_000)

/** Routes of all kinds of answers, and what the log is told of them. */
const createRoutes = () => {
  const noted: [RequestIdentity, number][] = []
  const requestLog: RequestLog = {
    ...createMemoryRequestLog(),
    noteResponse: (request, sizeBytes) => noted.push([request, sizeBytes]),
  }
  const app = fastify()
  app.register(multipart)
  app.decorateRequest('trace', null)
  app.decorateRequest('keyId', null)
  registerBodySizes(app, requestLog)
  const stream = new PassThrough()
  app.addHook('onRequest', async (request) => {
    if (request.headers['x-untraced'] === undefined) request.trace = createDecisionTrace('r', clock)
    request.keyId = 'k'
  })
  app.post('/json', async (request) => ({ received: receivedBytesOf(request), text: 'ü' }))
  app.post('/form', async (request) => {
    for await (const part of request.parts()) if (part.type === 'file') await part.toBuffer()
    return { received: receivedBytesOf(request) }
  })
  app.post('/events', async (_request, reply) =>
    reply.type('text/event-stream').send(Readable.from([Buffer.from('ab'), 'üü', 'c'])),
  )
  app.post('/measured', async (_request, reply) =>
    reply.header('content-length', 3).send(Readable.from([Buffer.from('abc')])),
  )
  app.post('/endless', async (_request, reply) => {
    stream.write('begun')
    return reply.type('text/event-stream').send(stream)
  })
  return { app, noted, stream }
}

let routes: ReturnType<typeof createRoutes>
let url: string
beforeEach(async () => {
  routes = createRoutes()
  await routes.app.listen({ port: 0, host: '127.0.0.1' })
  url = `http://127.0.0.1:${(routes.app.server.address() as AddressInfo).port}`
})
afterEach(() => routes.app.close())

const post = async (path: string, init: RequestInit = {}) =>
  (await fetch(url + path, { method: 'POST', ...init })).text()

/** Sends a body in chunks, with no length told before. */
const sendPieces = async (path: string, type: string, pieces: readonly Buffer[]) => {
  const sent = send(url + path, { method: 'POST', headers: { 'content-type': type } })
  for (const piece of pieces) sent.write(piece)
  sent.end()
  const [answer] = await once(sent, 'response')
  return JSON.parse((await answer.toArray()).join(''))
}

const json = { 'content-type': 'application/json' }
const nonce = expect.stringMatching(/^[0-9a-f]{10}$/)
const request = { id: 'r', createdAtMs: 5_000, nonce, keyId: 'k' }
const expectNoted = (sizeBytes: number) =>
  expect.poll(() => routes.noted).toEqual([[request, sizeBytes]])

describe('sizes of bodies', () => {
  it('are those of what came and of what was answered', async () => {
    const body = JSON.stringify({ prompt: 'ü' })
    const answer = await post('/json', { body, headers: json })
    expect(JSON.parse(answer)).toEqual({ received: Buffer.byteLength(body), text: 'ü' })
    await expectNoted(Buffer.byteLength(answer))
  })

  it('are counted where a body comes in pieces of no told length', async () => {
    const pieces = ['{"a":', '"ü"}'].map((text) => Buffer.from(text))
    expect(await sendPieces('/json', json['content-type'], pieces)).toMatchObject({ received: 10 })
  })

  it('are counted of a form that comes in pieces', async () => {
    const form = new FormData()
    form.append('image', new Blob([Buffer.alloc(100_000)]), 'a.png')
    const whole = new Response(form)
    const type = whole.headers.get('content-type') ?? ''
    const bytes = Buffer.from(await whole.arrayBuffer())
    const pieces = [0, 30_000, 60_000].map((start) =>
      bytes.subarray(start, start === 60_000 ? undefined : start + 30_000),
    )
    expect(await sendPieces('/form', type, pieces)).toEqual({ received: bytes.length })
  })

  it('are counted of a stream of events, and taken as told of other streams', async () => {
    expect(await post('/events')).toBe('abüüc')
    await expectNoted(7)
    routes.noted.length = 0
    expect(await post('/measured')).toBe('abc')
    await expectNoted(3)
  })

  it('are not told of an answer whose client left before its end', async () => {
    const controller = new AbortController()
    const answer = await fetch(`${url}/endless`, { method: 'POST', signal: controller.signal })
    await answer.body?.getReader().read()
    controller.abort()
    await once(routes.stream, 'close')
    expect(await post('/measured', { headers: { 'x-untraced': '1' } })).toBe('abc')
    expect(routes.noted).toEqual([])
  })
})
