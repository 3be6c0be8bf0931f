import type { TSchema } from 'typebox'
import type { Catalog } from '#src/catalog/catalog.ts'
import { ErrorSchema } from './answer-documents.ts'
import { imageAnswerSchemas } from './image-answer-schema.ts'
import { imageRequestSchemas, modelParameterSchemas } from './image-request-schema.ts'
import { keySchemas } from './key-schema.ts'
import { modelSchemas } from './model-schema.ts'
import { offeringSchemas } from './offering-schema.ts'
import { requestSchemas } from './request-schema.ts'
import { routingSchemas } from './routing-schema.ts'
import { statusSchemas } from './status-schema.ts'
import { usageSchemas } from './usage-schema.ts'

/** All named schemas of the OpenAPI document. */
export const componentSchemas = (catalog: Catalog): Record<string, TSchema> => ({
  ...imageRequestSchemas(catalog),
  ...imageAnswerSchemas,
  ...modelSchemas,
  ...offeringSchemas,
  ...requestSchemas,
  ...routingSchemas,
  ...usageSchemas,
  ...statusSchemas,
  ...keySchemas,
  Error: ErrorSchema,
  ...modelParameterSchemas(catalog),
})

/** Those of them that tell of the models, and so change with the catalogue. */
export const catalogSchemas = (catalog: Catalog): Record<string, TSchema> => ({
  ...imageRequestSchemas(catalog),
  ...modelParameterSchemas(catalog),
})
