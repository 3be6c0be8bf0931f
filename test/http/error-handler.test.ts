import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import fastify, { type FastifyBaseLogger } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { registerErrorHandler } from '#src/http/plugins/error-handler.ts'
import { createLogger } from '#src/telemetry/logger.ts'

/** A route that ends, once its client has gone, as it is told to; and what is logged of that. */
const createRoute = () => {
  let text = ''
  const lines = new PassThrough()
  lines.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const logger: FastifyBaseLogger = createLogger('debug', lines)
  const app = fastify({ loggerInstance: logger })
  registerErrorHandler(app)
  const route = { app, end: async (): Promise<unknown> => undefined, logText: () => text }
  app.get('/', async (_request, reply) => {
    await once(reply.raw, 'close')
    return route.end()
  })
  return route
}

let route: ReturnType<typeof createRoute>
beforeEach(async () => {
  route = createRoute()
  await route.app.listen({ port: 0, host: '127.0.0.1' })
})
afterEach(() => route.app.close())

const leave = async () => {
  const socket = connect((route.app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await expect.poll(() => route.logText()).toContain('incoming request')
  socket.destroy()
}

describe('of a client that has left', () => {
  it('an answer that nobody takes is not logged as an error', async () => {
    route.end = () => finished(new PassThrough().destroy())
    await leave()
    await expect.poll(() => route.logText()).toContain('the client left before its answer')
    expect(route.logText()).not.toContain('"level":"error"')
  })

  it('work that was given up is not logged as an error', async () => {
    route.end = async () => AbortSignal.abort().throwIfAborted()
    await leave()
    await expect.poll(() => route.logText()).toContain('the client left before its answer')
    expect(route.logText()).not.toContain('"level":"error"')
  })

  it('a fault is logged as an error all the same', async () => {
    route.end = async () => {
      throw new TypeError('a fault')
    }
    await leave()
    await expect.poll(() => route.logText()).toContain('"msg":"unexpected error"')
    expect(route.logText()).toContain('"name":"TypeError"')
  })
})
