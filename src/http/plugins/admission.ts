import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Admission, type Admissions, SMALL_BODY_BYTES } from '#src/http/admission.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What a request for images holds; null: it is none, or holds nothing worth counting. */
    admission: Admission | null
  }
  interface FastifyContextConfig {
    /** True: its requests hold pictures, and are turned away when there is no room. */
    needsAdmission?: boolean
  }
}

const declaredLengthOf = ({ headers }: FastifyRequest): number | undefined => {
  const { 'content-length': length } = headers
  return length === undefined ? undefined : Number(length)
}

/** Whether nobody needs to watch the body come. A form is watched by who reads it. */
const isUnwatched = (request: FastifyRequest): boolean =>
  (declaredLengthOf(request) ?? Number.POSITIVE_INFINITY) <= SMALL_BODY_BYTES ||
  request.headers['content-type']?.startsWith('multipart/') === true

const counted = async function* (body: Readable, { receive }: Admission) {
  try {
    // Ended before its time it would take the connection along, and the refusal with it.
    for await (const chunk of body.iterator({ destroyOnReturn: false })) {
      receive((chunk as Buffer).length)
      yield chunk
    }
  } finally {
    body.resume()
  }
}

/**
 * Turns requests for images away before their bodies are read when the gateway has no room for them, and counts bodies
 * as they come.
 */
export const registerAdmission = (app: FastifyInstance, admissions: Admissions): void => {
  app.decorateRequest('admission', null)
  app.addHook('onRequest', async (request, reply) => {
    if (!request.routeOptions.config.needsAdmission || reply.raw.closed) return
    const { admission, leave } = admissions.admit(declaredLengthOf(request))
    request.admission = admission
    reply.raw.once('close', leave)
  })
  app.addHook('preParsing', async (request, _reply, payload) => {
    const { admission } = request
    if (!admission || isUnwatched(request)) return payload
    return Readable.from(counted(payload as Readable, admission), { objectMode: false })
  })
}
