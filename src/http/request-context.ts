import type { FastifyRequest } from 'fastify'
import type { ApiKey } from '#src/domain/api-key.ts'
import type { DecisionTrace } from '#src/generation/decision-trace.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the image routes: what was decided for this request, for the answer's headers. */
    trace: DecisionTrace | null
    /** Aborted when the client went away before the answer was written. */
    clientGone: AbortSignal | null
    /** Names the key that the request came with; null: none is asked for. */
    keyId: string | null
    /** The key itself; null: none is asked for. */
    apiKey: ApiKey | null
  }
  interface FastifyContextConfig {
    /** True: no API key is asked for. */
    isPublic?: boolean
  }
}

/** The client's own id where it is fit for logs, headers and paths (`.` and `..` are none), else a fresh one. */
export const chooseRequestId = (given: string | string[] | undefined): string =>
  typeof given === 'string' && /^(?=.*[A-Za-z0-9])[A-Za-z0-9._:-]{1,128}$/.test(given)
    ? given
    : `req_${crypto.randomUUID().replaceAll('-', '')}`

/** A name or address, with or without a port; a client may write anything into the header. */
const HOST = /^([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i

/** What absolute URLs of the gateway itself start with, as this client reached it. */
export const baseUrlOf = (request: FastifyRequest, publicBaseUrl: string | undefined): string => {
  if (publicBaseUrl) return publicBaseUrl
  const { localAddress, localPort } = request.socket
  const own = localAddress?.includes(':') ? `[${localAddress}]` : localAddress
  const host = HOST.test(request.host ?? '') ? request.host : `${own}:${localPort}`
  return `${request.protocol}://${host}`
}
