import {
  mayHideWork,
  networkError,
  providerError,
  type Verdict,
  withWorkMayExist,
} from '#providers/lib/provider-failure.ts'
import { readRetryAfterMs } from '#providers/lib/retry-after.ts'
import type { FailureKind, ProviderError } from '#src/domain/errors.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'

/** Name for people. */
export const FAL_NAME = 'fal.ai'

interface TypeRule {
  readonly kind: FailureKind
  /** Whether a job that ended so may be billed: a 422 after inference may, a 5xx never is (fal faq and errors docs). */
  readonly mayBeBilled: boolean
  /** The field to name where fal gives none; absent: none. */
  readonly param?: string
}

const refused = { mayBeBilled: true }
const free = { mayBeBilled: false }
const imageFault: TypeRule = { kind: 'bad_request', ...free, param: 'image' }
const platformFault: TypeRule = { kind: 'overloaded', ...free }

/**
 * fal's error types: those of models (`detail[].type`) and of the platform (`error_type`), from
 * fal.ai/docs/documentation/model-apis/errors and …/request-errors, read 2026-11.
 */
const TYPE_RULES: Readonly<Record<string, TypeRule>> = {
  content_policy_violation: { kind: 'content_rejected', ...refused },
  no_media_generated: { kind: 'empty_result', ...refused },
  missing: { kind: 'bad_request', ...free },
  value_error: { kind: 'bad_request', ...free },
  one_of: { kind: 'bad_request', ...free },
  feature_not_supported: { kind: 'bad_request', ...free },
  image_too_small: imageFault,
  image_too_large: imageFault,
  image_load_error: imageFault,
  file_download_error: imageFault,
  file_too_large: imageFault,
  unsupported_image_format: imageFault,
  face_detection_error: imageFault,
  internal_server_error: platformFault,
  generation_timeout: { kind: 'timeout', ...free },
  downstream_service_error: platformFault,
  downstream_service_unavailable: platformFault,
  request_timeout: platformFault,
  startup_timeout: platformFault,
  runner_scheduling_failure: platformFault,
  runner_connection_timeout: platformFault,
  runner_connection_refused: platformFault,
  runner_connection_error: platformFault,
  runner_disconnected: platformFault,
  runner_incomplete_response: platformFault,
  runner_server_error: platformFault,
  internal_error: platformFault,
  bad_request: { kind: 'bad_request', ...free },
  concurrent_requests_limit: { kind: 'rate_limited', ...free },
  // Somebody else cancelled the job: the account's owner, or fal.
  client_cancelled: { kind: 'bad_response', ...refused },
  client_disconnected: { kind: 'bad_response', ...refused },
}

const ruleOf = (type: string | undefined): TypeRule | undefined =>
  type !== undefined && Object.hasOwn(TYPE_RULES, type) ? TYPE_RULES[type] : undefined

/** What an error answer of fal means: the type that it names, else its status. */
export const classifyError = (failure: UpstreamFailure): ProviderError => {
  if (failure.status === undefined) return networkError(FAL_NAME, failure)
  const providerRequestId = failure.headers['x-fal-request-id']
  return providerError(
    FAL_NAME,
    { ...verdictOf(failure, failure.status), providerRequestId },
    failure,
  )
}

/** An error answer of submit: fal enqueues nothing that it answers with an error of its own. */
export const classifyAtSubmit = (failure: UpstreamFailure): ProviderError => {
  const error = classifyError(failure)
  const isAnswer = failure.status !== undefined && !mayHideWork(failure)
  return isAnswer ? withWorkMayExist(error, false) : error
}

/** What is known of a job that ended without a result. */
export interface FailedJob {
  readonly requestId: string
  /** `error_type` of the job's status; absent: it named none. */
  readonly errorType?: string
}

/** The failure of a job that fal had accepted. `failure` is the answer of its result URL; absent: it gave none. */
export const classifyFailedJob = (job: FailedJob, failure?: UpstreamFailure): ProviderError => {
  const named = failure === undefined ? undefined : typeOf(failure)
  const type = named ?? job.errorType
  const rule = ruleOf(type)
  const verdict: Verdict =
    rule === undefined ? unnamedVerdict(failure) : typedVerdict(type ?? '', rule, failure)
  const reason = failure === undefined ? { reason: 'accepted the job, which then failed' } : {}
  return providerError(
    FAL_NAME,
    { ...verdict, ...reason, providerRequestId: job.requestId },
    failure,
  )
}

