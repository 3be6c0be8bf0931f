import { type JsonSchema, propertySchema, type SchemaStyle } from '#test/emulators/json-schema.ts'
import { hashText } from '#test/emulators/seeded-random.ts'
import { jsonReply, type WireReply, type WireRequest } from '#test/emulators/wire.ts'
import { replicateNotFound } from './replicate-errors.ts'
import type { ReplicateModel } from './replicate-model.ts'
import { REPLICATE_MODELS } from './replicate-models.ts'

/** Enums stand beside the input and are referred to (as in the copies that are named in `replicate-model.ts`). */
const STYLE: SchemaStyle = {
  choice: (field) => ({ allOf: [{ $ref: `#/components/schemas/${field}` }] }),
  size: () => ({ type: 'string' }),
}

const inputSchema = ({ fields }: ReplicateModel): JsonSchema => {
  const required = Object.keys(fields).filter((field) => fields[field]?.isRequired)
  const properties = Object.entries(fields).map(([field, rule], index) => [
    field,
    { ...propertySchema(field, rule, STYLE), 'x-order': index },
  ])
  return { type: 'object', title: 'Input', required, properties: Object.fromEntries(properties) }
}

const enumSchemas = ({ fields }: ReplicateModel): JsonSchema =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([field, rule]) =>
      rule.type === 'one_of'
        ? [
            [
              field,
              {
                enum: rule.values,
                type: 'string',
                title: field,
                description: 'An enumeration.',
              },
            ],
          ]
        : [],
    ),
  )

const URL_SCHEMA = { type: 'string', format: 'uri' }

const outputSchema = ({ output }: ReplicateModel): JsonSchema =>
  output === 'list'
    ? { type: 'array', items: URL_SCHEMA, title: 'Output' }
    : { ...URL_SCHEMA, title: 'Output' }

const openApiOf = (model: ReplicateModel): JsonSchema => ({
  openapi: '3.0.2',
  info: { title: 'Cog', version: '0.1.0' },
  paths: {
    '/predictions': {
      post: {
        summary: 'Predict',
        operationId: 'predict_predictions_post',
        requestBody: {
          content: {
            'application/json': { schema: { $ref: '#/components/schemas/PredictionRequest' } },
          },
        },
      },
    },
  },
  components: {
    schemas: {
      Input: inputSchema(model),
      Output: outputSchema(model),
      ...enumSchemas(model),
      PredictionRequest: {
        type: 'object',
        title: 'PredictionRequest',
        properties: { input: { $ref: '#/components/schemas/Input' } },
      },
    },
  },
})

/** A version id of the form that Replicate's have, the same for the same model. */
const versionOf = (name: string): string =>
  Array.from({ length: 8 }, (_, index) =>
    hashText(`${name}${index}`).toString(16).padStart(8, '0').slice(-8),
  ).join('')

/** `GET /v1/models/{owner}/{name}` (https://replicate.com/docs/reference/http#models.get). */
export const describeModel = (request: WireRequest): WireReply => {
  const { owner, name } = request.parameters
  const fullName = `${owner}/${name}`
  const model = REPLICATE_MODELS[fullName]
  if (!model) return replicateNotFound()
  return jsonReply(200, {
    url: `https://replicate.com/${fullName}`,
    owner,
    name,
    description: '',
    visibility: 'public',
    is_official: true,
    github_url: null,
    paper_url: null,
    license_url: null,
    run_count: 0,
    cover_image_url: null,
    default_example: null,
    latest_version: {
      id: versionOf(fullName),
      created_at: `${model.source.checkedAt.padEnd(10, '-01')}T00:00:00.000Z`,
      cog_version: '0.16.0',
      openapi_schema: openApiOf(model),
    },
  })
}
