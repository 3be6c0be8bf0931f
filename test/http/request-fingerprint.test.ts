import type { FastifyRequest } from 'fastify'
import { expect, it } from 'vitest'
import { inPieces } from '#src/bytes/pieces.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { fingerprintOf } from '#src/http/request-fingerprint.ts'
import { imageRequest } from '#test/helpers/models.ts'

/** Of a form with one picture, which came in these pieces. */
const fingerprint = (...pieces: readonly string[]): Promise<string> => {
  const images = [{ bytes: inPieces(pieces.map((piece) => Buffer.from(piece))), format: 'png' }]
  const read = async () => imageRequest({ images: images as ImageRequest['images'] })
  return fingerprintOf({ request: { isMultipart: () => true } as FastifyRequest, read })
}

it('is of what was sent, and not of the pieces in which it came', async () => {
  const whole = await fingerprint('a picture')
  expect(await fingerprint('a', ' pic', '', 'ture')).toBe(whole)
  expect(await fingerprint('another picture')).not.toBe(whole)
})
