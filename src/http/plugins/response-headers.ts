import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { decisiveAttempt } from '#src/generation/decision-trace.ts'

/** How a request was routed, for the client that looks. */
const routingHeaders = (request: FastifyRequest, elapsedMs: number): Record<string, string> => {
  const { trace } = request
  if (!trace) return {}
  const attempt = decisiveAttempt(trace)
  const overheadMs = Math.max(0, elapsedMs - trace.upstream.totalMs)
  return {
    ...(attempt && {
      'x-gateway-provider': attempt.provider,
      'x-gateway-model': attempt.configKey,
      'x-gateway-overhead-ms': overheadMs.toFixed(1),
    }),
    // None yet: a dry run makes none, and the headers of a stream go out before them.
    ...(trace.attempts.length > 0 && { 'x-gateway-attempts': String(trace.attempts.length) }),
  }
}

const setHeaders = (request: FastifyRequest, reply: FastifyReply): void => {
  reply.header('x-request-id', request.id)
  reply.header('openai-processing-ms', String(Math.round(reply.elapsedTime)))
  reply.headers(routingHeaders(request, reply.elapsedTime))
  const contentType = String(reply.getHeader('content-type') ?? '')
  if (contentType.startsWith('application/json')) reply.header('content-type', 'application/json')
}

/** The headers of every answer. JSON is exactly `application/json`: some clients read no other type. */
export const registerResponseHeaders = (app: FastifyInstance): void => {
  app.addHook('onSend', async (request, reply) => setHeaders(request, reply))
}
