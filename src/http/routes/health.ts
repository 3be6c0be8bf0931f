import type { FastifyInstance } from 'fastify'
import { Type } from '#src/domain/schema-type.ts'
import { jsonAnswer } from '#src/http/schemas/answer-documents.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { oneOf } from '#src/http/schemas/schema-parts.ts'

/** What the gateway does with new requests. */
export interface Readiness {
  /** Whether it is to be sent any: not before start-up is done, nor while draining. */
  isReady: boolean
  /** Whether it takes those that come all the same: a draining gateway those that were on their way. */
  takesRequests: boolean
}

const statusOf = (...values: string[]) => Type.Object({ status: oneOf(values) })

const livezOperation = {
  tags: ['Operations'],
  operationId: 'isLive',
  summary: 'Whether the process answers',
  response: { 200: jsonAnswer('It does.', statusOf('live'), { live: { status: 'live' } }) },
}

const readyzOperation = {
  tags: ['Operations'],
  operationId: 'isReady',
  summary: 'Whether new requests are taken',
  response: {
    200: jsonAnswer('They are.', statusOf('ready'), { ready: { status: 'ready' } }),
    503: jsonAnswer('Not before start-up is done, nor while draining.', statusOf('not ready')),
  },
}

const PUBLIC = { ...documentedOnly, config: { isPublic: true } }

/** `GET /livez`: the process answers. `GET /readyz`: it takes new requests. */
export const registerHealth = (app: FastifyInstance, readiness: Readiness): void => {
  app.get('/livez', { schema: livezOperation, ...PUBLIC }, async () => ({ status: 'live' }))
  app.get('/readyz', { schema: readyzOperation, ...PUBLIC }, async (_request, reply) => {
    if (!readiness.isReady) reply.code(503)
    return { status: readiness.isReady ? 'ready' : 'not ready' }
  })
}
