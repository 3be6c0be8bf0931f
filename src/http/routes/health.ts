import type { FastifyInstance } from 'fastify'

/** Whether the gateway takes new requests. */
export interface Readiness {
  /** False before start-up is done and while draining. */
  isReady: boolean
}

/** `GET /livez`: the process answers. `GET /readyz`: it takes new requests. */
export const registerHealth = (app: FastifyInstance, readiness: Readiness): void => {
  app.get('/livez', { config: { isPublic: true } }, async () => ({ status: 'live' }))
  app.get('/readyz', { config: { isPublic: true } }, async (_request, reply) => {
    if (!readiness.isReady) reply.code(503)
    return { status: readiness.isReady ? 'ready' : 'not ready' }
  })
}
