import type { FastifyInstance } from 'fastify'
import { answerImageRequest } from '#src/http/answer-image-request.ts'
import { type ImageRouteDependencies, withPresentCatalog } from '#src/http/image-call.ts'
import { readGeneration } from '#src/http/image-request-reader.ts'
import { MAX_JSON_BODY_BYTES } from '#src/http/limits.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { generationOperation } from '#src/http/schemas/image-operations.ts'

/** `POST /images/generations`: text to image. */
export const registerImagesGenerations = (
  app: FastifyInstance,
  deps: ImageRouteDependencies,
): void => {
  app.post(
    '/images/generations',
    {
      schema: generationOperation,
      ...documentedOnly,
      bodyLimit: MAX_JSON_BODY_BYTES,
      config: { needsAdmission: true },
    },
    (request, reply) => {
      const present = withPresentCatalog(deps)
      return answerImageRequest(present, request, reply, () =>
        readGeneration(request, present.reader),
      )
    },
  )
}
