import type { TSchema } from 'typebox'
import { SORTS } from '#src/domain/image-request.ts'
import type { Mode } from '#src/domain/model-card.ts'
import { Type } from '#src/domain/schema-type.ts'
import { errorAnswers, jsonAnswer, otherErrors } from './answer-documents.ts'
import { exampleEstimate, exampleImages } from './image-answer-schema.ts'
import { flag } from './model-schema.ts'
import { examplePendingRequest } from './request-schema.ts'
import { componentOf, oneOf, text } from './schema-parts.ts'

const wish = (schema: TSchema) => Type.Optional(schema)

const HeadersSchema = Type.Object({
  'Idempotency-Key': wish(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        'Printable ASCII. A repeat with the same key, path and body is told the outcome of the first, for 24 hours, and is not paid again.',
    }),
  ),
  Prefer: wish(
    text('respond-async: the answer is a 202 at once, and the result is read later or posted.'),
  ),
  'x-gateway-provider-order': wish(text('Comma list of slugs to try first, as provider.order.')),
  'x-gateway-provider-only': wish(text('Comma list of slugs, as provider.only.')),
  'x-gateway-provider-ignore': wish(text('Comma list of slugs, as provider.ignore.')),
  'x-gateway-provider-sort': wish(oneOf(SORTS, 'As provider.sort.')),
  'x-gateway-timeout-ms': wish(
    Type.Integer({ minimum: 1, description: 'Deadline of the request, where it is shorter.' }),
  ),
  'x-gateway-strict': wish(
    Type.Boolean({
      description: 'true: what would be a warning is a 400, before anything is sent.',
    }),
  ),
  'x-gateway-progress': wish(
    Type.Boolean({
      description:
        'true: with stream: true there are events gateway.planned and gateway.attempt too, as attempts begin and end.',
    }),
  ),
  'x-session-id': wish(text('Your own name for the session, kept with the request.')),
  traceparent: wish(text('W3C Trace Context; its trace id is kept with the request.')),
})

const QuerySchema = Type.Object({
  dryRun: flag('true: everything is checked and priced, and nothing is sent to a provider.'),
})

/** How it was routed, as far as it was. */
const ROUTING_HEADERS = {
  'x-gateway-provider': text('Slug of the provider that served, or was tried last.'),
  'x-gateway-model': text('Config key of the offering.'),
  'x-gateway-attempts': Type.Integer({ minimum: 0, description: 'How many attempts were made.' }),
  'x-gateway-overhead-ms': Type.Number({ minimum: 0, description: 'Time in the gateway itself.' }),
}

const REPLAY_HEADERS = {
  'idempotent-replayed': Type.Literal('true', {
    description: 'The outcome of an earlier request with this Idempotency-Key.',
  }),
}

const imagesAnswer = {
  description: 'The images; of a dry run what they would cost; with stream: true, events.',
  headers: { ...ROUTING_HEADERS, ...REPLAY_HEADERS },
  content: {
    'application/json': {
      schema: Type.Unsafe({ anyOf: [componentOf('Images'), componentOf('Estimate')] }),
      examples: { images: { value: exampleImages }, estimate: { value: exampleEstimate } },
    },
    'text/event-stream': { schema: componentOf('ImageEvent') },
  },
}

const acceptedAnswer = {
  ...jsonAnswer('With Prefer: respond-async: it was taken on.', componentOf('Request'), {
    pending: examplePendingRequest,
  }),
  headers: {
    location: text('Where the request is read, until it is done and its result.'),
    'preference-applied': Type.Literal('respond-async'),
  },
}

const RESPONSES = {
  200: imagesAnswer,
  202: acceptedAnswer,
  ...errorAnswers(400, 402, 404, 409, 413, 415, 429, 502, 504),
  default: otherErrors,
}

const operationOf = (mode: Mode) => ({
  tags: ['Images'],
  headers: HeadersSchema,
  querystring: QuerySchema,
  response: RESPONSES,
  operationId: mode === 'text_to_image' ? 'generateImages' : 'editImages',
})

/** `POST /images/generations`, for readers. */
export const generationOperation = {
  ...operationOf('text_to_image'),
  summary: 'Make images from text',
  description:
    'As OpenAI’s images.generate. The providers of the model are tried in the order that routing thinks best, until one succeeds.',
  body: { content: { 'application/json': { schema: componentOf('ImageGenerationRequest') } } },
}

/** `POST /images/edits`, for readers. */
export const editOperation = {
  ...operationOf('image_edit'),
  summary: 'Make images from pictures and text',
  description: 'As OpenAI’s images.edit; or with JSON and references to the pictures.',
  body: {
    content: {
      'multipart/form-data': { schema: componentOf('ImageEditForm') },
      'application/json': { schema: componentOf('ImageEditRequest') },
    },
  },
}
