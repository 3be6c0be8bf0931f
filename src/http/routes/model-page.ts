import type { FastifyInstance } from 'fastify'
import type { Catalog, Model } from '#src/catalog/catalog.ts'
import { renderModelPage } from '#src/catalog/model-page.ts'
import { performanceToShow, type ShownPerformance } from '#src/domain/performance.ts'
import { modelIdBefore, modelPartRoute } from '#src/http/model-paths.ts'
import type { LivePerformance, PerformanceReader } from '#src/http/performance-reader.ts'
import { baseUrlOf } from '#src/http/request-context.ts'
import { errorAnswers, textAnswer } from '#src/http/schemas/answer-documents.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { ModelParamsSchema } from '#src/http/schemas/model-schema.ts'

export interface ModelPageRouteDependencies {
  readonly catalog: Catalog
  readonly configuredProviders: ReadonlySet<string>
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
  readonly performance: PerformanceReader
  /** `undefined`: taken from each request. */
  readonly publicBaseUrl: string | undefined
}

const shownOf = (
  { offerings }: Model,
  measured: ReadonlyMap<string, LivePerformance>,
): ReadonlyMap<string, ShownPerformance> =>
  new Map(
    offerings.flatMap((offering) => {
      const live = measured.get(offering.configKey)?.byWindow['30d']
      const shown = performanceToShow(live, offering)
      return shown ? [[offering.configKey, shown] as const] : []
    }),
  )

const operation = {
  tags: ['Models'],
  operationId: 'readModelPage',
  summary: 'A model’s page as Markdown, for people and for language models',
  params: ModelParamsSchema,
  response: { 200: textAnswer('The page.', 'text/markdown'), ...errorAnswers(404) },
}

/** `GET /v1/models/{id}/llms.txt`: the model's page as Markdown. */
export const registerModelPage = (app: FastifyInstance, deps: ModelPageRouteDependencies): void => {
  const { catalog, configuredProviders, providerNames, performance, publicBaseUrl } = deps
  app.get<{ Params: { '*': string } }>(
    '/models/*',
    { schema: operation, ...documentedOnly, ...modelPartRoute(app, 'llms.txt') },
    async (request, reply) => {
      const { model } = catalog.resolve(modelIdBefore('llms.txt', request.params['*']))
      const page = renderModelPage({
        model,
        baseUrl: baseUrlOf(request, publicBaseUrl),
        providerNames,
        configuredProviders,
        performance: shownOf(model, await performance.read(model)),
      })
      return reply.type('text/markdown; charset=utf-8').send(page)
    },
  )
}
