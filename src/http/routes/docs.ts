import { createHash } from 'node:crypto'
import scalar from '@scalar/fastify-api-reference'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { invalidRequest } from '#src/domain/errors.ts'

/** The page is served at `/docs/`; its script and its document are the gateway's own. */
const PATH = '/docs'

/** The page's own script, which starts the other: `'sha256-…'` of each script without a source. */
const scriptHashes = (page: string): readonly string[] =>
  [...page.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  )

/** Nothing of another host, and no script but these. Scalar writes style attributes, which only this lets through. */
const policyOf = (page: string): string =>
  [
    "default-src 'none'",
    `script-src ${["'self'", ...scriptHashes(page)].join(' ')}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

/** How long a browser keeps the script, in seconds: it is 4 MB, and a new version is no hurry. */
const SCRIPT_LIFETIME_S = 3600

const setHeaders = (reply: FastifyReply, payload: unknown): void => {
  if (typeof payload !== 'string') return
  if (String(reply.getHeader('content-type')).startsWith('text/html')) {
    reply.header('content-security-policy', policyOf(payload))
  } else {
    reply.header('cache-control', `public, max-age=${SCRIPT_LIFETIME_S}`)
  }
}

/** Scalar's handler reads the host into a URL, and would fail on what is none. */
const checkHost = async ({ protocol, hostname }: FastifyRequest): Promise<void> => {
  if (URL.canParse(`${protocol}://${hostname}`)) return
  throw invalidRequest('The Host header is not a host.', 'host')
}

/** Off: whatever would ask other hosts, or send them what is typed here. */
const OFFLINE = {
  telemetry: false,
  withDefaultFonts: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: 'never',
  hideClientButton: true,
  favicon: 'data:,',
} as const

/** `GET /docs`: the OpenAPI document for people, rendered by Scalar in the browser. */
export const registerDocs = (app: FastifyInstance): void => {
  app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, isPublic: true }
    })
    scope.addHook('onSend', async (_request, reply, payload) => setHeaders(reply, payload))
    await scope.register(scalar, {
      routePrefix: PATH,
      hooks: { preHandler: checkHost },
      configuration: { url: '../openapi.json', pageTitle: 'Fresnel API', ...OFFLINE },
    })
  })
}
