import type { TSchema } from 'typebox'
import { GATEWAY_ERRORS } from '#src/domain/errors.ts'
import { SORTS } from '#src/domain/image-request.ts'
import type { RequestRecord } from '#src/domain/request-record.ts'
import { Type } from '#src/domain/schema-type.ts'
import {
  componentOf,
  componentOrNull,
  count,
  instant,
  oneOf,
  orNull,
  text,
} from './schema-parts.ts'

const STATUSES = [
  'completed',
  'pending',
  'upstream_failure',
  'rejected',
  'cancelled',
] as const satisfies RequestRecord['status'][]

const usd = Type.Number({ minimum: 0, description: 'USD, wasted attempts included.' })
const ms = (description: string) => Type.Number({ minimum: 0, description })

const row = {
  id: text('The header x-request-id of its answer.'),
  object: Type.Literal('request'),
  created_at: instant('When it came.'),
  model: text('Canonical id, or what was asked for when there is no such model.'),
  modality: Type.Literal('image'),
  endpoint: text('Path that it came by.'),
  status: oneOf(STATUSES),
  provider: orNull(text('Who served it, or was tried last.')),
  attempts: Type.Array(componentOf('Attempt')),
  cost: usd,
  currency: Type.Literal('usd'),
  duration_ms: ms('Up to its end.'),
  overhead_ms: orNull(ms('Of that what the gateway itself took, providers not waited for.')),
  key_id: orNull(text('Which key it came with.')),
  error_code: Type.Unsafe({
    enum: [...Object.keys(GATEWAY_ERRORS), null],
    description: 'Code of the error that it was answered with.',
  }),
  error_message: orNull(text('Message of that error.')),
  session_id: orNull(text('The client’s x-session-id.')),
  trace_id: orNull(text('Of the client’s W3C traceparent.')),
  user: orNull(text('The client’s own name for its user.')),
  usage: componentOrNull('Usage'),
  request_size_bytes: orNull(count('Of the body.')),
  response_size_bytes: orNull(count('Of the answer’s body.')),
}

/** Fields of a candidate of a choice. */
export const candidateFields = {
  config_key: text('The offering.'),
  standing: oneOf(['usable', 'busy', 'open', 'rate_limited', 'taken_out']),
  until: Type.Optional(instant('Until when it is left alone.')),
  tries: count('How often its provider had been tried for this image.'),
  shortcomings: count('Parts of the request that it cannot honour.'),
  score: Type.Number({ description: 'Weighted seconds; the smallest is best.' }),
  terms: Type.Object(
    {
      time_cost: Type.Number(),
      money_cost: Type.Number(),
      attempt_cost: Type.Number(),
      success_probability: Type.Number(),
      in_time_probability: Type.Number(),
      success_seconds: Type.Number(),
      failure_seconds: Type.Number(),
      crowding: Type.Number(),
    },
    { description: 'What the score was worked out of.' },
  ),
  first_tries_in_flight: count('Of this gateway.'),
  slow_start_limit: Type.Number({ description: 'How many of them there may be.' }),
}

const CandidateSchema = Type.Object(candidateFields, {
  title: 'Candidate',
  description: 'An offering as it stood when a choice was made.',
})

/** Fields of a choice, without what it was made from. */
export const choiceFields = {
  type: oneOf(['try', 'wait', 'stop']),
  chosen: Type.Optional(text('Config key of the offering that was tried.')),
  reason: Type.Optional(
    oneOf([
      'best',
      'stale',
      'probe',
      'last_resort',
      'hedge',
      'exhausted',
      'no_time',
      'rate_limited',
    ]),
  ),
  timeout_ms: Type.Optional(ms('Time that the attempt was given.')),
  wait_ms: Type.Optional(ms('How long was waited for.')),
  probe: Type.Optional(text('Config key that a paid copy of the request went to.')),
}

/** An offering that was left out, and why. */
export const ExcludedSchema = Type.Object({
  config_key: text('The offering.'),
  constraint: text('What left it out, such as provider.only.'),
  reason: text('In words.'),
})

