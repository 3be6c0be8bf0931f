import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Ajv } from 'ajv'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import { instantOf } from '#src/domain/instant.ts'
import type { KeyRegistry } from '#src/domain/key-registry.ts'
import { OWN_SCHEMA } from '#src/domain/own-schema.ts'
import { Type } from '#src/domain/schema-type.ts'
import { presentKey, readKeyChange, readKeyTerms } from '#src/http/key-object.ts'
import { documentedAnswers } from '#src/http/schemas/documented.ts'
import { keyOperations } from '#src/http/schemas/key-operations.ts'
import { type KeyBody, KeyChangeSchema, KeyDraftSchema } from '#src/http/schemas/key-schema.ts'

export interface KeyRouteDependencies {
  readonly keys: KeyRegistry
  readonly catalog: Catalog
}

const ParamsSchema = Type.Object({ id: Type.String({ description: 'Id of the key.' }) })

/** As much of an unknown name as is told back. */
const MAX_NAME_CHARACTERS = 64

const ajv = new Ajv({ ...OWN_SCHEMA, allErrors: true, allowUnionTypes: true })

interface Problem {
  readonly instancePath: string
  readonly message?: string
  readonly params: Readonly<Record<string, unknown>>
}

/** The 400 that names the field and what it may be. */
const explain = (problems: readonly Problem[]): GatewayError => {
  // The longest path says most: that a value is neither this nor null says little.
  const [problem] = problems.toSorted(
    (one, other) => other.instancePath.length - one.instancePath.length,
  )
  const unknown = problem?.params['additionalProperty']
  const path = problem?.instancePath.slice(1).replaceAll('/', '.') ?? ''
  const name = typeof unknown === 'string' ? unknown.slice(0, MAX_NAME_CHARACTERS) : ''
  const param = [path, name].filter((part) => part !== '').join('.')
  const allowed = problem?.params['allowedValues']
  const rule = Array.isArray(allowed) ? `must be one of ${allowed.join(', ')}` : problem?.message
  const words = unknown === undefined ? rule : 'is not known here'
  return invalidRequest(`${param || 'The body'} ${words ?? 'is wrong'}.`, param || undefined)
}

const options = {
  ...documentedAnswers,
  validatorCompiler: ({ schema }: { schema: object }) => ajv.compile(schema),
  schemaErrorFormatter: (problems: Problem[]): Error => explain(problems),
}

/** Also where nobody is asked for a key: whoever sits at the machine must not make keys for good. */
const checkIsAdmin = async ({ apiKey }: FastifyRequest): Promise<void> => {
  if (apiKey?.isAdmin) return
  throw new GatewayError(
    'AUTHENTICATION_FAILED',
    'Keys are managed with an admin key: set GATEWAY_ADMIN_KEY and send that one.',
  )
}

const checkModels = ({ models }: Pick<KeyBody, 'models'>, { models: all }: Catalog): void => {
  const names = new Set(all.flatMap(({ card }) => [card.id, ...card.aliases]))
  const unknown = models?.find((name) => !names.has(name))
  if (unknown === undefined) return
  throw invalidRequest(`models: there is no model "${unknown}".`, 'models')
}

const checkTime = ({ expires_at: expires }: Pick<KeyBody, 'expires_at'>): void => {
  if (typeof expires !== 'string' || !Number.isNaN(instantOf(expires))) return
  throw invalidRequest('expires_at is no time that there is.', 'expires_at')
}

/** When keys that could not be read yet are worth another try, in ms. */
const RETRY_AFTER_MS = 1_000

/** What is not known of all keys must not be told as if it were. */
const checkIsComplete = (keys: KeyRegistry): void => {
  if (keys.isComplete()) return
  throw new GatewayError('OVERLOADED', 'The API keys in Redis could not be read yet.', {
    retryAfterMs: RETRY_AFTER_MS,
  })
}

/** Many clients name a content type with everything that they send, also where there is nothing to be sent. */
const readEmptyBodies = (scope: FastifyInstance): void => {
  const readJson = scope.getDefaultJsonParser('error', 'error')
  scope.removeContentTypeParser('application/json')
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '' && request.method === 'DELETE') done(null, undefined)
    else readJson(request, String(text), done)
  })
}

/** `/keys`: creating, looking at, changing and removing API keys. */
export const registerKeys = (app: FastifyInstance, dependencies: KeyRouteDependencies): void => {
  app.register(async (scope) => {
    readEmptyBodies(scope)
    registerRoutes(scope, dependencies)
  })
}

const registerRoutes = (app: FastifyInstance, { keys, catalog }: KeyRouteDependencies): void => {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  const check = (body: KeyBody): void => {
    checkModels(body, catalog)
    checkTime(body)
  }
  const common = { ...options, onRequest: checkIsAdmin }

  typed.post(
    '/keys',
    { schema: { ...keyOperations.create, body: KeyDraftSchema }, ...common },
    async ({ body }, reply) => {
      check(body)
      const { key, secret } = await keys.create(readKeyTerms(body))
      // Nobody between here and the admin is to keep it.
      return reply
        .code(201)
        .headers({ location: `/v1/keys/${key.id}`, 'cache-control': 'no-store' })
        .send({ ...presentKey(key), key: secret })
    },
  )

  typed.get('/keys', { schema: keyOperations.list, ...common }, async () => {
    checkIsComplete(keys)
    return { object: 'list', data: keys.list().map(presentKey) }
  })

  typed.get(
    '/keys/:id',
    { schema: { ...keyOperations.read, params: ParamsSchema }, ...common },
    async ({ params: { id } }) => {
      const key = keys.find(id)
      if (!key) checkIsComplete(keys)
      if (!key) throw new GatewayError('NOT_FOUND', `There is no key "${id.slice(0, 64)}".`)
      return presentKey(key)
    },
  )

  typed.patch(
    '/keys/:id',
    {
      schema: { ...keyOperations.change, params: ParamsSchema, body: KeyChangeSchema },
      ...common,
    },
    async ({ params: { id }, body }) => {
      check(body)
      return presentKey(await keys.change(id, readKeyChange(body)))
    },
  )

  typed.delete(
    '/keys/:id',
    { schema: { ...keyOperations.remove, params: ParamsSchema }, ...common },
    async ({ params: { id } }) => {
      await keys.remove(id)
      return { id, object: 'api_key', deleted: true }
    },
  )
}
