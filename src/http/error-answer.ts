import type { FastifyError } from 'fastify'
import { GATEWAY_ERRORS, GatewayError } from '#src/domain/errors.ts'
import type { JsonObject } from '#src/domain/json.ts'

/** An error as it is sent. */
export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: JsonObject
}

/** What the framework's own refusals are called to the client, by its error code. */
const FRAMEWORK_MESSAGES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    'This content type is not read here: send application/json to generations, multipart/form-data to edits.',
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is larger than this endpoint takes.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty; a JSON object is expected.',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as its content-length says.',
  FST_INVALID_MULTIPART_CONTENT_TYPE: 'The body is not multipart/form-data with a boundary.',
  FST_PROTO_VIOLATION: 'The form has a field of a forbidden name.',
  FST_INVALID_JSON_FIELD_ERROR: 'A field of the form says that it is JSON, and is not.',
  FST_PREMATURE_CLOSE: 'The form ended before its last boundary.',
  FST_ERR_BAD_URL: 'The URL cannot be read.',
  FST_ERR_MAX_PARAM_LENGTH: 'The URL is too long.',
}

/** Statuses of the framework that say more than 400 does. */
const KEPT_STATUSES = [404, 405, 408, 413, 415]

const isFrameworkError = (error: unknown): error is FastifyError =>
  error instanceof Error && typeof (error as Partial<FastifyError>).statusCode === 'number'

/** Any thrown value as an error for the client. What is not known to be public becomes a plain 500. */
export const toGatewayError = (error: unknown): GatewayError => {
  if (error instanceof GatewayError) return error
  if (isFrameworkError(error) && error.statusCode !== undefined && error.statusCode < 500) {
    const message = FRAMEWORK_MESSAGES[error.code] ?? 'The request cannot be read.'
    const param = error.validation?.[0]?.instancePath.split('/')[1]
    return new GatewayError('INVALID_REQUEST', message, {
      status: KEPT_STATUSES.includes(error.statusCode) ? error.statusCode : 400,
      ...(param && { param }),
    })
  }
  return new GatewayError('INTERNAL_ERROR', 'Something went wrong inside the gateway.')
}

/**
 * Longest wait that OpenAI's clients obey, in milliseconds: beyond it they ignore `retry-after` and come back within
 * seconds, to be refused again (npm openai 7.55.0, src/client; openai-python 3.22.1 gives up beyond 120 s).
 */
const LONGEST_OBEYED_WAIT_MS = 60_000

/** Statuses of a request that never came whole: it began nothing, and may come whole the next time. */
const UNFINISHED_STATUSES = [408]

const canRetryMend = ({ options, code, status }: GatewayError): boolean => {
  if ((options.retryAfterMs ?? 0) > LONGEST_OBEYED_WAIT_MS) return false
  if (UNFINISHED_STATUSES.includes(status)) return true
  return options.isRetryable ?? GATEWAY_ERRORS[code].retryable
}

/** `retry-after` takes whole seconds; `retry-after-ms`, which OpenAI's clients read first, is exact. */
const retryHeaders = (error: GatewayError): Record<string, string> => {
  const isRetryable = canRetryMend(error)
  const waitMs = error.options.retryAfterMs ?? (isRetryable ? 1_000 : undefined)
  return {
    'x-should-retry': String(isRetryable),
    ...(waitMs !== undefined && {
      'retry-after': String(Math.ceil(waitMs / 1000)),
      'retry-after-ms': String(Math.ceil(waitMs)),
    }),
  }
}

/** The error object of the contract, with its status and headers. */
export const toErrorAnswer = (error: GatewayError): ErrorAnswer => ({
  status: error.status,
  headers: { ...retryHeaders(error), ...error.options.headers },
  body: {
    error: {
      message: error.message,
      type: GATEWAY_ERRORS[error.code].type,
      param: error.options.param ?? null,
      code: error.code,
    },
  },
})
