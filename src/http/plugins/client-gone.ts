import type { FastifyInstance } from 'fastify'

/**
 * Gives each request a signal for a client that left. The request's own signal will not do: it also aborts when the
 * body of a POST has been read.
 */
export const registerClientGone = (app: FastifyInstance): void => {
  app.decorateRequest('clientGone', null)
  app.addHook('onRequest', async (request, reply) => {
    const controller = new AbortController()
    request.clientGone = controller.signal
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) controller.abort()
    })
  })
}
