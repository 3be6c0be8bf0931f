import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { receivedBytesOf } from './plugins/body-sizes.ts'

/** Printable, at most 128 characters, no space at either end. */
const SESSION_ID = /^[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?$/

/** What the client names its session; `undefined`: nothing, or what is not fit for a log. */
export const sessionIdOf = (headers: IncomingHttpHeaders): string | undefined => {
  const given = headers['x-session-id']
  return typeof given === 'string' && SESSION_ID.test(given) ? given : undefined
}

/** Version, trace, parent, flags (W3C Trace Context §3.2.2). Later versions may have more behind the flags. */
const TRACEPARENT =
  /^(?<version>[0-9a-f]{2})-(?<traceId>[0-9a-f]{32})-(?<parentId>[0-9a-f]{16})-[0-9a-f]{2}(?<more>-.*)?$/

const isZero = (digits: string): boolean => /^0+$/.test(digits)

/** The trace that the client's `traceparent` names; `undefined`: there is none, or it is not valid. */
export const traceIdOf = (headers: IncomingHttpHeaders): string | undefined => {
  const given = headers['traceparent']
  const parts = typeof given === 'string' ? TRACEPARENT.exec(given.trim())?.groups : undefined
  const { version = 'ff', traceId = '0', parentId = '0', more } = parts ?? {}
  // `ff` is no version, and version 00 has nothing behind the flags.
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  return isZero(traceId) || isZero(parentId) ? undefined : traceId
}

/** Where a request comes from, as the log keeps it, and which trace it is part of. To be read once the body has been. */
export const readRequestOrigin = (
  request: FastifyRequest,
): Pick<ImageRequest, 'sessionId' | 'traceId' | 'sizeBytes'> => {
  const sessionId = sessionIdOf(request.headers)
  const traceId = request.span?.traceId ?? traceIdOf(request.headers)
  const sizeBytes = receivedBytesOf(request)
  return {
    ...(sessionId !== undefined && { sessionId }),
    ...(traceId !== undefined && { traceId }),
    ...(sizeBytes !== undefined && { sizeBytes }),
  }
}
