import fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createByteBudget } from '#src/bytes/byte-budget.ts'
import { createCatalog } from '#src/catalog/catalog.ts'
import { UNLIMITED } from '#src/domain/api-key.ts'
import { systemClock } from '#src/domain/clock.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { RequestLog } from '#src/domain/request-record.ts'
import { registerErrorHandler } from '#src/http/plugins/error-handler.ts'
import { registerBalance } from '#src/http/routes/balance.ts'
import { registerRequests } from '#src/http/routes/requests.ts'
import { createMemoryRequestLog } from '#src/state/memory/memory-request-log.ts'
import { createMemoryRunStore } from '#src/state/memory/memory-run-store.ts'
import { createSpendBook } from '#src/state/spend-book.ts'
import { FIRST_MODEL, readFirstModelFile } from '#test/helpers/models.ts'
import { fullRecord, START_MS, sampleRecord } from '#test/state/request-log-samples.ts'

const [MINE, THEIRS, ADMIN] = ['key_mine', 'key_theirs', 'key_admin']

/** The routes alone; who asks is a header. */
const createRoutes = () => {
  const log = createMemoryRequestLog()
  const world: { log: RequestLog } = { log }
  const requestLog: RequestLog = {
    ...log,
    find: (...args) => world.log.find(...args),
    list: (query) => world.log.list(query),
    summarize: (filter) => world.log.summarize(filter),
  }
  const app = fastify()
  app.decorateRequest('keyId', null)
  app.decorateRequest('apiKey', null)
  app.decorateRequest('trace', null)
  app.addHook('onRequest', async (request) => {
    const id = request.headers['x-key']
    if (typeof id !== 'string') return
    request.keyId = id
    request.apiKey = { ...UNLIMITED, id, hash: '', isAdmin: id === ADMIN, source: 'environment' }
  })
  registerErrorHandler(app)
  app.register(
    async (scope) => {
      const catalog = createCatalog([readFirstModelFile()])
      registerRequests(scope, {
        requestLog,
        catalog,
        results: {
          runs: createMemoryRunStore({ clock: systemClock }),
          openKeptImages: async () => [],
        },
        openMemory: createByteBudget({ limitBytes: 1_000_000 }).openAccount,
        publicBaseUrl: undefined,
        providerNames: new Map(),
      })
      registerBalance(scope, {
        ledger: createSpendBook({ monotonicMs: systemClock.monotonicMs }),
        clock: systemClock,
      })
    },
    { prefix: '/v1' },
  )
  const get = async (url: string, key?: string) => {
    const { statusCode, body } = await app.inject({ url, headers: key ? { 'x-key': key } : {} })
    return { status: statusCode, body: JSON.parse(body) }
  }
  return { app, log, world, get }
}

let routes: ReturnType<typeof createRoutes>
beforeEach(() => {
  routes = createRoutes()
})
afterEach(() => routes.app.close())

const idsOf = (body: { data: { id: string }[] }): string[] => body.data.map(({ id }) => id)
/** Requests a second apart. */
const addRow = (count: number, keyId = MINE) => {
  for (let index = 0; index < count; index += 1) {
    routes.log.add(
      sampleRecord(`r${index}`, { keyId, createdAtMs: START_MS + index * 1000, cost: 67_000 }),
    )
  }
}

const row = {
  id: 'a',
  object: 'request',
  created_at: '2026-11-20T12:00:00.000Z',
  model: 'google/painter',
  modality: 'image',
  endpoint: '/openai/v1/images/generations',
  status: 'completed',
  provider: 'vertex',
  attempts: [
    {
      provider: 'gemini',
      config_key: 'gemini/painter',
      status: 'failed',
      error_code: 'RATE_LIMITED',
      duration_ms: 412,
    },
    {
      provider: 'vertex',
      config_key: 'vertex/painter',
      status: 'completed',
      duration_ms: 24_011,
    },
  ],
  cost: 0.067,
  currency: 'usd',
  duration_ms: 24_423,
  overhead_ms: 12.3,
  key_id: MINE,
  error_code: 'TIMEOUT',
  error_message: 'It took too long — really.',
  session_id: 'session 1',
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  user: 'somebody ü',
  usage: expect.objectContaining({ input_tokens: 12, output_tokens: 1120, total_tokens: 1132 }),
  request_size_bytes: 210,
  response_size_bytes: 412,
}

