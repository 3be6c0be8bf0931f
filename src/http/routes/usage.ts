import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import type { Clock } from '#src/domain/clock.ts'
import type { RequestLog } from '#src/domain/request-record.ts'
import { queryValidation } from '#src/http/query-validation.ts'
import { keyFilterOf, loggedModelOf, viewerOf } from '#src/http/request-viewer.ts'
import { documentedAnswers } from '#src/http/schemas/documented.ts'
import { UsageQuerySchema, usageOperation } from '#src/http/schemas/usage-schema.ts'
import { presentUsageOf, spanOf } from '#src/http/usage-object.ts'

export interface UsageRouteDependencies {
  readonly requestLog: RequestLog
  /** Knows models by their aliases too. */
  readonly catalog: Catalog
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
  readonly clock: Clock
}

/** `GET /usage`: what was asked for over time, by model and by provider. A key sees its own only. */
export const registerUsage = (
  app: FastifyInstance,
  { requestLog, catalog, providerNames, clock }: UsageRouteDependencies,
): void => {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/usage',
    {
      schema: { ...usageOperation, querystring: UsageQuerySchema },
      ...documentedAnswers,
      ...queryValidation,
    },
    async ({ query: { window, model }, apiKey }) => {
      const span = spanOf(window, clock.now())
      const usage = await requestLog.sumUsage({
        ...keyFilterOf(viewerOf(apiKey), undefined),
        ...(model !== undefined && { model: loggedModelOf(catalog, model) }),
        span,
      })
      return presentUsageOf(usage, window, span, providerNames)
    },
  )
}
