import type { FastifyInstance } from 'fastify'
import { answerImageRequest, type ImageRouteDependencies } from '#src/http/answer-image-request.ts'
import { readEdit } from '#src/http/image-request-reader.ts'
import { MAX_JSON_EDIT_BYTES } from '#src/http/limits.ts'

/** `POST /images/edits`: pictures and text to image. */
export const registerImagesEdits = (app: FastifyInstance, deps: ImageRouteDependencies): void => {
  app.post('/images/edits', { bodyLimit: MAX_JSON_EDIT_BYTES }, (request, reply) =>
    answerImageRequest(deps, request, reply, () => readEdit(request, deps.reader)),
  )
}
