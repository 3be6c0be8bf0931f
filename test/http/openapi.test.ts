import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import { pino } from 'pino'
import { beforeAll, describe, expect, it } from 'vitest'
import { type AppDependencies, buildApp } from '#src/app.ts'
import { OPENAPI_FILE, renderOpenApi } from '#src/cli/write-openapi.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import { createWholeCatalog } from '#test/helpers/models.ts'
import { createSchemaChecker, examplesOf } from './openapi-document.ts'

interface Operation {
  readonly operationId: string
  readonly security?: object[]
  readonly parameters?: { name: string; in: string; required: boolean }[]
}

const committed = readFileSync(OPENAPI_FILE, 'utf8')
const document = JSON.parse(committed) as JsonObject & {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, JsonObject> }
}

/** `GET /v1/models/{id}` for every operation of the document. */
const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
)

/** A server that answers nothing: routes are all that is asked of it. */
const readRoutes = async () => {
  const dependencies = {
    generation: {
      catalog: await createWholeCatalog(),
      adapters: new Map(),
      routing: { clock: {}, tracker: {} },
    },
    media: {},
    logger: pino({ level: 'silent' }),
    readiness: { isReady: true, takesRequests: true },
    keys: { asksForKeys: () => false },
    providerNames: new Map(),
    requestLog: {},
    hasAdminPort: false,
    requestTimeoutMs: 1_000,
    corsOrigins: ['*'],
  } as unknown as AppDependencies
  const { server } = buildApp(dependencies)
  const routes: { name: string; isHidden: boolean; isOpen: boolean }[] = []
  server.addHook('onRoute', ({ method, url, constraints, schema, config }) => {
    const part = Object.values(constraints ?? {})[0]
    const path = url
      .replace('/models/*', `/models/{id}${part === undefined ? '' : `/${part}`}`)
      .replaceAll(/:(\w+)/g, '{$1}')
    for (const each of [method].flat()) {
      routes.push({
        name: `${each} ${path}`,
        isHidden: schema?.hide === true,
        isOpen: config?.isPublic === true,
      })
    }
  })
  await server.ready()
  await server.close()
  return routes
}

describe('the OpenAPI document', () => {
  let routes: Awaited<ReturnType<typeof readRoutes>>
  beforeAll(async () => {
    routes = await readRoutes()
  })

  it('is the committed one: npm run docs:openapi writes it', async () => {
    expect(await renderOpenApi()).toBe(committed)
  })

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(structuredClone(document))
    expect({ valid, errors, version: validator.version }).toEqual({
      valid: true,
      errors: undefined,
      version: '3.1',
    })
  })

  it('has every route that is registered, and no other', () => {
    const names = routes
      .filter(({ isHidden }) => !isHidden)
      .map(({ name }) => name)
      // HEAD stands beside each GET; images alone have one of their own.
      .filter((name) => !name.startsWith('HEAD ') || name.includes('/media/'))
    const canonical = names.filter(
      (name) => !names.includes(name.replace(' /v1/', ' /openai/v1/')) || !name.includes(' /v1/'),
    )
    expect(canonical.toSorted()).toEqual(documented.toSorted())
  })

  it('hides nothing but the reference itself and preflights', () => {
    const hidden = routes.filter(({ isHidden }) => isHidden).map(({ name }) => name)
    expect(hidden.filter((name) => !name.startsWith('HEAD '))).toEqual([
      'OPTIONS *',
      'GET /console/settings.json',
      'GET /console/*',
      'GET /docs',
      'GET /docs/*',
      'GET /console',
    ])
  })

  it('asks for a key where the gateway does', () => {
    const open = routes.filter(({ isOpen }) => isOpen).map(({ name }) => name)
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, { security }] of Object.entries(operations)) {
        const isOpen = open.includes(`${method.toUpperCase()} ${path}`)
        expect([path, security]).toEqual([path, isOpen ? [] : undefined])
      }
    }
    expect(document['security']).toEqual([{ bearer: [] }])
  })

  it('asks for no part of a query that has a default', () => {
    const needed = Object.entries(document.paths).flatMap(([path, { get }]) =>
      (get?.parameters ?? [])
        .filter((parameter) => parameter.in === 'query' && parameter.required)
        .map(({ name }) => `${path} ${name}`),
    )
    expect(needed).toEqual(['/v1/media/{file} expires', '/v1/media/{file} signature'])
  })

  it('names each operation once', () => {
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    )
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.every((id) => /^[a-z][A-Za-z]+$/.test(id))).toBe(true)
  })

  it('has the schemas that requests for each model are checked with', async () => {
    const { models } = await createWholeCatalog()
    const namesOfEdits = new Set<string>()
    for (const { card, parameters } of models) {
      for (const mode of card.modes) {
        const { $schema: _dialect, ...schema } = parameters[mode]?.schema ?? {}
        expect(document.components.schemas[`${card.id}.${mode}`]).toEqual(schema)
        const names = mode === 'image_edit' ? Object.keys(schema['properties'] ?? {}) : []
        for (const name of names) namesOfEdits.add(name)
      }
    }
    const { properties } = document.components.schemas['ImageEditForm'] ?? {}
    expect(Object.keys(isJsonObject(properties) ? properties : {}).toSorted()).toEqual(
      [...namesOfEdits].toSorted(),
    )
  })

  it('has examples that are what their schemas say', () => {
    const { problemsOf } = createSchemaChecker(document, { isClosed: true })
    const examples = examplesOf(document)
    expect(examples.length).toBeGreaterThan(20)
    for (const { value, schema } of examples) {
      expect([schema.join('/'), problemsOf(value, schema)]).toEqual([schema.join('/'), []])
    }
  })
})
