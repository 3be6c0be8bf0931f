import type { FastifyInstance } from 'fastify'
import { answerImageRequest } from '#src/http/answer-image-request.ts'
import type { ImageRouteDependencies } from '#src/http/image-call.ts'
import { readGeneration } from '#src/http/image-request-reader.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { generationOperation } from '#src/http/schemas/image-operations.ts'

/** `POST /images/generations`: text to image. */
export const registerImagesGenerations = (
  app: FastifyInstance,
  deps: ImageRouteDependencies,
): void => {
  app.post(
    '/images/generations',
    { schema: generationOperation, ...documentedOnly },
    (request, reply) =>
      answerImageRequest(deps, request, reply, () => readGeneration(request, deps.reader)),
  )
}
