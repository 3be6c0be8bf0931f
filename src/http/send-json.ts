import type { FastifyReply } from 'fastify'
import { createJsonWithBytes, type JsonWithBytes } from '#src/bytes/json-with-bytes.ts'
import type { JsonObject } from '#src/domain/json.ts'

/** Sends a JSON body in which the base64 of the bytes that `present` places is written only as it is sent. */
export const sendJson = (
  reply: FastifyReply,
  present: (place: JsonWithBytes['place']) => JsonObject,
): FastifyReply => {
  const { place, render } = createJsonWithBytes()
  const { stream, sizeBytes } = render(present(place))
  return reply
    .headers({ 'content-type': 'application/json', 'content-length': sizeBytes })
    .send(stream)
}
