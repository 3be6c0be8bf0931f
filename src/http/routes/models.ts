import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import { Type } from '#src/domain/schema-type.ts'
import { isAllowed } from '#src/generation/check-request.ts'
import { configuredProvidersOf, presentModel } from '#src/http/model-object.ts'
import { refuseModelPart } from '#src/http/model-paths.ts'
import { readFlag } from '#src/http/read-flag.ts'
import { errorAnswers, jsonAnswer } from '#src/http/schemas/answer-documents.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { flag as flagSchema, ModelParamsSchema } from '#src/http/schemas/model-schema.ts'
import { componentOf } from '#src/http/schemas/schema-parts.ts'

export interface ModelRouteDependencies {
  readonly catalog: Catalog
  readonly configuredProviders: ReadonlySet<string>
}

const SchemaFlag = flagSchema('true: adds what each model takes in each mode, as JSON Schema.')

const listOperation = {
  tags: ['Models'],
  operationId: 'listModels',
  summary: 'Models that can be asked for',
  querystring: Type.Object({
    schema: SchemaFlag,
    all: flagSchema('true: those of providers that are not configured too, with available.'),
  }),
  response: { 200: jsonAnswer('Models.', componentOf('ModelList')), ...errorAnswers(400) },
}

const readOperation = {
  tags: ['Models'],
  operationId: 'readModel',
  summary: 'One model',
  params: ModelParamsSchema,
  querystring: Type.Object({ schema: SchemaFlag }),
  response: { 200: jsonAnswer('The model.', componentOf('Model')), ...errorAnswers(400, 404) },
}

const flag = (request: FastifyRequest, name: string): boolean =>
  readFlag((request.query as Readonly<Record<string, unknown>>)[name], name)

/** `GET /models` and `GET /models/{id}`; an id may contain slashes. */
export const registerModels = (
  app: FastifyInstance,
  { catalog, configuredProviders }: ModelRouteDependencies,
): void => {
  app.get('/models', { schema: listOperation, ...documentedOnly }, async (request) => {
    const withAvailability = flag(request, 'all')
    const withSchema = flag(request, 'schema')
    const models = catalog.models.filter(
      (model) =>
        isAllowed(model, request.apiKey?.models) &&
        (withAvailability || configuredProvidersOf(model, configuredProviders).length > 0),
    )
    const data = models.map((model) =>
      presentModel(model, configuredProviders, { withSchema, withAvailability }),
    )
    return { object: 'list', data }
  })

  app.get<{ Params: { '*': string } }>(
    '/models/*',
    { schema: readOperation, ...documentedOnly },
    async (request) => {
      refuseModelPart(request.url)
      const { model } = catalog.resolve(request.params['*'])
      const options = { withSchema: flag(request, 'schema'), withAvailability: false }
      return presentModel(model, configuredProviders, options)
    },
  )
}
