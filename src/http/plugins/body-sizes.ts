import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { RequestLog } from '#src/domain/request-record.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Counts the body as it comes, when no header tells its length; null: one does, or there is none. */
    receivedBody: ByteCount | null
    /** The same of the answer's body. */
    sentBody: ByteCount | null
  }
}

interface ByteCount {
  bytes: number
}

const lengthOf = (piece: unknown, encoding: unknown): number => {
  if (typeof piece === 'string') {
    return Buffer.byteLength(piece, typeof encoding === 'string' ? (encoding as 'utf8') : 'utf8')
  }
  return piece instanceof Uint8Array ? piece.byteLength : 0
}

/** The same function, which counts the bytes of its first argument. Looks on: a listener would change the flow. */
const counting = <F extends object>(original: F, count: ByteCount): F =>
  new Proxy(original, {
    apply: (target, self, given: unknown[]) => {
      count.bytes += lengthOf(given[0], given[1])
      return Reflect.apply(target as never, self, given)
    },
  })

const headerLength = (value: unknown): number | undefined => {
  const length = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined
}

/** Length of the body as it came, in bytes, once it has been read; `undefined`: not known. */
export const receivedBytesOf = ({ headers, receivedBody }: FastifyRequest): number | undefined =>
  headerLength(headers['content-length']) ?? receivedBody?.bytes

const countReceived = (request: FastifyRequest): void => {
  if (request.headers['transfer-encoding'] === undefined) return
  // What came along with the headers has not been taken yet.
  const count = { bytes: request.raw.readableLength }
  request.receivedBody = count
  request.raw.push = counting(request.raw.push, count)
}

const countSent = (request: FastifyRequest, { raw }: FastifyReply): void => {
  const count = { bytes: 0 }
  request.sentBody = count
  raw.write = counting(raw.write, count)
}

/**
 * Measures bodies without touching them, and tells the log how long the answers of its requests were, once they are
 * written whole.
 */
export const registerBodySizes = (app: FastifyInstance, requestLog: RequestLog): void => {
  app.decorateRequest('receivedBody', null)
  app.decorateRequest('sentBody', null)
  app.addHook('onRequest', async (request) => countReceived(request))
  app.addHook('onSend', async (request, reply, payload) => {
    const isStream = payload !== null && typeof payload === 'object' && 'pipe' in payload
    if (request.trace && isStream && !reply.hasHeader('content-length')) countSent(request, reply)
  })
  app.addHook('onResponse', async (request, reply) => {
    const { trace, keyId, sentBody } = request
    if (!trace || !reply.raw.writableFinished) return
    const sizeBytes = sentBody?.bytes ?? headerLength(reply.getHeader('content-length'))
    if (sizeBytes === undefined) return
    const { requestId: id, createdAtMs, nonce } = trace
    const identity = { id, createdAtMs, nonce, ...(keyId !== null && { keyId }) }
    requestLog.noteResponse(identity, sizeBytes)
  })
}
