import { Agent, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { registerDrain } from '#src/http/plugins/drain.ts'
import { registerErrorHandler } from '#src/http/plugins/error-handler.ts'
import type { Readiness } from '#src/http/routes/health.ts'

/** Keeps a connection for the next request, as a proxy does. */
const createKeepingAgent = () => new Agent({ keepAlive: true, maxSockets: 1 })

describe('a gateway that drains', () => {
  let app: FastifyInstance
  let readiness: Readiness
  let agent: Agent
  let body: PassThrough

  beforeEach(async () => {
    readiness = { isReady: true, takesRequests: true }
    agent = createKeepingAgent()
    body = new PassThrough()
    app = fastify()
    registerErrorHandler(app)
    registerDrain(app, readiness)
    app.get('/short', async () => {
      readiness.isReady = false
      return 'short'
    })
    app.get('/long', (_request, reply) => {
      reply.send(body)
    })
    await app.listen()
  })
  afterEach(() => app.close())

  const open = (path: string) =>
    new Promise<{ readonly connection: string | undefined; readonly text: Promise<string> }>(
      (resolve, reject) => {
        const { port } = app.server.address() as AddressInfo
        get({ port, path, agent }, (message) => {
          resolve({ connection: message.headers.connection, text: text(message) })
        }).once('error', reject)
      },
    )

  /** Connections that a next request could be sent on. */
  const kept = () => Object.keys(agent.freeSockets).length

  it('ends the connection with an answer that it still gives', async () => {
    const { connection, text } = await open('/short')
    expect([connection, await text]).toEqual(['close', 'short'])
    await expect.poll(() => Object.keys(agent.sockets)).toEqual([])
    expect(kept()).toBe(0)
  })

  it('ends the connection after an answer that had begun before', async () => {
    body.write('lo')
    const { connection, text } = await open('/long')
    expect(connection).toBe('keep-alive')
    readiness.isReady = false
    body.end('ng')
    expect(await text).toBe('long')
    await expect.poll(() => Object.keys(agent.sockets).length + kept()).toBe(0)
  })

  it('keeps connections until then', async () => {
    body.end('long')
    expect(await (await open('/long')).text).toBe('long')
    await expect.poll(kept).toBe(1)
  })
})
