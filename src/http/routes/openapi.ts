import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { jsonAnswer } from '#src/http/schemas/answer-documents.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'

const DocumentSchema = Type.Object(
  { openapi: Type.String({ pattern: String.raw`^3\.1\.` }) },
  { additionalProperties: true },
)

const operation = {
  tags: ['Operations'],
  operationId: 'readOpenApi',
  summary: 'This document',
  response: {
    200: jsonAnswer('OpenAPI 3.1.', DocumentSchema),
  },
}

/** `GET /openapi.json`: everything that is served. Nothing in it is secret: nobody is asked for a key. */
export const registerOpenApiDocument = (app: FastifyInstance): void => {
  const options = { schema: operation, ...documentedOnly, config: { isPublic: true } }
  app.get('/openapi.json', options, async () => app.swagger())
}