const DecisionSchema = Type.Object(
  {
    after_ms: ms('Since the request came.'),
    ...choiceFields,
    candidates: Type.Array(componentOf('Candidate'), {
      description: 'In the order in which they would have been tried.',
    }),
  },
  { title: 'Decision', description: 'One choice of a request.' },
)

const RoutingSchema = Type.Object(
  {
    sort: oneOf(SORTS),
    decisions: Type.Array(componentOf('Decision')),
    excluded: Type.Array(ExcludedSchema),
  },
  { title: 'Routing', description: 'Why the request went where it went.' },
)

const RequestSchema = Type.Object(
  {
    ...row,
    routing: Type.Optional(componentOf('Routing')),
    result: Type.Optional(componentOf('Images')),
  },
  {
    title: 'Request',
    description:
      'A request of the log. result: the images of one that was taken on with Prefer: respond-async, for an hour after it is done.',
  },
)

const pageUrl = (description: string) => orNull(text(description))

const RequestListSchema = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(componentOf('RequestRow')),
    next_page_url: pageUrl('Path of the page with older ones; null: there are none.'),
    previous_page_url: pageUrl('Path of the page with newer ones; null: there are none.'),
    summary: Type.Optional(
      Type.Object(
        { total_cost: usd, currency: Type.Literal('usd'), count: count('Of all that match.') },
        { description: 'With summary=true: all that match, on whichever page.' },
      ),
    ),
    partial: Type.Optional(
      Type.Literal(true, { description: 'Those of other gateways cannot be asked for now.' }),
    ),
  },
  { title: 'Requests', description: 'Newest first.' },
)

const BalanceSchema = Type.Object(
  {
    object: Type.Literal('balance'),
    billing_type: oneOf(['prepaid', 'postpaid'], 'postpaid: the key has no budget.'),
    available: Type.Unsafe({
      description: 'What is left; null: the key has no budget.',
      anyOf: [Type.Object({ amount: Type.Number(), currency: Type.Literal('usd') }), Type.Null()],
    }),
  },
  { title: 'Balance', description: 'What is left of the calling key’s budget.' },
)

const WebhookSchema = Type.Object(
  {
    type: oneOf(['image.completed', 'image.failed']),
    timestamp: instant('When the request ended.'),
    data: componentOf('Request'),
  },
  { title: 'Webhook', description: 'What is posted to webhook_url.' },
)

/** Answers about requests and money, and what webhooks are sent. */
export const requestSchemas: Readonly<Record<string, TSchema>> = {
  Request: RequestSchema,
  RequestRow: Type.Object(row, { title: 'Request of a list' }),
  RequestList: RequestListSchema,
  Routing: RoutingSchema,
  Decision: DecisionSchema,
  Candidate: CandidateSchema,
  Balance: BalanceSchema,
  Webhook: WebhookSchema,
}

const exampleRow = {
  id: 'req_0f8fad5bd9cb469fa16570867728950e',
  object: 'request',
  created_at: '2026-03-15T14:32:10.000Z',
  model: 'gemini-3.1-flash-image-preview',
  modality: 'image',
  endpoint: '/openai/v1/images/generations',
  status: 'completed',
  provider: 'vertex',
  attempts: [
    {
      provider: 'vertex',
      config_key: 'vertex/gemini-3.1-flash-image-preview',
      status: 'completed',
      duration_ms: 24011,
    },
  ],
  cost: 0.067,
  currency: 'usd',
  duration_ms: 24423,
  overhead_ms: 11.4,
  key_id: 'key_9f86d081884c',
  error_code: null,
  error_message: null,
  session_id: null,
  trace_id: null,
  user: null,
  usage: null,
  request_size_bytes: 210,
  response_size_bytes: 412,
}

/** For the document: a page with one request. */
export const exampleRequestList = {
  object: 'list',
  data: [exampleRow],
  next_page_url: null,
  previous_page_url: null,
}

/** For the document: a request that was taken on, not done yet. */
export const examplePendingRequest = {
  ...exampleRow,
  status: 'pending',
  provider: null,
  attempts: [],
  cost: 0,
  duration_ms: 0,
  overhead_ms: null,
  response_size_bytes: null,
  routing: { sort: 'balanced', decisions: [], excluded: [] },
}
