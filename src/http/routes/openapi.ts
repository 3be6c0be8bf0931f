import type { FastifyInstance } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import { Type } from '#src/domain/schema-type.ts'
import { jsonAnswer } from '#src/http/schemas/answer-documents.ts'
import { catalogSchemas, componentSchemas } from '#src/http/schemas/components.ts'
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

/** As much of the document as changes with the catalogue. */
interface OpenApiDocument {
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> }
}

/** What the document made of one catalogue says of another. */
const documentOf = (made: OpenApiDocument, of: Catalog, current: Catalog): OpenApiDocument => {
  const gone = catalogSchemas(of)
  const { components = {} } = made
  const others = Object.entries(components.schemas ?? {}).filter(([name]) => !(name in gone))
  const all = { ...Object.fromEntries(others), ...catalogSchemas(current) }
  // In the order in which they would have been made.
  const names = Object.keys(componentSchemas(current))
  const schemas = Object.fromEntries(names.map((name) => [name, all[name]]))
  return { ...made, components: { ...components, schemas } }
}

/** The document, which the routes make once, with the schemas of the models that there are now. */
const createPresentDocument = (app: FastifyInstance, catalog: Catalog): (() => object) => {
  const first = catalog.current
  let present: { readonly of: Catalog; readonly document: object } | undefined
  return () => {
    const { current } = catalog
    const made = app.swagger()
    if (current === first) return made
    if (present?.of !== current) {
      present = { of: current, document: documentOf(made as OpenApiDocument, first, current) }
    }
    return present.document
  }
}

/** `GET /openapi.json`: everything that is served. Nothing in it is secret: nobody is asked for a key. */
export const registerOpenApiDocument = (app: FastifyInstance, catalog: Catalog): void => {
  const options = { schema: operation, ...documentedOnly, config: { isPublic: true } }
  const presentDocument = createPresentDocument(app, catalog)
  app.get('/openapi.json', options, async () => presentDocument())
}
