import type { AnswerFault } from './scenario.ts'
import type { WireReply } from './wire.ts'

/** How a provider words the errors that any of its answers can be. */
export interface CommonErrors {
  rateLimited(): WireReply
  serverError(): WireReply
  unavailable(): WireReply
  gatewayTimeout(): WireReply
}

/** What a broken load balancer sends with status 200. */
const HTML_PAGE =
  '<!doctype html><html><head><title>Service</title></head><body>Hello</body></html>'

const truncate = (reply: WireReply): WireReply => {
  if (typeof reply.body !== 'string' && !Buffer.isBuffer(reply.body)) {
    return { ...reply, delivery: 'reset_inside' }
  }
  return { ...reply, body: reply.body.slice(0, Math.ceil(reply.body.length / 2)) }
}

/** What becomes of a good answer under a fault. */
export const spoilAnswer = (
  fault: AnswerFault,
  reply: WireReply,
  errors: CommonErrors,
): WireReply => {
  switch (fault) {
    case 'rate_limited':
      return errors.rateLimited()
    case 'server_error':
      return errors.serverError()
    case 'stalled_error':
      return { ...errors.serverError(), delivery: 'stall' }
    case 'unavailable':
      return errors.unavailable()
    case 'gateway_timeout':
      return errors.gatewayTimeout()
    case 'reset_before_answer':
      return { ...reply, delivery: 'reset_before' }
    case 'reset_inside_answer':
      return { ...reply, delivery: 'reset_inside' }
    case 'hang':
      return { ...reply, delivery: 'never' }
    case 'slow_drip':
      return { ...reply, delivery: 'drip' }
    case 'malformed_body':
      return { status: 200, headers: { 'content-type': 'text/html' }, body: HTML_PAGE }
    case 'truncated_body':
      return truncate(reply)
  }
}
