import { readFileSync } from 'node:fs'
import fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCatalog } from '#src/catalog/catalog.ts'
import { OPENAPI_FILE } from '#src/cli/write-openapi.ts'
import { type ApiKey, changeKey, hashKey, keyIdOf, UNLIMITED } from '#src/domain/api-key.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type { KeyRegistry } from '#src/domain/key-registry.ts'
import { registerAuthentication } from '#src/http/plugins/authentication.ts'
import { registerErrorHandler } from '#src/http/plugins/error-handler.ts'
import { registerKeys } from '#src/http/routes/keys.ts'
import { createConfiguredRegistry, noSuchKey } from '#src/state/configured-keys.ts'
import { FIRST_MODEL, readFirstModelFile } from '#test/helpers/models.ts'
import { createSchemaChecker, schemaOfAnswer } from './openapi-document.ts'

const NOW_MS = Date.parse('2026-11-21T12:00:00.000Z')

const document = JSON.parse(readFileSync(OPENAPI_FILE, 'utf8')) as JsonObject
const { problemsOf } = createSchemaChecker(document, { isClosed: true })

const keyOf = (text: string, part: Partial<ApiKey> = {}): ApiKey => {
  const hash = hashKey(text)
  return { ...UNLIMITED, id: keyIdOf(hash), hash, source: 'environment', ...part }
}

/** Keys in a map, created one after the other. */
const createRegistry = (configured: readonly ApiKey[]): KeyRegistry => {
  const byId = new Map(configured.map((key) => [key.id, key]))
  const registry: KeyRegistry = {
    ...createConfiguredRegistry(configured),
    findByHash: (hash) => [...byId.values()].find((key) => key.hash === hash),
    find: (id) => byId.get(id),
    list: () => [...byId.values()],
    create: async (terms) => {
      const secret = `secret-${byId.size}`
      const key = keyOf(secret, { ...terms, source: 'api', createdAtMs: NOW_MS })
      byId.set(key.id, key)
      return { key, secret }
    },
    change: async (id, change) => {
      const key = byId.get(id)
      if (!key) throw noSuchKey(id)
      byId.set(id, changeKey(key, change))
      return changeKey(key, change)
    },
    remove: async (id) => {
      if (!byId.delete(id)) throw noSuchKey(id)
    },
  }
  return registry
}

