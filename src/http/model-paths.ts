import type { FastifyInstance } from 'fastify'
import { GatewayError } from '#src/domain/errors.ts'

/** What may stand behind a model's id in a path. */
export type ModelPart = 'providers' | 'routing' | 'llms.txt'

/** A model's id may contain slashes; a part is what stands behind the last one. */
const PART = /^(?:\/openai)?(\/v1\/models\/[^?]+\/(providers|routing|llms\.txt))\/?(?:\?|$)/

const STRATEGY = 'modelPart'

/**
 * Tells `/models/{id}/providers`, `/routing` and `/llms.txt` from `/models/{id}`. The router knows wildcards at the end of
 * a path only, so that all of them are `/models/*`, told apart by this constraint.
 */
const recogniseModelParts = (app: FastifyInstance): void => {
  if (app.hasConstraintStrategy(STRATEGY)) return
  app.addConstraintStrategy({
    name: STRATEGY,
    storage: () => {
      const handlers = new Map()
      return {
        get: (part) => handlers.get(part) ?? null,
        set: (part, handler) => handlers.set(part, handler),
      }
    },
    validate: () => undefined,
    deriveConstraint: (request) => PART.exec(request.url ?? '')?.[2],
  })
}

/** Options of a route `/models/*` that serves this part of a model; such a route is to stand under `/v1` only. */
export const modelPartRoute = (app: FastifyInstance, part: ModelPart) => {
  recogniseModelParts(app)
  return { constraints: { [STRATEGY]: part } }
}

/** The path of such a route, or of the model's own, with its parameter's name instead of the wildcard. */
export const documentedModelPath = (
  url: string,
  constraints: Readonly<Record<string, unknown>> | undefined,
): string => {
  const part = constraints?.[STRATEGY]
  return url.replace('/models/*', `/models/:id${part === undefined ? '' : `/${part}`}`)
}

/** The model's id in what the wildcard of such a route matched. */
export const modelIdBefore = (part: ModelPart, wildcard: string): string =>
  wildcard.slice(0, -`/${part}`.length)

/** Throws for a path with a part that no route serves: parts stand under `/v1` only. */
export const refuseModelPart = (url: string): void => {
  const served = PART.exec(url)?.[1]
  if (served === undefined) return
  const shown = served.slice(0, 128)
  throw new GatewayError('NOT_FOUND', `This is not served here. Served is: GET ${shown}.`)
}
