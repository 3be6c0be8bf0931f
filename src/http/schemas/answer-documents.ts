import type { TSchema } from 'typebox'
import { GATEWAY_ERRORS, type GatewayErrorCode } from '#src/domain/errors.ts'
import { Type } from '#src/domain/schema-type.ts'
import { componentOf, oneOf, orNull, text } from './schema-parts.ts'

/** One answer of an operation, in the form that Fastify and @fastify/swagger read. */
export interface AnswerDocument {
  readonly description: string
  readonly headers?: Readonly<Record<string, TSchema>>
  readonly content?: Readonly<Record<string, ContentDocument>>
  /** `null`: it has no body. */
  readonly type?: 'null'
}

interface ContentDocument {
  readonly schema: TSchema
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}

const codes = Object.keys(GATEWAY_ERRORS) as GatewayErrorCode[]

/** What every failure is answered with. */
export const ErrorSchema = Type.Object(
  {
    error: Type.Object({
      message: text('What was wrong, and what is allowed.'),
      type: oneOf([...new Set(codes.map((code) => GATEWAY_ERRORS[code].type))]),
      param: orNull(text('The field that is wrong; null: none in particular.')),
      code: oneOf(codes),
    }),
  },
  { title: 'Error', description: 'What every failure is answered with.' },
)

/** What an error of each code says, for example. */
const MESSAGES: Readonly<Record<GatewayErrorCode, string>> = {
  AUTHENTICATION_FAILED: 'The API key is not known here.',
  INSUFFICIENT_BALANCE: 'The request needs $0.067, of $0.012 that is left.',
  INVALID_REQUEST: 'n must be at most 10.',
  CONTENT_POLICY_VIOLATION: 'Gemini API refused the request by its content rules.',
  MODEL_NOT_FOUND: 'There is no model "nano-banana".',
  MODEL_DISABLED: 'No configured provider offers this model.',
  NOT_FOUND: 'There is no request "req_1".',
  RATE_LIMITED: 'Every provider asks to be left alone for a while.',
  UPSTREAM_ERROR: 'fal.ai failed: it answered 503.',
  ALL_PROVIDERS_EXHAUSTED: 'Every provider failed: Gemini API (timeout), fal.ai (overloaded).',
  TIMEOUT: 'The request’s time was up.',
  OVERLOADED: 'The gateway is shutting down or not ready yet.',
  INTERNAL_ERROR: 'Something went wrong inside the gateway.',
}

/** Statuses of INVALID_REQUEST where HTTP has one that says more. */
const TELLING_STATUSES: Readonly<Record<number, string>> = {
  409: 'A request with this Idempotency-Key and another body is under way.',
  413: 'The body is larger than this endpoint takes.',
  415: 'The content type is not one that is read here.',
  416: 'The image has no such bytes.',
}

const codesOf = (status: number): readonly GatewayErrorCode[] =>
  status in TELLING_STATUSES
    ? ['INVALID_REQUEST']
    : codes.filter((code) => GATEWAY_ERRORS[code].status === status)

const RETRY_HEADERS = {
  'x-should-retry': Type.Boolean({ description: 'Whether the same request may succeed later.' }),
}

const WAIT_HEADERS = {
  'retry-after': Type.Integer({ minimum: 0, description: 'Seconds to wait.' }),
  'retry-after-ms': Type.Integer({ minimum: 0, description: 'The same in milliseconds.' }),
}

const describesWait = (status: number): boolean => status === 429 || status === 503

const exampleOf = (code: GatewayErrorCode, status: number) => ({
  value: {
    error: {
      message: TELLING_STATUSES[status] ?? MESSAGES[code],
      type: GATEWAY_ERRORS[code].type,
      param: code === 'INVALID_REQUEST' && status === 400 ? 'n' : null,
      code,
    },
  },
})

const errorDocument = (status: number): AnswerDocument => {
  const possible = codesOf(status)
  return {
    description: TELLING_STATUSES[status] ?? possible.join(', '),
    headers: { ...RETRY_HEADERS, ...(describesWait(status) && WAIT_HEADERS) },
    content: {
      'application/json': {
        schema: componentOf('Error'),
        examples: Object.fromEntries(possible.map((code) => [code, exampleOf(code, status)])),
      },
    },
  }
}

/** Answers with these statuses, each with the codes that stand behind it. */
export const errorAnswers = (
  ...statuses: readonly number[]
): Readonly<Record<number, AnswerDocument>> =>
  Object.fromEntries(statuses.map((status) => [status, errorDocument(status)]))

/** Any other failure: a forced provider's own status is passed on. */
export const otherErrors: AnswerDocument = {
  description: 'UPSTREAM_ERROR: the status of a provider that was asked for by name.',
  headers: RETRY_HEADERS,
  content: { 'application/json': { schema: componentOf('Error') } },
}

/** An answer whose body is a component, as JSON. */
export const jsonAnswer = (
  description: string,
  schema: TSchema,
  examples: Readonly<Record<string, unknown>> = {},
): AnswerDocument => ({
  description,
  content: {
    'application/json': {
      schema,
      ...(Object.keys(examples).length > 0 && {
        examples: Object.fromEntries(
          Object.entries(examples).map(([name, value]) => [name, { value }]),
        ),
      }),
    },
  },
})

/** An answer that is text of this type. */
export const textAnswer = (description: string, contentType: string): AnswerDocument => ({
  description,
  content: { [contentType]: { schema: Type.String() } },
})