const unnamedVerdict = (failure: UpstreamFailure | undefined): Verdict =>
  failure?.status === undefined
    ? { kind: 'overloaded', workMayExist: true }
    : verdictOf(failure, failure.status)

const verdictOf = (failure: UpstreamFailure, status: number): Verdict => {
  const type = typeOf(failure)
  const rule = ruleOf(type)
  // A 403 tells a locked account by its text only.
  if (type !== undefined && rule !== undefined && status !== 403) {
    return typedVerdict(type, rule, failure)
  }
  return statusVerdict(failure, status)
}

const typedVerdict = (
  type: string,
  rule: TypeRule,
  failure: UpstreamFailure | undefined,
): Verdict => ({
  kind: rule.kind,
  workMayExist: rule.mayBeBilled,
  code: type,
  param: rule.kind === 'bad_request' ? (rule.param ?? wrongField(failure?.body)) : undefined,
  retryAfterMs: rule.kind === 'rate_limited' ? readRetryAfterMs(failure?.headers ?? {}) : undefined,
})

const statusVerdict = (failure: UpstreamFailure, status: number): Verdict => {
  switch (status) {
    case 400:
    case 413:
    case 422:
      return { kind: 'bad_request', workMayExist: false, param: wrongField(failure.body) }
    case 401:
      return { kind: 'auth', workMayExist: false, reason: 'does not accept the configured key' }
    case 402:
      return emptyAccount
    case 403:
      return isLocked(failure.body)
        ? emptyAccount
        : { kind: 'auth', workMayExist: false, reason: 'does not allow this key to do that' }
    case 404:
      return {
        kind: 'bad_response',
        workMayExist: false,
        reason: 'does not know this model or job',
      }
    case 429:
      return {
        kind: 'rate_limited',
        workMayExist: false,
        retryAfterMs: readRetryAfterMs(failure.headers),
      }
    default:
      return status >= 500
        ? { kind: 'overloaded', workMayExist: mayHideWork(failure) }
        : { kind: 'bad_response', workMayExist: false }
  }
}

const emptyAccount: Verdict = {
  kind: 'quota',
  workMayExist: false,
  reason: 'says that the account is locked or has no balance left',
}

/** "User is locked. Reason: Exhausted balance. …", as several projects have recorded it (read 2026-11). */
const isLocked = (body: unknown): boolean => {
  const detail = isJsonObject(body) ? body.detail : undefined
  return typeof detail === 'string' && /locked|exhausted balance/i.test(detail)
}

/** The type that the answer names, in the body or else in the header; the first of several. */
const typeOf = (failure: UpstreamFailure): string | undefined => {
  const body = isJsonObject(failure.body) ? failure.body : {}
  const named = firstDetail(body)?.type ?? body.error_type ?? failure.headers['x-fal-error-type']
  return typeof named === 'string' ? named : undefined
}

const firstDetail = (body: JsonObject): JsonObject | undefined =>
  Array.isArray(body.detail) ? body.detail.find(isJsonObject) : undefined

/** The innermost name of `loc`, such as `aspect_ratio` of `["body", "aspect_ratio"]`. */
const wrongField = (body: unknown): string | undefined => {
  const loc = isJsonObject(body) ? firstDetail(body)?.loc : undefined
  const names = (Array.isArray(loc) ? loc : []).filter((part) => typeof part === 'string')
  const last = names.at(-1)
  return last === 'body' ? undefined : last
}

/** Statuses that say something of the way to a result, whatever their body; 5xx does too while nothing has failed. */
const ON_THE_WAY: ReadonlySet<number> = new Set([401, 403, 404, 408, 429])

/** Whether an answer of the result URL is how the job ended, and no fault on the way to a result that is there. */
export const isJobOutcome = (failure: UpstreamFailure, job: { hasFailed: boolean }): boolean => {
  const { status, body } = failure
  if (status === undefined || ON_THE_WAY.has(status) || isStillRunning(failure)) return false
  return isJsonObject(body) && 'detail' in body && (job.hasFailed || status < 500)
}

/** An answer seen by one implementer right after COMPLETED: 400 "Request is still in progress". */
export const isStillRunning = (failure: UpstreamFailure | undefined): boolean =>
  failure?.status === 400 && /still in progress/i.test(JSON.stringify(failure.body ?? ''))

/** A job that is done by its status and not by its result URL: a matter of waiting. */
export const unfinishedJob = (requestId: string): ProviderError =>
  providerError(FAL_NAME, {
    kind: 'overloaded',
    workMayExist: true,
    reason: 'has not stored the result yet',
    providerRequestId: requestId,
  })
