import {
  mayHideWork,
  networkError,
  providerError,
  type Verdict,
} from '#providers/lib/provider-failure.ts'
import { readRetryAfterMs, secondsToMs } from '#providers/lib/retry-after.ts'
import type { ProviderError } from '#src/domain/errors.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'

/** The parts of Google's error body that decide. */
interface GoogleErrorBody {
  /** Canonical code such as `RESOURCE_EXHAUSTED`; absent: none, or none that is known. */
  readonly code?: string
  readonly message: string
  readonly details: readonly JsonObject[]
}

/** Google's canonical codes (google.rpc.Code), as the `status` field carries them. */
const CANONICAL_CODES: ReadonlySet<string> = new Set([
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
])

/** What an error answer of the Gemini API or Vertex AI means. Both use Google's one error format. */
export const classifyGoogleError = (
  failure: UpstreamFailure,
  providerName: string,
): ProviderError => {
  if (failure.status === undefined) return networkError(providerName, failure)
  const body = readErrorBody(failure.body)
  const verdict = verdictOf(failure.status, body, failure)
  const code = body.code === undefined ? {} : { code: body.code }
  return providerError(providerName, { ...code, ...verdict }, failure)
}

/** Some routes wrap the error in a list of one. */
const readErrorBody = (body: unknown): GoogleErrorBody => {
  const outer = Array.isArray(body) ? body[0] : body
  const error = isJsonObject(outer) ? outer.error : undefined
  if (!isJsonObject(error)) return { message: '', details: [] }
  const { status, message, details } = error
  return {
    ...(typeof status === 'string' && CANONICAL_CODES.has(status) && { code: status }),
    message: typeof message === 'string' ? message : '',
    details: Array.isArray(details) ? details.filter(isJsonObject) : [],
  }
}

const verdictOf = (status: number, body: GoogleErrorBody, failure: UpstreamFailure): Verdict => {
  const nothing = { workMayExist: false }
  switch (status) {
    case 400:
      return badRequestVerdict(body)
    case 401:
    case 403:
      if (body.details.some(({ reason }) => reason === 'BILLING_DISABLED')) {
        return { ...nothing, kind: 'quota', reason: 'says that billing is off for this project' }
      }
      return { ...nothing, kind: 'auth', reason: 'does not accept the configured credentials' }
    case 402:
      return { ...nothing, kind: 'quota', reason: 'says that the account has no credit left' }
    case 404:
      return { ...nothing, kind: 'bad_response', reason: 'does not have this model (any more)' }
    case 413:
      return { ...nothing, kind: 'bad_request' }
    case 429:
      return quotaVerdict(body, failure)
    case 408:
    case 504:
      // The time went by at their side, so a generation may have been under way.
      return { kind: 'timeout', workMayExist: true, reason: 'did not finish in time' }
    default:
      return status >= 500
        ? { kind: 'overloaded', workMayExist: mayHideWork(failure), ...retryAfter(body, failure) }
        : { ...nothing, kind: 'bad_response' }
  }
}

/** A 400 is about the key or the region more often than its status says. */
const badRequestVerdict = (body: GoogleErrorBody): Verdict => {
  const isKey =
    body.details.some((detail) => detail.reason === 'API_KEY_INVALID') ||
    /API key (not valid|expired)/i.test(body.message)
  if (isKey) {
    return { kind: 'auth', workMayExist: false, reason: 'does not accept the configured API key' }
  }
  if (body.code === 'FAILED_PRECONDITION') {
    return {
      kind: 'auth',
      workMayExist: false,
      reason: 'does not serve this account from this location or without billing',
    }
  }
  return { kind: 'bad_request', workMayExist: false, param: wrongField(body) }
}

/** The field that Google names, in the details or else in one of the three usual wordings. */
const wrongField = (body: GoogleErrorBody): string | undefined => {
  for (const detail of body.details) {
    const violations = Array.isArray(detail.fieldViolations) ? detail.fieldViolations : []
    const named = violations.filter(isJsonObject).find(({ field }) => typeof field === 'string')
    if (typeof named?.field === 'string') return named.field
  }
  const match =
    /Unknown name "([^"]+)"/.exec(body.message) ??
    /Invalid value at '([^']+)'/.exec(body.message) ??
    /\bGenerateContentRequest\.([\w.[\]]+\w)/.exec(body.message)
  return match?.[1]
}

/** A day's or a free tier's quota is not worth waiting for; all others refill by the minute. */
const quotaVerdict = (body: GoogleErrorBody, failure: UpstreamFailure): Verdict => {
  const isLasting = body.details
    .flatMap(({ violations }) => (Array.isArray(violations) ? violations : []))
    .filter(isJsonObject)
    .some(({ quotaId }) => typeof quotaId === 'string' && /PerDay|FreeTier/.test(quotaId))
  if (isLasting) {
    return { kind: 'quota', workMayExist: false, reason: 'says that the quota is used up' }
  }
  return { kind: 'rate_limited', workMayExist: false, ...retryAfter(body, failure) }
}

/** `RetryInfo.retryDelay` of the body, else the header. */
const retryAfter = (
  body: GoogleErrorBody,
  failure: UpstreamFailure,
): { retryAfterMs: number | undefined } => {
  const delays = body.details.map(({ retryDelay }) => secondsToMs(retryDelay))
  const fromBody = delays.find((delay) => delay !== undefined)
  return { retryAfterMs: fromBody ?? readRetryAfterMs(failure.headers) }
}
