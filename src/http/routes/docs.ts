import { createHash } from 'node:crypto'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
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
  if (reply.statusCode !== 200) return
  if (typeof payload === 'string') reply.header('content-security-policy', policyOf(payload))
  else reply.header('cache-control', `public, max-age=${SCRIPT_LIFETIME_S}`)
}

/** Scalar's handler reads the host into a URL, and would fail on what is none. */
const checkHost = ({ protocol, hostname }: FastifyRequest): void => {
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

/** Scalar's page and its script. */
const createReference = async (): Promise<FastifyInstance> => {
  const { default: scalar } = await import('@scalar/fastify-api-reference')
  const reference = fastify()
  await reference.register(scalar, {
    routePrefix: PATH,
    configuration: { url: '../openapi.json', pageTitle: 'Fresnel API', ...OFFLINE },
  })
  return reference
}

/**
 * `GET /docs`: the OpenAPI document for people, rendered by Scalar in the browser. Its package is loaded when the page is
 * first asked for: that takes a tenth of a second, and its 4 MB of memory, of which few gateways ever have need.
 */
export const registerDocs = (app: FastifyInstance): void => {
  let reference: Promise<FastifyInstance> | undefined
  const send = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    checkHost(request)
    reference ??= createReference()
    const answer = await (await reference).inject({
      url: request.url,
      headers: { host: request.host },
    })
    const { location, 'content-type': type } = answer.headers
    if (location !== undefined) reply.header('location', location)
    if (type !== undefined) reply.type(String(type))
    const isPage = String(type).startsWith('text/html')
    return reply.code(answer.statusCode).send(isPage ? answer.payload : answer.rawPayload)
  }
  const options = { config: { isPublic: true }, schema: { hide: true } }
  app.register(async (scope) => {
    scope.addHook('onSend', async (_request, reply, payload) => setHeaders(reply, payload))
    scope.get(PATH, options, send)
    scope.get(`${PATH}/*`, options, send)
  })
}
