import type { TSchema } from 'typebox'
import { Type } from '#src/domain/schema-type.ts'
import { componentOf, count, oneOf, orNull, text } from './schema-parts.ts'

const usd = (description: string) => Type.Number({ minimum: 0, description })

const TokenDetailsSchema = Type.Object({
  image_tokens: count('Of images.'),
  text_tokens: count('Of text.'),
})

const UsageSchema = Type.Object(
  {
    input_tokens: count('Of prompt and input images.'),
    output_tokens: count('Of what was made, thoughts included.'),
    total_tokens: count('Of both.'),
    input_tokens_details: Type.Optional(TokenDetailsSchema),
    output_tokens_details: Type.Optional(TokenDetailsSchema),
  },
  { title: 'Usage', description: 'Tokens of all provider calls together.' },
)

const WarningSchema = Type.Object(
  {
    type: oneOf(
      ['unsupported', 'adjusted', 'partial'],
      'unsupported: not done; adjusted: done with the nearest value that is offered; partial: fewer images came.',
    ),
    param: Type.Optional(text('The parameter concerned.')),
    message: text('In words.'),
  },
  { title: 'Warning', description: 'Something that was not done as asked.' },
)

const AttemptSchema = Type.Object(
  {
    provider: text('Slug of the provider.'),
    config_key: text('The offering that was tried.'),
    status: oneOf(['completed', 'failed', 'cancelled']),
    error_code: Type.Optional(text('Why it failed, such as RATE_LIMITED.')),
    duration_ms: Type.Number({ minimum: 0 }),
  },
  { title: 'Attempt', description: 'One try at an offering.' },
)

const MetadataSchema = Type.Object(
  {
    model: text('Canonical id.'),
    executed_model: text('Config key of the offering that served.'),
    provider: text('Its provider’s slug.'),
    provider_name: text('Its provider’s name for people.'),
    cost: usd('USD of all that came, and of wasted attempts that are billed.'),
    cost_currency: Type.Literal('USD'),
    attempts: Type.Array(componentOf('Attempt')),
    partial: Type.Boolean({ description: 'Whether fewer images came than were asked for.' }),
  },
  { title: 'Metadata', description: 'How the request was served.' },
)

const ImageSchema = Type.Object(
  {
    url: Type.Optional(
      Type.String({
        format: 'uri',
        description: 'Where it can be fetched, without a key, for a while.',
      }),
    ),
    b64_json: Type.Optional(Type.String({ description: 'The image itself in base64.' })),
    revised_prompt: Type.Optional(text('What the provider made of the prompt.')),
  },
  { title: 'Image', description: 'Either url or b64_json, as response_format says.' },
)

const ImageAnswerSchema = Type.Object(
  {
    id: text('The request’s id; the header x-request-id too.'),
    created: Type.Integer({ description: 'Unix seconds.' }),
    size: Type.Optional(text('True pixels of the first image, such as 1024x1024.')),
    output_format: Type.Optional(text('True format of the first image, such as png.')),
    data: Type.Array(componentOf('Image')),
    usage: Type.Optional(componentOf('Usage')),
    warnings: Type.Optional(
      Type.Array(componentOf('Warning'), { description: 'Absent: all was done as asked.' }),
    ),
    metadata: componentOf('Metadata'),
  },
  { title: 'Images' },
)

const EstimateSchema = Type.Object(
  {
    estimated: Type.Literal(true),
    model: text('Canonical id.'),
    provider: text('Slug of the provider that would be tried first.'),
    total_cost_micros: count('Millionths of a USD.'),
    currency: Type.Literal('USD'),
    components: Type.Array(
      Type.Object({
        type: text('input, output or request.'),
        metric: text('What is counted, such as image.'),
        quantity: Type.Number({ minimum: 0 }),
        billable_quantity: Type.Number({ minimum: 0 }),
        unit_price: usd('USD of one unit.'),
        total_cost: count('Millionths of a USD.'),
      }),
    ),
  },
  { title: 'Estimate', description: 'The answer to a dry run: nothing was sent to a provider.' },
)

const eventImage = {
  b64_json: text('The image itself in base64.'),
  created_at: Type.Integer({ description: 'Unix seconds.' }),
  size: text('True pixels.'),
  quality: text('As it was asked for.'),
  background: text('As it was asked for.'),
  output_format: text('True format.'),
}

const PartialImageEventSchema = Type.Object(
  {
    type: oneOf(['image_generation.partial_image', 'image_edit.partial_image']),
    ...eventImage,
    partial_image_index: count('From 0.'),
  },
  { title: 'Partial image' },
)

