import type { CommonErrors } from '#test/emulators/answer-fault.ts'
import { boundOf, type FieldProblem, type FieldProblemKind } from '#test/emulators/field-rules.ts'
import type { ReplicateErrorCode } from '#test/emulators/scenario.ts'
import { jsonReply, type WireReply } from '#test/emulators/wire.ts'

const problemReply = (
  status: number,
  detail: string,
  more: Readonly<Record<string, unknown>> = {},
): WireReply =>
  jsonReply(status, { ...more, detail, status }, { 'content-type': 'application/problem+json' })

/** The exact text of the 401 is unconfirmed. */
export const replicateUnauthorized = (): WireReply =>
  problemReply(401, 'You did not pass a valid authentication token', { title: 'Unauthenticated' })

export const replicateNoCredit = (): WireReply =>
  problemReply(
    402,
    'You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to ' +
      'purchase credit. Once you purchase credit, please wait a few minutes before trying again.',
    { title: 'Insufficient credit' },
  )

export const replicateNotFound = (): WireReply =>
  problemReply(404, 'The requested resource could not be found.')

/** The hint stands in the body; a header is not guaranteed (nodetool-ai/nodetool issue 5196). */
export const replicateThrottled = (retryAfterSeconds?: number): WireReply => {
  const detail = 'Request was throttled. Your rate limit for creating predictions is reached.'
  return retryAfterSeconds === undefined
    ? problemReply(429, detail)
    : problemReply(429, `${detail} Your rate limit resets in ~${Math.ceil(retryAfterSeconds)}s.`, {
        retry_after: retryAfterSeconds,
      })
}

/** The bodies of the 5xx answers are on record nowhere. */
export const replicateErrors: CommonErrors = {
  rateLimited: () => replicateThrottled(),
  serverError: () => problemReply(500, 'Internal server error'),
  unavailable: () => problemReply(503, 'Service unavailable'),
  gatewayTimeout: () => problemReply(504, 'Gateway timeout'),
}

/** One wrong input field, as Replicate lists it. */
export interface InvalidField {
  readonly type: string
  readonly field: string
  readonly description: string
}

export const invalidInput = (fields: readonly InvalidField[]): WireReply =>
  problemReply(
    422,
    fields.map(({ field, description }) => `- ${field}: ${description}\n`).join(''),
    { title: 'Input validation failed', invalid_fields: fields },
  )

/** Type and text of a value beyond its bound, `#`, as Go's JSON Schema library has them. */
const BOUND_PROBLEMS: Readonly<Partial<Record<FieldProblemKind, readonly [string, string]>>> = {
  too_small: ['number_gte', 'Must be greater than or equal to #'],
  too_large: ['number_lte', 'Must be less than or equal to #'],
  not_above: ['number_gt', 'Must be greater than #'],
  too_short: ['string_gte', 'String length must be greater than or equal to #'],
  too_long: ['string_lte', 'String length must be less than or equal to #'],
  too_many: ['array_max_items', 'Array must have at most # items'],
}

/** Words a problem of the schema. */
export const describeInvalidField = (problem: FieldProblem): InvalidField => {
  const { field, kind, rule } = problem
  const name = `input.${field}`
  const [type, text] = BOUND_PROBLEMS[kind] ?? []
  if (type !== undefined && text !== undefined) {
    return { type, field: name, description: text.replace('#', String(boundOf(problem))) }
  }
  switch (kind) {
    case 'missing':
      return { type: 'required', field: 'input', description: `${field} is required` }
    case 'unknown':
      return {
        type: 'additional_property_not_allowed',
        field: 'input',
        description: `Additional property ${field} is not allowed`,
      }
    case 'not_one_of': {
      const values = rule?.type === 'one_of' ? rule.values : []
      const listed = values.map((value) => `"${value}"`).join(', ')
      return {
        type: 'enum',
        field: name,
        description: `${name} must be one of the following: ${listed}`,
      }
    }
    default:
      return {
        type: 'invalid_type',
        field: name,
        description: `Invalid type. Expected: ${rule?.type}`,
      }
  }
}

type FailureText = Exclude<ReplicateErrorCode, 'canceled' | 'aborted'>

/**
 * What stands in `error` of a failed prediction. E003, E004, E005 and PA as recorded by several projects; the others
 * by their meaning in https://replicate.com/docs/reference/error-codes.
 */
const FAILURE_TEXTS: Readonly<Record<FailureText, string>> = {
  E001: 'The provider of this model refused for lack of credit. (E001)',
  E002: 'The provider of this model refused the key. (E002)',
  E003: 'Service is currently unavailable due to high demand. Please try again later. (E003)',
  E004: 'Service is temporarily unavailable. Please try again later. (E004)',
  E005: 'The input or output was flagged as sensitive. Please try again with different inputs. (E005)',
  PA: 'Prediction interrupted; please retry (code: PA)',
  E1000: 'Prediction failed: unknown error (code: E1000)',
  E1001: 'Prediction failed: out of memory (code: E1001)',
  E4875: 'Webhook URL is empty (code: E4875)',
  E6716: 'Prediction failed to start in time (code: E6716)',
  E8367: 'Prediction was stopped (code: E8367)',
  E8765: 'Director: unexpected error handling prediction (code: E8765)',
  E9243: 'Director: unexpected error handling prediction (code: E9243)',
  E9825: 'Director: unexpected error handling prediction (code: E9825)',
  E9828: 'Director: unexpected error handling prediction (code: E9828)',
}

/** `reference` is the short random suffix that the model wrapper adds to its own codes. */
export const failureText = (code: FailureText, reference: string): string =>
  /^E00\d$/.test(code) ? `${FAILURE_TEXTS[code]} (${reference})` : FAILURE_TEXTS[code]
