import type { FastifyInstance } from 'fastify'
import { answerImageRequest, type ImageRouteDependencies } from '#src/http/answer-image-request.ts'
import { readGeneration } from '#src/http/image-request-reader.ts'

/** `POST /images/generations`: text to image. */
export const registerImagesGenerations = (
  app: FastifyInstance,
  deps: ImageRouteDependencies,
): void => {
  app.post('/images/generations', (request, reply) =>
    answerImageRequest(deps, request, reply, () => readGeneration(request, deps.reader)),
  )
}
