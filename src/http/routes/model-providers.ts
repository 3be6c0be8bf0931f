import type { FastifyInstance } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import { invalidRequest } from '#src/domain/errors.ts'
import { Type } from '#src/domain/schema-type.ts'
import { modelIdBefore, modelPartRoute } from '#src/http/model-paths.ts'
import { presentOffering } from '#src/http/offering-object.ts'
import type { PerformanceReader } from '#src/http/performance-reader.ts'
import type { HealthOf } from '#src/http/provider-health.ts'
import { errorAnswers, jsonAnswer } from '#src/http/schemas/answer-documents.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { ModelParamsSchema } from '#src/http/schemas/model-schema.ts'
import { componentOf, oneOf } from '#src/http/schemas/schema-parts.ts'

export interface ModelProviderRouteDependencies {
  readonly catalog: Catalog
  readonly configuredProviders: ReadonlySet<string>
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
  readonly performance: PerformanceReader
  readonly healthOf: HealthOf
}

const operation = {
  tags: ['Models'],
  operationId: 'listOfferings',
  summary: 'Where a model is offered: prices, live performance, health',
  params: ModelParamsSchema,
  querystring: Type.Object({
    history: Type.Optional(oneOf(['hour'], 'hour: adds the figures of each hour.')),
  }),
  response: {
    200: jsonAnswer('Offerings.', componentOf('OfferingList')),
    ...errorAnswers(400, 404),
  },
}

/** `?history=hour` asks for figures of each hour. */
const wantsHours = (query: unknown): boolean => {
  const { history } = query as Readonly<Record<string, unknown>>
  if (history === undefined || history === '') return false
  if (history === 'hour') return true
  throw invalidRequest('history must be "hour", or left out.', 'history')
}

/** `GET /v1/models/{id}/providers`: the model's offerings, how they do and how they stand. */
export const registerModelProviders = (
  app: FastifyInstance,
  deps: ModelProviderRouteDependencies,
): void => {
  const { catalog, configuredProviders, providerNames, performance, healthOf } = deps
  app.get<{ Params: { '*': string } }>(
    '/models/*',
    { schema: operation, ...documentedOnly, ...modelPartRoute(app, 'providers') },
    async (request) => {
      const withHours = wantsHours(request.query)
      const { model } = catalog.resolve(modelIdBefore('providers', request.params['*']))
      const measured = await performance.read(model)
      const data = model.offerings.map((offering) => {
        const { provider, configKey } = offering
        return presentOffering(offering, {
          providerName: providerNames.get(provider) ?? provider,
          isAvailable: configuredProviders.has(provider),
          live: measured.get(configKey),
          health: healthOf(model.card.id, provider),
          withHours,
        })
      })
      return { object: 'list', model: model.card.id, data }
    },
  )
}
