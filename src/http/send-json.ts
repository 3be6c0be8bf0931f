import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { collect } from '#src/bytes/byte-source.ts'
import { createJsonWithBytes, type JsonWithBytes } from '#src/bytes/json-with-bytes.ts'
import type { JsonObject } from '#src/domain/json.ts'

/** Bodies up to this size are sent in one piece, together with their headers: a stream costs more than they do. */
const WHOLE_BYTES = 65_536

/** Sends a JSON body in which the base64 of the bytes that `present` places is written only as it is sent. */
export const sendJson = async (
  reply: FastifyReply,
  present: (place: JsonWithBytes['place']) => JsonObject,
): Promise<FastifyReply> => {
  const { place, render } = createJsonWithBytes()
  const { pieces, sizeBytes } = render(present(place))
  const body =
    sizeBytes <= WHOLE_BYTES ? await collect(pieces) : Readable.from(pieces, { objectMode: false })
  return reply
    .headers({ 'content-type': 'application/json', 'content-length': sizeBytes })
    .send(body)
}
