import type { FastifyInstance } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer is a picture that pages of other origins show. Absent: no page of another origin embeds it. */
    isEmbedded?: boolean
  }
}

/**
 * What tells browsers to take an answer as what it says that it is, to run and frame nothing of it, and to tell nobody
 * its address. It says nothing about pages that call by CORS.
 */
export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
} as const

/** A hosted image is there to be shown, in pages and frames of whatever origin. */
const OF_EMBEDDED = {
  ...SECURITY_HEADERS,
  'content-security-policy': "default-src 'none'",
  'cross-origin-resource-policy': 'cross-origin',
} as const

/** Sets the security headers on every answer. What a route, by a hook of its own, sets afterwards stays. */
export const registerSecurityHeaders = (app: FastifyInstance): void => {
  app.addHook('onSend', async (request, reply) => {
    reply.headers(request.routeOptions.config.isEmbedded ? OF_EMBEDDED : SECURITY_HEADERS)
  })
}
