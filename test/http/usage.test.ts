import fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UNLIMITED } from '#src/domain/api-key.ts'
import type { RequestLog } from '#src/domain/request-record.ts'
import { registerErrorHandler } from '#src/http/plugins/error-handler.ts'
import { registerUsage } from '#src/http/routes/usage.ts'
import { createMemoryRequestLog } from '#src/state/memory/memory-request-log.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createFirstCatalog, FIRST_MODEL } from '#test/helpers/models.ts'
import { fullRecord, sampleRecord } from '#test/state/request-log-samples.ts'

const [MINE, THEIRS, ADMIN] = ['key_mine', 'key_theirs', 'key_admin']
const NOW = Date.parse('2026-11-21T12:30:00Z')
const HOUR = 3_600_000

/** The route alone; who asks is a header. */
const createRoutes = () => {
  const log = createMemoryRequestLog({ now: () => NOW })
  const world: { log: RequestLog } = { log }
  const app = fastify()
  app.decorateRequest('apiKey', null)
  app.decorateRequest('trace', null)
  app.addHook('onRequest', async (request) => {
    const id = request.headers['x-key']
    if (typeof id !== 'string') return
    request.apiKey = { ...UNLIMITED, id, hash: '', isAdmin: id === ADMIN, source: 'environment' }
  })
  registerErrorHandler(app)
  app.register(
    async (scope) =>
      registerUsage(scope, {
        requestLog: { ...log, sumUsage: (query) => world.log.sumUsage(query) },
        catalog: createFirstCatalog(),
        providerNames: new Map([['vertex', 'Vertex AI']]),
        clock: createFakeClock(NOW),
      }),
    { prefix: '/v1' },
  )
  const get = async (query = '', key?: string) => {
    const headers = key ? { 'x-key': key } : {}
    const { statusCode, body } = await app.inject({ url: `/v1/usage${query}`, headers })
    return { status: statusCode, body: JSON.parse(body) }
  }
  return { app, log, world, get }
}

let routes: ReturnType<typeof createRoutes>
beforeEach(() => {
  routes = createRoutes()
})
afterEach(() => routes.app.close())

const nothing = {
  requests: 0,
  completed: 0,
  upstream_failure: 0,
  cost: 0,
  p50_ms: null,
  p95_ms: null,
}

describe('GET /v1/usage', () => {
  it('tells what a key has asked for in the last 24 hours', async () => {
    const ago = (hours: number) => ({ keyId: MINE, createdAtMs: NOW - hours * HOUR })
    routes.log.add(fullRecord('a', ago(1)))
    routes.log.add(fullRecord('b', { ...ago(1), status: 'upstream_failure' }))
    for (const status of ['rejected', 'pending', 'cancelled'] as const) {
      routes.log.add(sampleRecord(status, { ...ago(0), status, model: FIRST_MODEL }))
    }
    routes.log.add(fullRecord('old', ago(24.1)))
    routes.log.add(fullRecord('theirs', { keyId: THEIRS, createdAtMs: NOW }))
    const { status, body } = await routes.get('', MINE)
    const pair = {
      requests: 2,
      completed: 1,
      upstream_failure: 1,
      cost: 0.134,
      p50_ms: 24_423,
      p95_ms: 24_423,
    }
    const asked = { ...nothing, requests: 3 }
    expect(status).toBe(200)
    expect(body).toEqual({
      object: 'usage',
      window: '24h',
      interval: 'hour',
      from: '2026-11-20T12:30:00.000Z',
      to: '2026-11-21T12:30:00.000Z',
      totals: {
        ...pair,
        requests: 5,
        pending: 1,
        rejected: 1,
        cancelled: 1,
        success_rate: 0.5,
        currency: 'usd',
        mean_ms: 24_423,
        overhead_p50_ms: 12.3,
        overhead_p95_ms: 12.3,
      },
      intervals: Array.from({ length: 25 }, (_, index) => ({
        at: new Date(Date.parse('2026-11-20T12:00:00Z') + index * HOUR).toISOString(),
        ...(index === 23 ? pair : index === 24 ? asked : nothing),
      })),
      models: [
        { model: 'google/painter', ...pair, success_rate: 0.5 },
        { model: FIRST_MODEL, ...asked, success_rate: null },
      ],
      providers: [{ provider: 'vertex', provider_name: 'Vertex AI', ...pair, success_rate: 0.5 }],
    })
  })

  it.each([
    ['the admin key', ADMIN, 3],
    ['a key', MINE, 1],
    ['nobody where no key is asked for', undefined, 1],
  ])('shows %s what /v1/requests shows it', async (_name, key, requests) => {
    for (const keyId of [MINE, THEIRS]) {
      routes.log.add(sampleRecord('a', { keyId, createdAtMs: NOW }))
    }
    routes.log.add(sampleRecord('a', { createdAtMs: NOW }))
    expect((await routes.get('', key)).body.totals.requests).toBe(requests)
  })

  it.each([
    ['7d', '6_hours', 29],
    ['30d', 'day', 31],
  ])('has intervals of its own for %s', async (window, interval, count) => {
    const { body } = await routes.get(`?window=${window}`)
    expect([body.window, body.interval, body.intervals.length]).toEqual([window, interval, count])
    const at = body.intervals.map((entry: { at: string }) => Date.parse(entry.at))
    expect(new Set(at.slice(1).map((ms: number, index: number) => ms - at[index])).size).toBe(1)
    expect(body.totals).toMatchObject({ success_rate: null, mean_ms: null, overhead_p50_ms: null })
  })

  it('is of one model only, by any of its names', async () => {
    routes.log.add(sampleRecord('a', { model: FIRST_MODEL, createdAtMs: NOW }))
    routes.log.add(sampleRecord('b', { createdAtMs: NOW }))
    const { body } = await routes.get('?model=gemini-3.1-flash-image')
    expect(body.models.map(({ model }: { model: string }) => model)).toEqual([FIRST_MODEL])
  })

  it('says when other gateways cannot be asked', async () => {
    const { log } = routes
    routes.world.log = {
      ...log,
      sumUsage: async (query) => ({ ...(await log.sumUsage(query)), isPartial: true }),
    }
    expect((await routes.get()).body.partial).toBe(true)
  })

  it('is a 400 for a window that there is not', async () => {
    const { status, body } = await routes.get('?window=1y')
    expect([status, body.error]).toEqual([
      400,
      {
        message: 'window must be one of 24h, 7d, 30d.',
        type: 'invalid_request_error',
        param: 'window',
        code: 'INVALID_REQUEST',
      },
    ])
  })
})
