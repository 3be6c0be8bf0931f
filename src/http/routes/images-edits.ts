import type { FastifyInstance } from 'fastify'
import { readEdit } from '#src/http/image-request-reader.ts'
import { answerImageRequest, type ImageRouteDependencies } from './images.ts'

/** `POST /images/edits`: pictures and text to image. */
export const registerImagesEdits = (app: FastifyInstance, deps: ImageRouteDependencies): void => {
  app.post('/images/edits', (request, reply) =>
    answerImageRequest(deps, request, reply, () => readEdit(request, deps.reader)),
  )
}
