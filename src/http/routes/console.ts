import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ConsoleFile, ConsoleFiles } from '#src/console/console-files.ts'
import { GatewayError } from '#src/domain/errors.ts'

/** Nothing of another host, no script but the gateway's own, no form that goes anywhere, and no page around it. */
const policyOf = (scriptSources: readonly string[]): string =>
  [
    "default-src 'none'",
    `script-src 'self' ${scriptSources.join(' ')}`,
    "style-src 'self'",
    // What was made, and what is to be changed, lies in the page's memory.
    "img-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types lit-html',
  ].join('; ')

type Encoding = keyof ConsoleFile['bodies']

/** Names of encodings, each perhaps with a weight of 0, which refuses it (RFC 9110 §12.5.3). */
const encodingFor = (header: string | string[] | undefined): Encoding => {
  const accepted = String(header ?? '')
    .toLowerCase()
    .split(',')
    .filter((part) => !/;\s*q=0(\.0*)?\s*$/.test(part))
    .map((part) => part.split(';')[0]?.trim())
  return (['br', 'gzip'] as const).find((encoding) => accepted.includes(encoding)) ?? 'identity'
}

const sendFile = (
  request: FastifyRequest,
  reply: FastifyReply,
  { mediaType, etag, bodies }: ConsoleFile,
): FastifyReply => {
  // Asked for again every time, and sent again only when it has changed: a new version is whole at once.
  reply.headers({ etag, vary: 'accept-encoding', 'cache-control': 'no-cache' })
  const known = request.headers['if-none-match']
    ?.split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(etag)) return reply.code(304).send()
  const encoding = encodingFor(request.headers['accept-encoding'])
  if (encoding !== 'identity') reply.header('content-encoding', encoding)
  const { buffer, byteOffset, length } = bodies[encoding]
  return reply.type(mediaType).send(Buffer.from(buffer, byteOffset, length))
}

export interface ConsoleDependencies {
  readonly readFiles: () => Promise<ConsoleFiles>
  /** Whether calls of the API have to bring a key. */
  readonly asksForKeys: () => boolean
}

/** `GET /console/`: a page for people. It needs no key; what it asks the API for does. */
export const registerConsole = (
  app: FastifyInstance,
  { readFiles, asksForKeys }: ConsoleDependencies,
): void => {
  const options = { config: { isPublic: true }, schema: { hide: true } }
  app.register(async (scope) => {
    // Also with a 304: browsers take its headers for those of the page that they have.
    scope.addHook('onSend', async (_request, reply) => {
      reply.header('content-security-policy', policyOf((await readFiles()).scriptSources))
    })
    scope.get('/console', options, async (request, reply) => {
      const [path = '', query] = request.url.split('?')
      // The page's own addresses are relative to its folder.
      if (!path.endsWith('/')) return reply.redirect(`console/${query ? `?${query}` : ''}`, 302)
      return sendFile(request, reply, (await readFiles()).page)
    })
  })
  // So the page asks for a key before it is refused.
  app.get('/console/settings.json', options, async () => ({ asks_for_keys: asksForKeys() }))
  app.get<{ Params: { '*': string } }>('/console/*', options, async (request, reply) => {
    const file = (await readFiles()).byPath.get(request.params['*'])
    if (!file) throw new GatewayError('NOT_FOUND', 'The console has no such file.')
    return sendFile(request, reply, file)
  })
}
