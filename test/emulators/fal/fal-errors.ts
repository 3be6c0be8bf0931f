import type { CommonErrors } from '#test/emulators/answer-fault.ts'
import type { FalErrorCode } from '#test/emulators/scenario.ts'
import { jsonReply, type WireReply } from '#test/emulators/wire.ts'

/** Platform errors with their status (https://fal.ai/docs/documentation/model-apis/request-errors.md). */
const PLATFORM_STATUS: Readonly<Partial<Record<FalErrorCode, number>>> = {
  request_timeout: 504,
  startup_timeout: 504,
  runner_scheduling_failure: 503,
  runner_connection_timeout: 503,
  runner_connection_refused: 503,
  runner_connection_error: 503,
  runner_disconnected: 503,
  runner_incomplete_response: 502,
  runner_server_error: 500,
  internal_error: 500,
  bad_request: 400,
  client_disconnected: 499,
  client_cancelled: 499,
}

/**
 * Model errors that are not 422 (https://fal.ai/docs/documentation/model-apis/errors.md). The status of the two
 * downstream ones is not printed there; that of a bad gateway is assumed.
 */
const MODEL_STATUS: Readonly<Partial<Record<FalErrorCode, number>>> = {
  internal_server_error: 500,
  generation_timeout: 504,
  downstream_service_error: 502,
  downstream_service_unavailable: 503,
}

const MESSAGES: Readonly<Partial<Record<FalErrorCode, string>>> = {
  content_policy_violation:
    'The content could not be processed because it contained material flagged by a content checker.',
  no_media_generated: 'No media was generated. Please try again with a different prompt.',
  image_load_error: 'Failed to load the image. Please make sure that it is a valid image file.',
  file_download_error: 'Failed to download the file. Please make sure that the URL is accessible.',
  internal_server_error: 'Internal server error',
  generation_timeout: 'The generation took too long and was stopped.',
  request_timeout: 'Request timed out',
  client_cancelled: 'Request was cancelled',
}

/** One entry of `detail`, as fal's model errors have it. */
export interface FalErrorDetail {
  readonly loc: readonly (string | number)[]
  readonly msg: string
  readonly type: string
  readonly ctx?: object
  readonly input?: unknown
}

/** How a finished job failed: what its status says, and what its result URL answers. */
export interface FalFailure {
  readonly type: string
  readonly message: string
  readonly reply: WireReply
}

const isRetryable = (status: number): boolean => status >= 500

const errorHeaders = (type: string, status: number): Record<string, string> => ({
  'x-fal-error-type': type,
  'x-fal-retryable': String(isRetryable(status)),
})

/** A model's own error: a list in `detail`. */
export const modelFailure = (details: readonly FalErrorDetail[], status = 422): FalFailure => {
  const type = details[0]?.type ?? 'value_error'
  const detail = details.map((each) => ({
    ...each,
    url: `https://docs.fal.ai/errors/#${each.type}`,
  }))
  return {
    type,
    message: details.map((each) => each.msg).join('; '),
    reply: jsonReply(status, { detail }, errorHeaders(type, status)),
  }
}

/** An error of the platform around the model: `detail` is a text. */
export const platformFailure = (
  type: FalErrorCode,
  headers: Readonly<Record<string, string>> = {},
): FalFailure => {
  const status = PLATFORM_STATUS[type] ?? 500
  const message = MESSAGES[type] ?? `The request failed: ${type.replaceAll('_', ' ')}.`
  const body = { detail: message, error_type: type }
  return {
    type,
    message,
    reply: jsonReply(status, body, { ...errorHeaders(type, status), ...headers }),
  }
}

/** The failure that a code of either kind stands for. */
export const failureOfCode = (code: FalErrorCode, input: unknown): FalFailure => {
  if (PLATFORM_STATUS[code] !== undefined) return platformFailure(code)
  const msg = MESSAGES[code] ?? `The request could not be served: ${code.replaceAll('_', ' ')}.`
  return modelFailure(
    [{ loc: ['body', 'prompt'], msg, type: code, input }],
    MODEL_STATUS[code] ?? 422,
  )
}

const detailReply = (
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): WireReply => jsonReply(status, { detail }, headers)

/** The text of the 401 is on record nowhere. */
export const falUnauthorized = (): WireReply =>
  detailReply(401, 'Cannot access application. Authentication is required to access it.')

/** Verbatim from several projects' recordings; comes before the job is queued. */
export const falBalanceGone = (): WireReply =>
  detailReply(
    403,
    'User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.',
  )

export const falNotFound = (): WireReply => jsonReply(404, { status: 'NOT_FOUND' })

export const falUnknownApplication = (name: string): WireReply =>
  detailReply(404, `Application '${name}' not found`)

export const falTooEarly = (): WireReply => detailReply(400, 'Request is still in progress')

const CONCURRENCY = {
  detail: 'Too many concurrent requests.',
  error_type: 'concurrent_requests_limit',
}

export const falRateLimited = (headers: Readonly<Record<string, string>> = {}): WireReply =>
  jsonReply(429, CONCURRENCY, {
    'x-fal-error-type': CONCURRENCY.error_type,
    'x-fal-retryable': 'true',
    'x-fal-needs-retry': '1',
    ...headers,
  })

export const falErrors: CommonErrors = {
  rateLimited: () => falRateLimited(),
  serverError: () => platformFailure('internal_error').reply,
  unavailable: () => platformFailure('runner_scheduling_failure').reply,
  gatewayTimeout: () => platformFailure('startup_timeout').reply,
}
