import type { FastifyInstance } from 'fastify'
import { invalidRequest } from '#src/domain/errors.ts'
import { SORTS } from '#src/domain/image-request.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { MODES } from '#src/domain/model-card.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import {
  type PreviewDependencies,
  previewRouting,
  type RoutingPreview,
} from '#src/generation/preview-routing.ts'
import { modelIdBefore, modelPartRoute } from '#src/http/model-paths.ts'
import { presentHealth } from '#src/http/offering-object.ts'
import type { HealthOf } from '#src/http/provider-health.ts'
import { presentCandidate, presentChoice, presentExcluded } from '#src/http/request-object.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { modelRoutingOperation } from '#src/http/schemas/routing-schema.ts'

export interface ModelRoutingRouteDependencies extends PreviewDependencies {
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
  readonly healthOf: HealthOf
}

/** A value of the query, one of these; `undefined`: it is not given. */
const readChoice = <T extends string>(
  query: unknown,
  name: string,
  values: readonly T[],
): T | undefined => {
  const given = (query as Readonly<Record<string, unknown>>)[name]
  const value = values.find((entry) => entry === given)
  if (value !== undefined || given === undefined || given === '') return value
  throw invalidRequest(`${name} must be one of ${values.join(', ')}.`, name)
}

const presentPreview = (
  { modelId, mode, sort, decision, candidates, excluded }: RoutingPreview,
  { providerNames, healthOf }: ModelRoutingRouteDependencies,
): JsonObject => ({
  object: 'routing',
  model: modelId,
  mode,
  sort,
  decision: presentChoice(decision),
  candidates: candidates.flatMap(({ provider, pricePerImage, inFlight }, index) => {
    const explained = decision.candidates[index]
    if (!explained) return []
    return [
      {
        ...presentCandidate(explained),
        provider,
        provider_name: providerNames.get(provider) ?? provider,
        price_usd: usdFromMicroUsd(pricePerImage),
        in_flight: inFlight,
        health: presentHealth(healthOf(modelId, provider)),
      },
    ]
  }),
  excluded: excluded.map(presentExcluded),
})

/** `GET /v1/models/{id}/routing`: how a usual request for the model would be routed now, and why. */
export const registerModelRouting = (
  app: FastifyInstance,
  deps: ModelRoutingRouteDependencies,
): void => {
  app.get<{ Params: { '*': string } }>(
    '/models/*',
    { schema: modelRoutingOperation, ...documentedOnly, ...modelPartRoute(app, 'routing') },
    async ({ query, params }) => {
      const mode = readChoice(query, 'mode', MODES)
      const sort = readChoice(query, 'sort', SORTS) ?? SORTS[0]
      const model = modelIdBefore('routing', params['*'])
      return presentPreview(previewRouting(deps, { model, mode, sort }), deps)
    },
  )
}