describe('GET /v1/requests', () => {
  it('lists requests without their routing', async () => {
    routes.log.add(fullRecord('a', { keyId: MINE }))
    expect(await routes.get('/v1/requests', MINE)).toEqual({
      status: 200,
      body: { object: 'list', data: [row], next_page_url: null, previous_page_url: null },
    })
  })

  it('lists what a pending request is known by', async () => {
    routes.log.add(
      sampleRecord('p', { status: 'pending', sessionId: 's', requestSizeBytes: 7, keyId: MINE }),
    )
    const { body } = await routes.get('/v1/requests?status=pending', MINE)
    expect(body.data[0]).toMatchObject({
      status: 'pending',
      provider: null,
      usage: null,
      overhead_ms: null,
      session_id: 's',
      trace_id: null,
      request_size_bytes: 7,
      response_size_bytes: null,
    })
  })

  it('pages by URLs that keep every filter, forth and back', async () => {
    addRow(45)
    const start = '/v1/requests?model=gemini-3.1-flash-image&created_after=2026-11-20T12:00:00Z'
    for (let index = 0; index < 3; index += 1) {
      routes.log.add(
        sampleRecord(`m${index}`, {
          keyId: MINE,
          model: FIRST_MODEL,
          createdAtMs: START_MS + index,
        }),
      )
    }
    const first = (await routes.get(`${start}&limit=2&summary=true&other=1`, MINE)).body
    expect(idsOf(first)).toEqual(['m2', 'm1'])
    expect(first.previous_page_url).toBeNull()
    expect(first.summary).toEqual({ total_cost: 0, currency: 'usd', count: 3 })
    expect(first.next_page_url).toMatch(/^\/v1\/requests\?/)
    const kept = new URLSearchParams(first.next_page_url.split('?')[1])
    expect(Object.fromEntries(kept)).toEqual({
      model: 'gemini-3.1-flash-image',
      created_after: '2026-11-20T12:00:00Z',
      limit: '2',
      summary: 'true',
      starting_after: expect.stringMatching(/^~/),
    })
    const second = (await routes.get(first.next_page_url, MINE)).body
    expect([idsOf(second), second.next_page_url]).toEqual([['m0'], null])
    const back = (await routes.get(second.previous_page_url, MINE)).body
    expect([idsOf(back), back.previous_page_url]).toEqual([['m2', 'm1'], null])
    expect((await routes.get('/v1/requests', MINE)).body.data).toHaveLength(20)
    expect((await routes.get('/v1/requests?limit=100', MINE)).body.data).toHaveLength(48)
  })

  it('takes the id of a request for a cursor', async () => {
    addRow(4)
    const older = (await routes.get('/v1/requests?starting_after=r2&limit=1', MINE)).body
    expect(idsOf(older)).toEqual(['r1'])
    const newer = (await routes.get('/v1/requests?ending_before=r1&limit=1', MINE)).body
    expect(idsOf(newer)).toEqual(['r2'])
  })

  it('ends, though a client uses one id again and again', async () => {
    for (let index = 0; index < 5; index += 1) {
      routes.log.add(sampleRecord('same', { keyId: MINE, createdAtMs: START_MS + index }))
    }
    const times: string[] = []
    for (let url: string | null = '/v1/requests?limit=2'; url !== null; ) {
      const { body } = await routes.get(url, MINE)
      times.push(...body.data.map(({ created_at }: { created_at: string }) => created_at))
      url = body.next_page_url
      expect(times.length).toBeLessThanOrEqual(5)
    }
    expect(new Set(times).size).toBe(5)
  })

  it('shows a key its own requests, and the admin key those of all or of one', async () => {
    addRow(1)
    routes.log.add(sampleRecord('theirs', { keyId: THEIRS, cost: 1_000_000 }))
    routes.log.add(sampleRecord('nobody'))
    const listed = async (key: string | undefined, query = '') => {
      const { body } = await routes.get(`/v1/requests?summary=1${query}`, key)
      return [idsOf(body).toSorted(), body.summary.total_cost]
    }
    expect(await listed(MINE)).toEqual([['r0'], 0.067])
    expect(await listed(MINE, `&key_id=${MINE}`)).toEqual([['r0'], 0.067])
    expect(await listed(undefined)).toEqual([['nobody'], 0])
    expect(await listed(ADMIN)).toEqual([['nobody', 'r0', 'theirs'], 1.067])
    expect(await listed(ADMIN, `&key_id=${THEIRS}`)).toEqual([['theirs'], 1])
    const refused = await routes.get(`/v1/requests?key_id=${THEIRS}`, MINE)
    expect(refused.status).toBe(400)
    expect(refused.body.error).toMatchObject({ param: 'key_id', code: 'INVALID_REQUEST' })
    const foreign = await routes.get('/v1/requests?starting_after=theirs', MINE)
    expect(foreign.body.error).toMatchObject({ param: 'starting_after', code: 'INVALID_REQUEST' })
  })

  it('finds rejected requests by the model name that was asked for in vain', async () => {
    routes.log.add(sampleRecord('x', { keyId: MINE, model: 'no-such', status: 'rejected' }))
    expect(idsOf((await routes.get('/v1/requests?model=no-such', MINE)).body)).toEqual(['x'])
  })

  it.each([
    ['limit=0', 'limit', 'limit must be >= 1.'],
    ['limit=101', 'limit', 'limit must be <= 100.'],
    ['limit=many', 'limit', 'limit must be integer.'],
    ['limit=', 'limit', 'limit must be integer.'],
    ['limit=1&limit=2', 'limit', 'limit must be integer.'],
    [
      'status=done',
      'status',
      'status must be one of completed, pending, upstream_failure, rejected, cancelled.',
    ],
    ['summary=maybe', 'summary', 'summary must be true or false.'],
    ['created_after=soon', 'created_after', expect.stringContaining('must be a time')],
    ['created_before=1773585130000', 'created_before', expect.stringContaining('unix seconds')],
    ['starting_after=none', 'starting_after', 'starting_after: there is no request "none".'],
    ['ending_before=~x', 'ending_before', expect.stringContaining('must be the id of a request')],
    ['ending_before=~', 'ending_before', expect.stringContaining('must be the id of a request')],
    ['starting_after=a&ending_before=b', 'ending_before', expect.stringContaining('together')],
    ['model=a&model=b', 'model', 'model must be string.'],
  ])('refuses ?%s and names the parameter', async (query, param, message) => {
    expect(await routes.get(`/v1/requests?${query}`, MINE)).toEqual({
      status: 400,
      body: {
        error: { message, type: 'invalid_request_error', param, code: 'INVALID_REQUEST' },
      },
    })
  })

  it('says so when the requests of other gateways are missing', async () => {
    addRow(1)
    routes.world.log = {
      ...routes.log,
      list: async (query) => ({ ...(await routes.log.list(query)), isPartial: true }),
    }
    const { body } = await routes.get('/v1/requests', MINE)
    expect([idsOf(body), body.partial]).toEqual([['r0'], true])
  })
})

