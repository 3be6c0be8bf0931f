import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Span, TraceHeaders, Tracer } from '#src/domain/tracer.ts'
import { baseUrlOf } from '#src/http/request-context.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of calls that ask for images; null: of another call, or nothing is traced. */
    span: Span | null
  }
}

const CLIENT_LEFT = 499

const asksForImages = ({ method, routeOptions }: FastifyRequest): boolean =>
  method === 'POST' && /\/v1\/images\/(generations|edits)$/.test(routeOptions.url ?? '')

/** What the client sent several times counts as not sent. */
const headersOf = ({ headers: { traceparent, tracestate } }: FastifyRequest): TraceHeaders =>
  typeof traceparent === 'string'
    ? { traceparent, ...(typeof tracestate === 'string' && { tracestate }) }
    : {}

/** With the status and, as the conventions ask for, a class of error where the gateway is to blame. */
const endSpan = (span: Span, httpStatus: number): void => {
  span.note({ httpStatus, ...(httpStatus >= 500 && { errorType: String(httpStatus) }) })
  span.end()
}

/**
 * Traces each call that asks for images, until its answer is written whole or its client has left, and makes all that is
 * done for it a part of that. To be registered once it is known when clients leave.
 */
export const registerTracing = (app: FastifyInstance, tracer: Tracer): void => {
  app.decorateRequest('span', null)
  if (!tracer.isOn) return
  app.addHook('onRequest', (request, _reply, done) => {
    if (!asksForImages(request)) return done()
    const span = tracer.start({
      type: 'call',
      method: request.method,
      route: request.routeOptions.url ?? request.url,
      baseUrl: baseUrlOf(request, undefined),
      protocolVersion: request.raw.httpVersion,
      continues: headersOf(request),
    })
    request.span = span
    request.clientGone?.addEventListener('abort', () => endSpan(span, CLIENT_LEFT), { once: true })
    done()
  })
  app.addHook('onResponse', (request, { raw }, done) => {
    if (request.span && raw.writableFinished) endSpan(request.span, raw.statusCode)
    done()
  })
  // Not before the body has been read: what reads it calls on from where it was begun itself.
  app.addHook('preHandler', (request, _reply, done) => {
    if (request.span) tracer.within(request.span, done)
    else done()
  })
}
