import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Clock } from '#src/domain/clock.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { MediaStore } from '#src/images/media-store.ts'
import type { MediaSigner } from '#src/images/media-url.ts'

export interface MediaRouteDependencies {
  readonly store: MediaStore
  readonly signer: MediaSigner
  readonly clock: Clock
}

const ParamsSchema = Type.Object({ file: Type.String() })
const QuerySchema = Type.Object({
  expires: Type.String({ default: '' }),
  signature: Type.String({ default: '' }),
})

const noSuchImage = (): GatewayError =>
  new GatewayError('NOT_FOUND', 'There is no such image, or its URL is not whole.')

/** `GET /v1/media/{file}`: a hosted image, for whoever holds its signed URL, until that expires. */
export const registerMedia = (
  app: FastifyInstance,
  { store, signer, clock }: MediaRouteDependencies,
): void => {
  app.withTypeProvider<TypeBoxTypeProvider>().get(
    '/v1/media/:file',
    {
      config: { isPublic: true },
      schema: { params: ParamsSchema, querystring: QuerySchema },
    },
    async (request, reply) => {
      const { expires, signature } = request.query
      const { file } = request.params
      const verdict = signer.verify(file, expires, signature, clock.now())
      if (verdict === 'forged') throw noSuchImage()
      if (verdict === 'expired')
        throw new GatewayError('NOT_FOUND', 'The URL of this image has expired.')
      const media = await store.open(file)
      if (!media) throw noSuchImage()
      const secondsLeft = Math.floor(Number(expires) - clock.now() / 1000)
      return reply
        .headers({
          'content-type': media.mediaType,
          'content-length': media.sizeBytes,
          'cache-control': `private, max-age=${secondsLeft}, immutable`,
          'x-content-type-options': 'nosniff',
          'content-security-policy': "default-src 'none'",
        })
        .send(media.stream)
    },
  )
}