const createRoutes = (keys: KeyRegistry) => {
  const app = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } })
  app.decorateRequest('trace', null)
  registerErrorHandler(app)
  registerAuthentication(app, keys, () => NOW_MS)
  app.register(
    async (scope) => registerKeys(scope, { keys, catalog: createCatalog([readFirstModelFile()]) }),
    { prefix: '/v1' },
  )
  app.get('/whoami', async ({ keyId }) => ({ keyId }))
  const call = async (
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    body?: object,
    key = 'admin',
  ) => {
    const answer = await app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${key}` },
      ...(body && { payload: body }),
    })
    return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(answer.body) }
  }
  return { app, call }
}

let routes: ReturnType<typeof createRoutes>
beforeEach(() => {
  routes = createRoutes(createRegistry([keyOf('admin', { isAdmin: true }), keyOf('plain')]))
})
afterEach(() => routes.app.close())

const check = (path: string, method: string, status: number, body: unknown): void => {
  const type = 'application/json'
  const place = schemaOfAnswer(document, { path, method, status, type })
  expect(problemsOf(body, place)).toEqual([])
}

const FULL = {
  name: 'web shop',
  expires_at: '2027-01-31T12:00:00+01:00',
  models: [FIRST_MODEL],
  limits: { requests_per_minute: 60, concurrent: 4 },
  budget: { usd: 12.5, period: 'month' },
}

const shown = {
  id: keyIdOf(hashKey('secret-2')),
  object: 'api_key',
  name: 'web shop',
  source: 'api',
  created_at: '2026-11-21T12:00:00.000Z',
  expires_at: '2027-01-31T11:00:00.000Z',
  enabled: true,
  admin: false,
  models: [FIRST_MODEL],
  limits: { requests_per_minute: 60, concurrent: 4 },
  budget: { usd: 12.5, period: 'month' },
}

describe('POST /v1/keys', () => {
  it('creates a key, and shows it this once', async () => {
    const { call } = routes
    const created = await call('POST', '/v1/keys', FULL)
    expect([created.status, created.body]).toEqual([201, { ...shown, key: 'secret-2' }])
    expect(created.headers).toMatchObject({
      location: `/v1/keys/${shown.id}`,
      'cache-control': 'no-store',
    })
    check('/v1/keys', 'post', 201, created.body)
    const read = await call('GET', `/v1/keys/${shown.id}`)
    expect(read.body).toEqual(shown)
    check('/v1/keys/{id}', 'get', 200, read.body)
    const list = await call('GET', '/v1/keys')
    expect(list.body.data).toHaveLength(3)
    check('/v1/keys', 'get', 200, list.body)
    expect(list.body).not.toHaveProperty('data[2].key')
    expect((await call('GET', '/whoami', undefined, 'secret-2')).body).toEqual({ keyId: shown.id })
  })

  it('creates one without any limit from nothing', async () => {
    const { body } = await routes.call('POST', '/v1/keys', { limits: null, budget: null })
    expect(body).toMatchObject({
      name: null,
      expires_at: null,
      enabled: true,
      admin: false,
      models: null,
      limits: { requests_per_minute: null, concurrent: null },
      budget: null,
    })
  })

  it.each([
    [{ budgte: {} }, 'budgte', 'budgte is not known here.'],
    [{ budget: { usd: '5', period: 'day' } }, 'budget.usd', 'budget.usd must be number.'],
    [
      { budget: { usd: 5, period: 'week' } },
      'budget.period',
      'budget.period must be one of day, month, total.',
    ],
    [{ budget: { usd: -1, period: 'day' } }, 'budget.usd', 'budget.usd must be >= 0.'],
    [{ limits: { concurrent: 0 } }, 'limits.concurrent', 'limits.concurrent must be >= 1.'],
    [{ models: ['nowhere'] }, 'models', 'models: there is no model "nowhere".'],
    [{ expires_at: '2027-13-01T00:00:00Z' }, 'expires_at', 'expires_at is no time that there is.'],
    [{ expires_at: '2027-02-31T00:00:00Z' }, 'expires_at', 'expires_at is no time that there is.'],
    [{ expires_at: 'tomorrow' }, 'expires_at', expect.stringContaining('expires_at must match')],
  ])('refuses %j', async (body, param, message) => {
    const answer = await routes.call('POST', '/v1/keys', body)
    expect([answer.status, answer.body.error]).toEqual([
      400,
      { message, type: 'invalid_request_error', param, code: 'INVALID_REQUEST' },
    ])
  })
})

describe('a field that is not known', () => {
  it('is told back in part when it is long', async () => {
    const { body } = await routes.call('POST', '/v1/keys', { ['x'.repeat(500_000)]: 1 })
    expect(body.error).toEqual({
      message: `${'x'.repeat(64)} is not known here.`,
      type: 'invalid_request_error',
      param: 'x'.repeat(64),
      code: 'INVALID_REQUEST',
    })
  })
})

describe('PATCH and DELETE /v1/keys/{id}', () => {
  it('change what is named and take away what is null', async () => {
    const { call } = routes
    await call('POST', '/v1/keys', FULL)
    const path = `/v1/keys/${shown.id}`
    const change = { enabled: false, budget: null, limits: { concurrent: null } }
    const { status, body } = await call('PATCH', path, change)
    expect([status, body]).toEqual([
      200,
      {
        ...shown,
        enabled: false,
        budget: null,
        limits: { requests_per_minute: 60, concurrent: null },
      },
    ])
    const refused = await call('GET', '/whoami', undefined, 'secret-2')
    expect(refused.body.error.message).toBe('The API key is disabled.')
  })

  it('remove a key for good', async () => {
    const { call } = routes
    await call('POST', '/v1/keys', FULL)
    const removed = await call('DELETE', `/v1/keys/${shown.id}`)
    expect(removed.body).toEqual({ id: shown.id, object: 'api_key', deleted: true })
    check('/v1/keys/{id}', 'delete', 200, removed.body)
    expect((await call('DELETE', `/v1/keys/${shown.id}`)).status).toBe(404)
    expect((await call('GET', '/whoami', undefined, 'secret-2')).body.error.message).toBe(
      'The API key is not known here.',
    )
  })

  it.each([
    ['a content type', { 'content-type': 'application/json' }, ''],
    ['an empty object', { 'content-type': 'application/json' }, '{}'],
  ])('remove a key with %s and nothing else in the request', async (_, headers, payload) => {
    const { app, call } = routes
    const { body } = await call('POST', '/v1/keys', FULL)
    const removed = await app.inject({
      method: 'DELETE',
      url: `/v1/keys/${body.id}`,
      headers: { authorization: 'Bearer admin', ...headers },
      payload,
    })
    expect([removed.statusCode, removed.json()]).toEqual([
      200,
      { id: body.id, object: 'api_key', deleted: true },
    ])
  })

  it('want a body that can be read where there is one', async () => {
    const { app } = routes
    for (const [method, payload] of [
      ['PATCH', ''],
      ['PATCH', '{"__proto__": {"enabled": false}}'],
      ['DELETE', '{"enabled": '],
    ] as const) {
      const answer = await app.inject({
        method,
        url: `/v1/keys/${keyIdOf(hashKey('plain'))}`,
        headers: { authorization: 'Bearer admin', 'content-type': 'application/json' },
        payload,
      })
      expect([method, answer.statusCode]).toEqual([method, 400])
    }
  })

  it('cannot make an admin of a key, nor change nothing', async () => {
    const path = `/v1/keys/${keyIdOf(hashKey('plain'))}`
    expect((await routes.call('PATCH', path, { admin: true })).body.error.param).toBe('admin')
    expect((await routes.call('PATCH', path, {})).status).toBe(400)
  })
})

describe('keys', () => {
  it.each(['GET', 'POST'] as const)('are for the admin alone: %s', async (method) => {
    const { status, body } = await routes.call(method, '/v1/keys', undefined, 'plain')
    expect([status, body.error.code]).toEqual([401, 'AUTHENTICATION_FAILED'])
  })

  it('are for nobody where no key is asked for', async () => {
    const { app, call } = createRoutes(createConfiguredRegistry([]))
    expect((await call('GET', '/whoami')).body).toEqual({ keyId: null })
    expect((await call('POST', '/v1/keys', {})).status).toBe(401)
    await app.close()
  })

  it('cannot be created without Redis, and that says why', async () => {
    const { app, call } = createRoutes(
      createConfiguredRegistry([keyOf('admin', { isAdmin: true })]),
    )
    const { status, body } = await call('POST', '/v1/keys', {})
    expect([status, body.error.message]).toEqual([
      400,
      'Keys can be created and changed only where gateways share a Redis: set REDIS_URL. Without it keys stand in GATEWAY_API_KEYS or CONFIG_FILE.',
    ])
    expect((await call('GET', '/v1/keys')).body.data).toHaveLength(1)
    await app.close()
  })

  it('are not told to be none, nor to be all, before those of Redis were read', async () => {
    const registry = createRegistry([keyOf('admin', { isAdmin: true })])
    const { app, call } = createRoutes({ ...registry, isComplete: () => false })
    for (const path of ['/v1/keys', '/v1/keys/key_0123456789ab']) {
      const { status, headers, body } = await call('GET', path)
      expect([status, headers['retry-after'], body.error]).toEqual([
        503,
        '1',
        {
          message: 'The API keys in Redis could not be read yet.',
          type: 'server_error',
          param: null,
          code: 'OVERLOADED',
        },
      ])
    }
    expect((await call('GET', `/v1/keys/${keyIdOf(hashKey('admin'))}`)).status).toBe(200)
    await app.close()
  })

  it('are not taken from the moment on that they expire', async () => {
    const { app, call } = createRoutes(
      createConfiguredRegistry([
        keyOf('old', { expiresAtMs: NOW_MS }),
        keyOf('young', { expiresAtMs: NOW_MS + 1 }),
      ]),
    )
    expect((await call('GET', '/whoami', undefined, 'young')).status).toBe(200)
    expect((await call('GET', '/whoami', undefined, 'old')).body.error.message).toBe(
      'The API key expired at 2026-11-21T12:00:00.000Z.',
    )
    await app.close()
  })
})
