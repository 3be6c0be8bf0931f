import type { FastifyInstance } from 'fastify'
import { GatewayError } from '#src/domain/errors.ts'
import { textAnswer } from '#src/http/schemas/answer-documents.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'

export interface MetricsSource {
  /** Prometheus text. */
  render(): Promise<string>
  readonly contentType: string
}

export interface MetricsRouteOptions {
  /**
   * `open`: the port itself is private. `admin`: only with an admin key, unless the gateway asks nobody for a key.
   */
  readonly access: 'open' | 'admin'
}

const operation = {
  tags: ['Operations'],
  operationId: 'readMetrics',
  summary: 'Prometheus text, with the admin key',
  response: { 200: textAnswer('All metrics.', 'text/plain') },
}

/** `GET /metrics`: Prometheus text. */
export const registerMetrics = (
  app: FastifyInstance,
  source: MetricsSource,
  { access }: MetricsRouteOptions,
): void => {
  const options = { schema: operation, ...documentedOnly, config: { isPublic: access === 'open' } }
  app.get('/metrics', options, async ({ apiKey }, reply) => {
    if (access === 'admin' && apiKey && !apiKey.isAdmin) {
      throw new GatewayError('AUTHENTICATION_FAILED', 'Metrics need the admin key.')
    }
    return reply.type(source.contentType).send(await source.render())
  })
}
