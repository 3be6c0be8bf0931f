import type { FastifyInstance } from 'fastify'
import { answerImageRequest } from '#src/http/answer-image-request.ts'
import { type ImageRouteDependencies, withPresentCatalog } from '#src/http/image-call.ts'
import { readEdit } from '#src/http/image-request-reader.ts'
import { registerLiftedJson } from '#src/http/lifted-json.ts'
import { MAX_JSON_EDIT_BYTES } from '#src/http/limits.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { editOperation } from '#src/http/schemas/image-operations.ts'

/** `POST /images/edits`: pictures and text to image. */
export const registerImagesEdits = (app: FastifyInstance, deps: ImageRouteDependencies): void => {
  app.register(async (scope) => {
    registerLiftedJson(scope)
    scope.post(
      '/images/edits',
      {
        schema: editOperation,
        ...documentedOnly,
        bodyLimit: MAX_JSON_EDIT_BYTES,
        config: { needsAdmission: true },
      },
      (request, reply) => {
        const present = withPresentCatalog(deps)
        return answerImageRequest(present, request, reply, () => readEdit(request, present.reader))
      },
    )
  })
}
