import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import { configuredProvidersOf, presentModel } from '#src/http/model-object.ts'
import { refuseModelPart } from '#src/http/model-paths.ts'
import { readFlag } from '#src/http/read-flag.ts'

export interface ModelRouteDependencies {
  readonly catalog: Catalog
  readonly configuredProviders: ReadonlySet<string>
}

const flag = (request: FastifyRequest, name: string): boolean =>
  readFlag((request.query as Readonly<Record<string, unknown>>)[name], name)

/** `GET /models` and `GET /models/{id}`; an id may contain slashes. */
export const registerModels = (
  app: FastifyInstance,
  { catalog, configuredProviders }: ModelRouteDependencies,
): void => {
  app.get('/models', async (request) => {
    const withAvailability = flag(request, 'all')
    const withSchema = flag(request, 'schema')
    const models = catalog.models.filter(
      (model) => withAvailability || configuredProvidersOf(model, configuredProviders).length > 0,
    )
    const data = models.map((model) =>
      presentModel(model, configuredProviders, { withSchema, withAvailability }),
    )
    return { object: 'list', data }
  })

  app.get<{ Params: { '*': string } }>('/models/*', async (request) => {
    refuseModelPart(request.url)
    const { model } = catalog.resolve(request.params['*'])
    const options = { withSchema: flag(request, 'schema'), withAvailability: false }
    return presentModel(model, configuredProviders, options)
  })
}
