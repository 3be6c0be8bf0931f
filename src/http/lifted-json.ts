import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { errorCodes, type FastifyInstance, type FastifyRequest } from 'fastify'
import { createBase64Lift } from '#src/bytes/lift-base64.ts'
import { bufferOf, createGatherer } from '#src/bytes/pieces.ts'
import type { JsonValue } from '#src/domain/json.ts'
import { MAX_JSON_BODY_BYTES } from './limits.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The pictures of a JSON body that stand as marks in it; null: none do. */
    liftedBody: LiftedBody | null
  }
}

/** What was kept out of the text of a JSON body. */
export interface LiftedBody {
  /** Base64 that stood where this text stands now, to be taken once; `undefined`: it is what it is. */
  lifted(text: string): Uint8Array[] | undefined
  /** SHA-256 of the whole body as it came; absent: nobody will compare it. */
  readonly digest?: string
}

const restoreText = (text: string, { lifted }: LiftedBody): string => {
  // A mark stands alone, or behind the head of a data URI.
  const mark = text.slice(text.lastIndexOf(',') + 1)
  const pieces = lifted(mark)
  if (!pieces) return text
  const base64 = Buffer.concat(pieces.map(bufferOf)).toString('latin1')
  return text.slice(0, text.length - mark.length) + base64
}

/** The value with everything in it that was lifted: for what is passed on as it is. Not for values nested deeply. */
export const restoreLifted = (value: JsonValue, body: LiftedBody): JsonValue => {
  if (typeof value === 'string') return restoreText(value, body)
  if (Array.isArray(value)) return value.map((entry) => restoreLifted(entry, body))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [name, restoreLifted(entry, body)]),
  )
}

/** A body as it is parsed: its text without pictures. */
interface ReadBody extends LiftedBody {
  readonly text: string
  readonly isLifted: boolean
}

const declaredLengthOf = ({ headers }: FastifyRequest): number =>
  Number(headers['content-length'] ?? 0)

/** Whether the body may have to be compared to that of another request. */
const isCompared = ({ headers }: FastifyRequest): boolean =>
  headers['idempotency-key'] !== undefined || headers['prefer'] !== undefined

const readBody = async (request: FastifyRequest, body: Readable): Promise<ReadBody> => {
  const limitBytes = request.routeOptions.bodyLimit
  if (declaredLengthOf(request) > limitBytes) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
  const lift = createBase64Lift()
  const hash = isCompared(request) ? createHash('sha256') : undefined
  const texts: Uint8Array[] = []
  const gather = createGatherer(texts)
  let [sizeBytes, textBytes] = [0, 0]
  const pass = (passed: readonly Buffer[]): void => {
    for (const piece of passed) {
      textBytes += piece.length
      gather(piece)
    }
    if (textBytes > MAX_JSON_BODY_BYTES) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
  }
  // A stream that is left before its end would be destroyed, and the connection with it.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > limitBytes) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
    hash?.update(chunk)
    pass(lift.write(chunk))
  }
  pass(lift.end())
  const text = Buffer.concat(texts)
  return {
    text: text.toString('utf8'),
    isLifted: text.length < sizeBytes,
    lifted: (text) => lift.lifted(text),
    ...(hash && { digest: hash.digest('hex') }),
  }
}

/**
 * Reads JSON bodies of this scope without making texts of their pictures: parsed as a whole, a body of 100 MB holds the
 * event loop for a second and takes four times its size. What is no picture is bounded like the body of a generation: 12 MB
 * of empty lists held the event loop for a second and took 600 MB.
 */
export const registerLiftedJson = (app: FastifyInstance): void => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.decorateRequest('liftedBody', null)
  app.addContentTypeParser('application/json', (request, payload, done) => {
    readBody(request, payload).then(
      ({ text, isLifted, ...lifted }) => {
        if (isLifted) request.liftedBody = lifted
        parse(request, text, done)
      },
      (error: Error) => {
        // What is left of the body is read away: the answer goes out on this connection.
        payload.on('error', () => undefined).resume()
        done(error, undefined)
      },
    )
  })
}
