import type { CommonErrors } from '#test/emulators/answer-fault.ts'
import { jsonReply, type WireReply } from '#test/emulators/wire.ts'

/** Names that Google uses in `error.status`, with their HTTP codes. */
const HTTP_STATUS = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const
export type GoogleStatus = keyof typeof HTTP_STATUS

/** `{"error": {code, message, status, details}}`. */
export const googleError = (
  status: GoogleStatus,
  message: string,
  details: readonly unknown[] = [],
  headers: Readonly<Record<string, string>> = {},
): WireReply => {
  const code = HTTP_STATUS[status]
  const error = { code, message, status, ...(details.length > 0 ? { details } : {}) }
  return jsonReply(
    code,
    { error },
    { 'content-type': 'application/json; charset=UTF-8', ...headers },
  )
}

/** A request that the JSON parser or the model refuses; `field` in snake case as Google prints it. */
export const invalidArgument = (message: string, field?: string): WireReply =>
  googleError(
    'INVALID_ARGUMENT',
    message,
    field === undefined
      ? []
      : [
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field, description: message }],
          },
        ],
  )

const errorInfo = (reason: string, service: string) => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason,
  domain: 'googleapis.com',
  metadata: { service },
})

/** 400, not 401: so recorded from the Gemini API in October 2026. */
export const badKey = (service: string): WireReply => {
  const message = 'API key not valid. Please pass a valid API key.'
  return googleError('INVALID_ARGUMENT', message, [
    errorInfo('API_KEY_INVALID', service),
    { '@type': 'type.googleapis.com/google.rpc.LocalizedMessage', locale: 'en-US', message },
  ])
}

export const missingKey = (): WireReply =>
  googleError(
    'PERMISSION_DENIED',
    "Method doesn't allow unregistered callers (callers without established identity). " +
      'Please use API Key or other form of API consumer identity to call this API.',
  )

/** The text of Vertex's 401 was found in no source; its status and code were. */
export const badBearer = (): WireReply =>
  googleError('UNAUTHENTICATED', 'Request had invalid authentication credentials.', [
    errorInfo('ACCESS_TOKEN_TYPE_UNSUPPORTED', 'aiplatform.googleapis.com'),
  ])

const HELP = {
  '@type': 'type.googleapis.com/google.rpc.Help',
  links: [
    {
      description: 'Learn more about Gemini API quotas',
      url: 'https://ai.google.dev/gemini-api/docs/rate-limits',
    },
  ],
}

const quotaFailure = (quotaId: string, model: string) => ({
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: [
    {
      quotaMetric: 'generativelanguage.googleapis.com/generate_content_paid_tier_requests',
      quotaId,
      quotaDimensions: { location: 'global', model },
      quotaValue: '20',
    },
  ],
})

const QUOTA_MESSAGE =
  'You exceeded your current quota, please check your plan and billing details. For more information on this ' +
  'error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.'

/** Minute quota of the Gemini API: says how long to wait. */
export const minuteQuotaSpent = (model: string, retryAfterSeconds: number): WireReply => {
  const retryDelay = `${retryAfterSeconds}s`
  return googleError('RESOURCE_EXHAUSTED', `${QUOTA_MESSAGE} Please retry in ${retryDelay}.`, [
    quotaFailure('GenerateRequestsPerMinutePerProjectPerModel', model),
    HELP,
    { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay },
  ])
}

/** Day quota of the Gemini API: not worth waiting for. */
export const dayQuotaSpent = (model: string): WireReply =>
  googleError('RESOURCE_EXHAUSTED', QUOTA_MESSAGE, [
    quotaFailure('GenerateRequestsPerDayPerProjectPerModel', model),
    HELP,
  ])

/** Vertex without billing. Text from general knowledge of Google Cloud, confirmed by no source. */
export const billingDisabled = (project: string): WireReply =>
  googleError(
    'PERMISSION_DENIED',
    'This API method requires billing to be enabled. Please enable billing on project ' +
      `#${project} and then retry.`,
    [errorInfo('BILLING_DISABLED', 'aiplatform.googleapis.com')],
  )

const shared = {
  serverError: () =>
    googleError(
      'INTERNAL',
      'An internal error has occurred. Please retry or report in ' +
        'https://developers.generativeai.google/guide/troubleshooting',
    ),
  unavailable: () => googleError('UNAVAILABLE', 'The model is overloaded. Please try again later.'),
  gatewayTimeout: () =>
    googleError('DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'),
}

export const geminiErrors: CommonErrors = {
  ...shared,
  rateLimited: () =>
    googleError('RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).'),
}

/** Vertex shares its capacity dynamically and names no time to wait. */
const VERTEX_EXHAUSTED =
  'Resource exhausted. Please try again later. Please refer to ' +
  'https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.'

export const vertexErrors: CommonErrors = {
  ...shared,
  rateLimited: () => googleError('RESOURCE_EXHAUSTED', VERTEX_EXHAUSTED),
}

/** The same with a Retry-After header: not seen at Vertex, but a proxy in front of it may add one. */
export const vertexRateLimitedWithHint = (retryAfterSeconds: number): WireReply =>
  googleError('RESOURCE_EXHAUSTED', VERTEX_EXHAUSTED, [], {
    'retry-after': String(retryAfterSeconds),
  })
