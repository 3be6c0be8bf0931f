import { type JsonSchema, objectSchema, type SchemaStyle } from '#test/emulators/json-schema.ts'
import { jsonReply, type WireReply, type WireRequest } from '#test/emulators/wire.ts'
import { falUnknownApplication } from './fal-errors.ts'
import type { FalExtra, FalModel } from './fal-model.ts'
import { FAL_MODELS } from './fal-models.ts'

/*
 * fal's OpenAPI document of one endpoint, which its model pages are made of: public code reads the input from
 * `paths[…].post.requestBody` (https://github.com/rawpixel-vincent/fal-endpoint-types, readme.md, 2026).
 */

const SIDE = { type: 'integer', exclusiveMinimum: 0, maximum: 14_142, default: 512 }

const SHARED_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ImageSize: {
    title: 'ImageSize',
    type: 'object',
    properties: { width: { ...SIDE, title: 'Width' }, height: { ...SIDE, title: 'Height' } },
    'x-fal-order-properties': ['width', 'height'],
  },
  QueueStatus: {
    type: 'object',
    properties: {
      status: { type: 'string', enum: ['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED'] },
      request_id: { type: 'string' },
      response_url: { type: 'string' },
      status_url: { type: 'string' },
      cancel_url: { type: 'string' },
      logs: { type: 'object', additionalProperties: true },
      metrics: { type: 'object', additionalProperties: true },
      queue_position: { type: 'integer' },
    },
    required: ['status', 'request_id'],
  },
}

const STYLE: SchemaStyle = {
  choice: (_, values) => ({ type: 'string', enum: values }),
  size: (names) => ({
    anyOf: [{ $ref: '#/components/schemas/ImageSize' }, { type: 'string', enum: names }],
  }),
}

const TEXT = { type: 'string' }
const WHOLE = { type: 'integer' }

const PICTURE_FIELDS: Readonly<Record<FalModel['picture'], JsonSchema>> = {
  ImageFile: { file_name: TEXT, file_size: WHOLE, width: WHOLE, height: WHOLE },
  Image: { width: WHOLE, height: WHOLE },
  File: { file_name: TEXT, file_size: WHOLE },
}

const EXTRA_SCHEMAS: Readonly<Record<FalExtra, JsonSchema>> = {
  description: TEXT,
  seed: WHOLE,
  timings: { type: 'object', additionalProperties: { type: 'number' } },
  has_nsfw_concepts: { type: 'array', items: { type: 'boolean' } },
  prompt: TEXT,
  revised_prompt: TEXT,
}

const pictureSchema = (picture: FalModel['picture']): JsonSchema => ({
  title: picture,
  type: 'object',
  properties: {
    url: { type: 'string', format: 'uri' },
    content_type: TEXT,
    ...PICTURE_FIELDS[picture],
  },
  required: ['url'],
})

const outputSchema = (title: string, { picture, extras }: FalModel): JsonSchema => ({
  title,
  type: 'object',
  properties: {
    images: { type: 'array', items: { $ref: `#/components/schemas/${picture}` } },
    ...Object.fromEntries(extras.map((extra) => [extra, EXTRA_SCHEMAS[extra]])),
  },
  required: ['images', ...extras],
  'x-fal-order-properties': ['images', ...extras],
})

/** `fal-ai/flux-pro/v1.1` → `FluxProV11`, as fal's own types are called. */
const typeName = (endpoint: string): string =>
  endpoint
    .replace(/^fal-ai\//, '')
    .split(/[/-]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
    .replaceAll('.', '')

const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

const json = (description: string, schema: JsonSchema): JsonSchema => ({
  description,
  content: { 'application/json': { schema } },
})

const REQUEST_ID = {
  name: 'request_id',
  in: 'path',
  required: true,
  schema: { type: 'string', description: 'Request ID' },
}

const describePaths = (endpoint: string, input: string, output: string): JsonSchema => {
  const request = `/${endpoint}/requests/{request_id}`
  const status = json('The request status.', ref('QueueStatus'))
  return {
    [`${request}/status`]: { get: { parameters: [REQUEST_ID], responses: { '200': status } } },
    [`${request}/cancel`]: {
      put: {
        parameters: [REQUEST_ID],
        responses: {
          '200': json('The request was cancelled.', {
            type: 'object',
            properties: { success: { type: 'boolean' } },
          }),
        },
      },
    },
    [`/${endpoint}`]: {
      post: {
        parameters: [],
        requestBody: { required: true, content: { 'application/json': { schema: ref(input) } } },
        responses: { '200': status },
      },
    },
    [request]: {
      get: {
        parameters: [REQUEST_ID],
        responses: { '200': json('Result of the request.', ref(output)) },
      },
    },
  }
}

const openApiOf = (endpoint: string, model: FalModel): JsonSchema => {
  const name = typeName(endpoint)
  const input = `${name}Input`
  const output = `${name}Output`
  const hasImages = 'image_urls' in model.fields || 'image_url' in model.fields
  return {
    openapi: '3.0.4',
    info: {
      title: `Queue OpenAPI for ${endpoint}`,
      version: '1.0.0',
      description: `The OpenAPI schema for the ${endpoint} queue.`,
      'x-fal-metadata': {
        endpointId: endpoint,
        category: hasImages ? 'image-to-image' : 'text-to-image',
        playgroundUrl: `https://fal.ai/models/${endpoint}`,
        documentationUrl: `https://fal.ai/models/${endpoint}/api`,
      },
    },
    components: {
      securitySchemes: {
        apiKeyAuth: { type: 'apiKey', in: 'header', name: 'Authorization', description: 'Fal Key' },
      },
      schemas: {
        ...SHARED_SCHEMAS,
        [input]: {
          title: input,
          ...objectSchema(model.fields, STYLE),
          'x-fal-order-properties': Object.keys(model.fields),
        },
        [output]: outputSchema(output, model),
        [model.picture]: pictureSchema(model.picture),
      },
    },
    paths: describePaths(endpoint, input, output),
    servers: [{ url: 'https://queue.fal.run' }],
    security: [{ apiKeyAuth: [] }],
  }
}

/** `/api/openapi/queue/openapi.json?endpoint_id=…`. What an unknown endpoint is answered with is on record nowhere. */
export const describeEndpoint = (request: WireRequest): WireReply => {
  const endpoint = request.query.get('endpoint_id') ?? ''
  const model = FAL_MODELS[endpoint]
  return model ? jsonReply(200, openApiOf(endpoint, model)) : falUnknownApplication(endpoint)
}
