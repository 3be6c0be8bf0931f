import type { TSchema } from 'typebox'
import { OUTPUT_FORMATS } from '#src/domain/media.ts'
import { Type } from '#src/domain/schema-type.ts'
import { errorAnswers } from './answer-documents.ts'
import { text } from './schema-parts.ts'

const imageContent = Object.fromEntries(
  OUTPUT_FORMATS.map((format) => [
    `image/${format}`,
    { schema: Type.Unsafe<string>({ type: 'string', format: 'binary' }) as TSchema },
  ]),
)

const CACHE_HEADERS = {
  etag: text('Strong.'),
  'cache-control': text('As long as its URL is good.'),
}

const imageHeaders = {
  ...CACHE_HEADERS,
  'accept-ranges': Type.Literal('bytes'),
  'content-disposition': text('inline, with a file name.'),
}

/** `GET /v1/media/{file}`, for readers. */
export const mediaOperation = {
  tags: ['Images'],
  operationId: 'readImage',
  summary: 'A hosted image',
  description: 'By the URL of an answer, as it stands there. Nobody is asked for a key.',
  headers: Type.Object({
    range: Type.Optional(text('A part of the image: bytes=0-1023.')),
    'if-range': Type.Optional(text('The part only if the image is still this one.')),
    'if-none-match': Type.Optional(text('etag of an image that is already there.')),
  }),
  response: {
    200: { description: 'The image.', headers: imageHeaders, content: imageContent },
    206: {
      description: 'The part.',
      headers: { ...imageHeaders, 'content-range': text('Which bytes, of how many.') },
      content: imageContent,
    },
    302: {
      type: 'null' as const,
      description: 'It lies in a bucket that is read directly.',
      headers: { location: text('A presigned URL.') },
    },
    304: { type: 'null' as const, description: 'It is already there.', headers: CACHE_HEADERS },
    ...errorAnswers(404, 416, 503),
  },
}
