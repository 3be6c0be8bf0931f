import type { FastifyInstance } from 'fastify'
import { GatewayError } from '#src/domain/errors.ts'
import type { Readiness } from '#src/http/routes/health.ts'

/** What a client is told to wait before it asks again, by then of another gateway or the next process. */
const RETRY_AFTER_MS = 1_000

/**
 * Refuses new work while the gateway takes none. Health and hosted images are served to the end. While it is not ready, a
 * connection ends with the answer on it: a proxy that kept it would send the next request to be refused.
 */
export const registerDrain = (app: FastifyInstance, readiness: Readiness): void => {
  app.addHook('onRequest', async (request) => {
    if (readiness.takesRequests || request.routeOptions.config.isPublic) return
    throw new GatewayError('OVERLOADED', 'The gateway is shutting down or not ready yet.', {
      retryAfterMs: RETRY_AFTER_MS,
    })
  })
  app.addHook('onSend', async (_request, reply) => {
    if (!readiness.isReady) reply.header('connection', 'close')
  })
  // Whose headers had been sent before.
  app.addHook('onResponse', async (request) => {
    if (!readiness.isReady) request.raw.socket.end()
  })
}
