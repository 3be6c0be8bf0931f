import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { holdBytes } from '#src/bytes/held-bytes.ts'
import { openEventStream } from '#src/http/event-stream.ts'
import { registerStalledClients } from '#src/http/plugins/stalled-clients.ts'

const LIMIT_MS = 200
/** More than the system holds between two sockets. */
const LARGE_BYTES = 40_000_000

const pieces = function* () {
  for (let sent = 0; sent < LARGE_BYTES; sent += 100_000) yield Buffer.alloc(100_000)
}

/** Routes of all kinds of answers. */
const createRoutes = () => {
  const app = fastify({ keepAliveTimeout: 400 })
  registerStalledClients(app, LIMIT_MS)
  app.get('/whole', async () => Buffer.alloc(LARGE_BYTES))
  app.get('/stream', async (_request, reply) => reply.send(Readable.from(pieces())))
  app.get('/events', async (_request, reply) => {
    const events = openEventStream(50)
    events.send('large', (place) => ({ image: place(holdBytes([Buffer.alloc(LARGE_BYTES)])) }))
    return reply.type('text/event-stream').send(events.body)
  })
  app.get('/late', async () => {
    await sleep(4 * LIMIT_MS)
    return 'late'
  })
  app.get('/quiet', async (_request, reply) => {
    const events = openEventStream(50)
    setTimeout(() => events.end(), 4 * LIMIT_MS)
    return reply.type('text/event-stream').send(events.body)
  })
  return app
}

let app: ReturnType<typeof createRoutes>
let sockets: Socket[]
beforeEach(async () => {
  sockets = []
  app = createRoutes()
  await app.listen({ port: 0, host: '127.0.0.1' })
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await app.close()
})

const open = (path: string, connection = 'close'): Socket => {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: ${connection}\r\n\r\n`)
  sockets.push(socket)
  return socket
}

const connections = () =>
  new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)))

/** Reads with a rest before each piece; resolves to how many bytes came. */
const readSlowly = async (socket: Socket, restMs: number): Promise<number> => {
  let bytes = 0
  for await (const piece of socket) {
    bytes += piece.length
    if (restMs > 0) await sleep(restMs)
  }
  return bytes
}

describe('a client that stops reading', () => {
  it.each(['/whole', '/stream', '/events'])(
    'does not hold its answer for ever: %s',
    async (path) => {
      const socket = open(path).pause()
      await once(socket, 'connect')
      await expect.poll(connections).toBe(1)
      const startMs = performance.now()
      await expect.poll(connections, { timeout: 4_000 }).toBe(0)
      expect(performance.now() - startMs).toBeLessThan(10 * LIMIT_MS)
    },
  )

  it('is cut off at the second answer of its connection, too', async () => {
    const socket = open('/late', 'keep-alive')
    await once(socket, 'data')
    socket.pause()
    socket.write('GET /whole HTTP/1.1\r\nhost: x\r\n\r\n')
    await expect.poll(connections, { timeout: 4_000 }).toBe(0)
  })
})

describe('a client that reads', () => {
  it('is not cut off while its answer is being made', async () => {
    const answer = (await open('/late').toArray()).join('')
    expect(answer).toContain('\r\n\r\nlate')
  })

  it('is not cut off while only keep-alives come', async () => {
    const answer = (await open('/quiet').toArray()).join('')
    expect(answer.match(/keep-alive/g)?.length).toBeGreaterThan(8)
    expect(answer).toContain('\r\n0\r\n')
  })

  it.each(['/whole', '/stream'])('slowly gets all of it: %s', async (path) => {
    // 64 kB every 4 ms: several times the limit, with never a long rest.
    const startMs = performance.now()
    const bytes = await readSlowly(open(path), 2)
    expect(bytes).toBeGreaterThan(LARGE_BYTES)
    expect(performance.now() - startMs).toBeGreaterThan(3 * LIMIT_MS)
  })

  it('may leave an idle connection open for as long as the server keeps it', async () => {
    const socket = open('/late', 'keep-alive')
    await once(socket, 'data')
    await sleep(1.5 * LIMIT_MS)
    socket.write('GET /late HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    expect((await socket.toArray()).join('')).toContain('\r\n\r\nlate')
  })
})
