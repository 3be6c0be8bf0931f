import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { GatewayError } from '#src/domain/errors.ts'
import { toErrorAnswer, toGatewayError } from '#src/http/error-answer.ts'

const SERVED = [
  'POST /openai/v1/images/generations',
  'POST /openai/v1/images/edits',
  'GET /openai/v1/models',
  'GET /openai/v1/models/{id}',
  'GET /v1/models/{id}/providers',
  'GET /v1/models/{id}/llms.txt',
  'GET /v1/requests',
  'GET /v1/requests/{id}',
  'GET /v1/balance',
  'GET, POST /v1/keys',
  'GET, PATCH, DELETE /v1/keys/{id}',
  'GET /openapi.json',
  'GET /docs',
]

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** How streams and waits end, by code or name, when whoever they were for has gone. */
const ENDS_OF_LEAVERS = ['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED', 'AbortError']

/** Whether this came of the client's leaving. What else fails while it is gone is as wrong as ever. */
const isOfLeaver = (error: unknown, reply: FastifyReply): boolean => {
  if (!reply.raw.destroyed || !(error instanceof Error)) return false
  // It left while it sent: its body ends as a reset connection, which elsewhere would be a fault.
  if (error === reply.request.raw.errored) return true
  const { code } = error as NodeJS.ErrnoException
  return ENDS_OF_LEAVERS.includes(code ?? '') || ENDS_OF_LEAVERS.includes(error.name)
}

const logUnexpected = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
  if (isOfLeaver(error, reply)) {
    request.log.debug({ requestId: request.id }, 'the client left before its answer')
    return
  }
  const { name, stack } = error instanceof Error ? error : new Error('a value was thrown')
  request.log.error({ requestId: request.id, name, stack }, 'unexpected error')
}

/** Sends any thrown value as the contract's error object. */
export const sendError = (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
  const known = toGatewayError(error)
  if (known.code === 'INTERNAL_ERROR') logUnexpected(error, request, reply)
  const answer = toErrorAnswer(known)
  reply
    .header('x-request-id', request.id)
    .header('openai-processing-ms', Math.round(reply.elapsedTime))
  reply.headers(answer.headers).code(answer.status)
  // A connection that is closed under a body which still comes is reset, and the answer may be lost with it.
  const isBodyLeft = answer.status === 413 || (answer.status === 503 && request.admission)
  if (isBodyLeft) reply.removeHeader('connection')
  // As bytes: to text the framework would add a charset.
  reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(answer.body)))
}

/** 405 with `allow` where the path exists under another method, else 404. */
const notServed = (app: FastifyInstance, request: FastifyRequest): GatewayError => {
  const path = request.url.split('?')[0] ?? ''
  const allowed = METHODS.filter((method) => app.findRoute({ method, url: path }) !== null)
  if (allowed.length > 0) {
    const allow = allowed.join(', ')
    return new GatewayError(
      'INVALID_REQUEST',
      `${request.method} is not served here; allowed: ${allow}.`,
      {
        status: 405,
        headers: { allow },
      },
    )
  }
  return new GatewayError(
    'NOT_FOUND',
    `${request.method} ${path.slice(0, 128)} is not served. Served are: ${SERVED.join(', ')}.`,
  )
}

/** Gives every failure the contract's shape, unknown paths included. */
export const registerErrorHandler = (app: FastifyInstance): void => {
  app.setErrorHandler((error: FastifyError, request, reply) => sendError(error, request, reply))
  // Before any body is read: what is not served needs none.
  app.addHook('onRequest', async (request) => {
    if (request.is404) throw notServed(app, request)
  })
  app.setNotFoundHandler((request, reply) => sendError(notServed(app, request), request, reply))
}