const CompletedEventSchema = Type.Object(
  {
    type: oneOf(['image_generation.completed', 'image_edit.completed']),
    ...eventImage,
    revised_prompt: Type.Optional(text('What the provider made of the prompt.')),
    usage: componentOf('Usage'),
    id: Type.Optional(text('With the last image: the request’s id.')),
    warnings: Type.Optional(Type.Array(componentOf('Warning'))),
    metadata: Type.Optional(componentOf('Metadata')),
  },
  { title: 'Completed', description: 'One image is done.' },
)

const ErrorEventSchema = Type.Object(
  {
    type: Type.Literal('error'),
    error: Type.Object({
      message: text('What was wrong.'),
      type: text('As of any error.'),
      param: orNull(text('The field that is wrong.')),
      code: text('As of any error.'),
    }),
  },
  { title: 'Error event', description: 'It failed after the headers were sent; nothing follows.' },
)

const PlannedEventSchema = Type.Object(
  {
    type: Type.Literal('gateway.planned'),
    candidates: Type.Array(Type.String(), {
      description: 'Config keys in the order in which they would be tried.',
    }),
    expected_seconds: Type.Number({
      minimum: 0,
      description: 'How long a success of the first choice is expected to take.',
    }),
  },
  { title: 'Planned', description: 'With x-gateway-progress: the first choice was made.' },
)

const AttemptEventSchema = Type.Object(
  {
    type: Type.Literal('gateway.attempt'),
    attempt: Type.Integer({
      minimum: 1,
      description: 'Its number in this request; begin and end have the same.',
    }),
    provider: text('Slug of the provider.'),
    provider_name: text('For people.'),
    config_key: text('The offering that is tried.'),
    status: oneOf(['started', 'completed', 'failed', 'cancelled']),
    reason: Type.Optional(
      oneOf(['best', 'stale', 'probe', 'last_resort', 'hedge'], 'Why it was chosen.'),
    ),
    timeout_ms: Type.Optional(count('Time that the provider is given.')),
    error_code: Type.Optional(text('Why it failed, such as RATE_LIMITED.')),
    duration_ms: Type.Optional(Type.Number({ minimum: 0 })),
    after_ms: count('Since the request came.'),
  },
  { title: 'Attempt event', description: 'With x-gateway-progress: a try began or ended.' },
)

/** Answers of the image endpoints. */
export const imageAnswerSchemas: Readonly<Record<string, TSchema>> = {
  Images: ImageAnswerSchema,
  Image: ImageSchema,
  Usage: UsageSchema,
  Warning: WarningSchema,
  Attempt: AttemptSchema,
  Metadata: MetadataSchema,
  Estimate: EstimateSchema,
  ImageEvent: Type.Unsafe({
    title: 'Image event',
    description: 'The data of one event; its type is the event’s name too.',
    anyOf: [
      PartialImageEventSchema,
      CompletedEventSchema,
      ErrorEventSchema,
      PlannedEventSchema,
      AttemptEventSchema,
    ],
  }),
}

const attempt = { provider: 'gemini', config_key: 'gemini/gemini-3.1-flash-image-preview' }

/** For the document: an answer after a failover. */
export const exampleImages = {
  id: 'req_0f8fad5bd9cb469fa16570867728950e',
  created: 1771234567,
  size: '1376x768',
  output_format: 'png',
  data: [
    { url: 'https://images.example/v1/media/f81d4fae7dec.png?expires=1771238167&signature=Zm9v' },
  ],
  usage: {
    input_tokens: 12,
    output_tokens: 1120,
    total_tokens: 1132,
    input_tokens_details: { image_tokens: 0, text_tokens: 12 },
  },
  warnings: [
    { type: 'unsupported', param: 'quality', message: 'quality has no effect at Vertex AI.' },
  ],
  metadata: {
    model: 'gemini-3.1-flash-image-preview',
    executed_model: 'vertex/gemini-3.1-flash-image-preview',
    provider: 'vertex',
    provider_name: 'Vertex AI',
    cost: 0.067,
    cost_currency: 'USD',
    attempts: [
      { ...attempt, status: 'failed', error_code: 'RATE_LIMITED', duration_ms: 412 },
      {
        provider: 'vertex',
        config_key: 'vertex/gemini-3.1-flash-image-preview',
        status: 'completed',
        duration_ms: 24011,
      },
    ],
    partial: false,
  },
}

/** For the document: the answer to a dry run. */
export const exampleEstimate = {
  estimated: true,
  model: 'gemini-3.1-flash-image-preview',
  provider: 'vertex',
  total_cost_micros: 134000,
  currency: 'USD',
  components: [
    {
      type: 'output',
      metric: 'image',
      quantity: 2,
      billable_quantity: 2,
      unit_price: 0.067,
      total_cost: 134000,
    },
  ],
}
