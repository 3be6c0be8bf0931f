import { readFileSync } from 'node:fs'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import { Type } from '#src/domain/schema-type.ts'
import { documentedModelPath } from '#src/http/model-paths.ts'
import { type AnswerDocument, errorAnswers } from '#src/http/schemas/answer-documents.ts'
import { componentSchemas } from '#src/http/schemas/components.ts'
import { componentOf, text } from '#src/http/schemas/schema-parts.ts'

/** Where OpenAI's paths stand besides `/v1`; the document tells them there. */
const CANONICAL_PREFIX = '/openai'

/** Set on every answer. */
const COMMON_HEADERS = {
  'x-request-id': text('The request’s id: the client’s own where it is sane, else a fresh one.'),
  'openai-processing-ms': Type.Integer({ minimum: 0, description: 'Time up to the answer.' }),
}

const RequestIdHeader = {
  'x-request-id': Type.Optional(
    Type.String({
      pattern: '^(?=.*[A-Za-z0-9])[A-Za-z0-9._:-]{1,128}$',
      description: 'Your own id for the request.',
    }),
  ),
}

const readVersion = (): string => {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

type Answers = Readonly<Record<string, AnswerDocument>>

/** What holds for every operation: the headers of its answers, and how it fails before it begins. */
const withCommonAnswers = (answers: Answers, isPublic: boolean): Answers => {
  const failures: Answers = errorAnswers(...(isPublic ? [500] : [401, 500, 503]))
  return Object.fromEntries(
    Object.entries({ ...answers, ...failures }).map(([status, answer]) => [
      status,
      { ...answer, headers: { ...answer.headers, ...COMMON_HEADERS } },
    ]),
  )
}

const withRequestId = (headers: unknown) => ({
  type: 'object',
  properties: {
    ...(headers as { properties?: object } | undefined)?.properties,
    ...RequestIdHeader,
  },
})

interface QuerySchema {
  readonly properties?: Readonly<Record<string, { readonly default?: unknown }>>
  readonly required?: readonly string[]
}

/** What has a default is always there for the route, but need not be sent. */
const withoutDefaulted = (query: unknown): unknown => {
  const { properties = {}, required = [] } = (query ?? {}) as QuerySchema
  const needed = required.filter((name) => !properties[name]?.default)
  return query && { ...query, required: needed }
}

const documentRoute = (schema: FastifySchema, { config }: RouteOptions): FastifySchema => {
  const isPublic = config?.isPublic === true
  return {
    ...schema,
    headers: withRequestId(schema.headers),
    querystring: withoutDefaulted(schema.querystring),
    response: withCommonAnswers((schema.response ?? {}) as Answers, isPublic),
    ...(isPublic && { security: [] }),
  }
}

/** `/v1/…` where `/openai/v1/…` is the same. */
const isAlias = (app: FastifyInstance, { method, url, constraints }: RouteOptions): boolean =>
  app.hasRoute({
    method: Array.isArray(method) ? (method[0] ?? 'GET') : method,
    url: `${CANONICAL_PREFIX}${url}`,
    ...(constraints && { constraints }),
  })

type Transform = NonNullable<FastifyDynamicSwaggerOptions['transform']>

const transformFor =
  (app: FastifyInstance): Transform =>
  ({ schema, url, route }) => {
    // Routes without a schema too.
    const given = (schema ?? {}) as FastifySchema
    if (given.hide) return { schema: given, url }
    if (isAlias(app, route)) return { schema: { ...given, hide: true }, url }
    return { schema: documentRoute(given, route), url: documentedModelPath(url, route.constraints) }
  }

type TransformObject = NonNullable<FastifyDynamicSwaggerOptions['transformObject']>

interface Operation {
  readonly operationId: string
  readonly responses: Record<string, object>
}

/** As much of the document as is tidied. */
interface Document {
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: Record<string, unknown>
}

/** HEAD shares all with GET but its id, which has to be its own. */
const nameHeads = ({ paths }: Document): void => {
  for (const path of Object.values(paths)) {
    const { head } = path
    if (!head) continue
    const { operationId, responses } = head
    path['head'] = { ...head, operationId: `${operationId}Head`, responses: { ...responses } }
  }
}

const isError = (response: object): boolean =>
  JSON.stringify(response).includes('"#/components/schemas/Error"')

/** Errors that are the same for all operations are written once. */
const shareErrors = ({ paths, components }: Document): void => {
  const shared: Record<string, object> = {}
  for (const { responses } of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const [status, response] of Object.entries(responses)) {
      if (!isError(response)) continue
      const name = `Error${status === 'default' ? '' : status}`
      shared[name] ??= response
      const isSame = JSON.stringify(shared[name]) === JSON.stringify(response)
      if (isSame) responses[status] = { $ref: `#/components/responses/${name}` }
    }
  }
  components['responses'] = shared
}

const tidyDocument: TransformObject = (given) => {
  if (!('openapiObject' in given)) return given.swaggerObject
  const document = given.openapiObject as unknown as Document
  nameHeads(document)
  shareErrors(document)
  return given.openapiObject
}

const TAGS = [
  { name: 'Images', description: 'As OpenAI’s Images API.' },
  { name: 'Models', description: 'What can be asked for, where, at which price.' },
  { name: 'Requests', description: 'What was asked for, and what is left to spend.' },
  { name: 'Keys', description: 'Who may ask, for what and how much. With an admin key.' },
  { name: 'Operations', description: 'Health, figures and this document.' },
]

const webhookOf = () => ({
  post: {
    tags: ['Images'],
    operationId: 'imageDone',
    summary: 'A request that was taken on has ended',
    description:
      'Posted to webhook_url, signed by the Standard Webhooks scheme (webhook-id, webhook-timestamp, webhook-signature).',
    requestBody: { content: { 'application/json': { schema: componentOf('Webhook') } } },
    responses: { 200: { description: 'Any 2xx: it was taken in. Else it is posted again.' } },
  },
})

const openApiOptions = (catalog: Catalog) => ({
  openapi: '3.1.0',
  info: {
    title: 'Fresnel',
    version: readVersion(),
    description:
      'OpenAI-compatible gateway for image generation. All paths under /openai/v1 stand under /v1 too.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/', description: 'This gateway' }],
  tags: TAGS,
  security: [{ bearer: [] }],
  components: {
    securitySchemes: {
      bearer: {
        type: 'http' as const,
        scheme: 'bearer',
        description: 'An API key of the gateway. Asked for unless none is configured.',
      },
    },
    schemas: componentSchemas(catalog),
  },
  webhooks: { imageDone: webhookOf() },
})

/** Makes the OpenAPI document out of the schemas of all routes that are registered after this. */
export const registerOpenApi = (app: FastifyInstance, catalog: Catalog): void => {
  app.register(swagger, {
    openapi: openApiOptions(catalog) as unknown as FastifyDynamicSwaggerOptions['openapi'],
    convertConstToEnum: false,
    transform: transformFor(app),
    transformObject: tidyDocument,
  } as FastifyDynamicSwaggerOptions)
}