describe('GET /v1/requests/{id}', () => {
  it('shows a request and why it was routed so', async () => {
    routes.log.add(fullRecord('a', { keyId: MINE }))
    const { status, body } = await routes.get('/v1/requests/a', MINE)
    expect([status, body]).toEqual([200, { ...row, routing: expect.any(Object) }])
    expect(body.routing.decisions[0].candidates).toHaveLength(4)
    expect((await routes.get('/v1/requests/a', ADMIN)).status).toBe(200)
  })

  it('is a 404 for what another key sent, or nobody', async () => {
    routes.log.add(fullRecord('a', { keyId: THEIRS }))
    for (const id of ['a', 'b']) {
      const { status, body } = await routes.get(`/v1/requests/${id}`, MINE)
      expect([status, body.error.code]).toEqual([404, 'NOT_FOUND'])
    }
  })

  it('is a 503 while it cannot be said whether there is such a request', async () => {
    routes.world.log = {
      ...routes.log,
      find: async () => {
        throw new GatewayError('OVERLOADED', 'The request log cannot be read whole now.')
      },
    }
    expect((await routes.get('/v1/requests/a', MINE)).status).toBe(503)
  })
})

describe('GET /v1/balance', () => {
  it('says that a key without a budget pays afterwards', async () => {
    expect(await routes.get('/v1/balance', MINE)).toEqual({
      status: 200,
      body: { object: 'balance', billing_type: 'postpaid', available: null },
    })
  })
})
