import {
  mayHideWork,
  networkError,
  providerError,
  type Verdict,
} from '#providers/lib/provider-failure.ts'
import { readRetryAfterMs, secondsToMs } from '#providers/lib/retry-after.ts'
import type { FailureKind, ProviderError } from '#src/domain/errors.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'

/** Name for people. */
export const REPLICATE_NAME = 'Replicate'

/** What an error answer of Replicate's HTTP API means. A prediction that failed later comes in a 200. */
export const classifyError = (failure: UpstreamFailure): ProviderError => {
  if (failure.status === undefined) return networkError(REPLICATE_NAME, failure)
  return providerError(REPLICATE_NAME, verdictOf(failure, failure.status), failure)
}

const verdictOf = (failure: UpstreamFailure, status: number): Verdict => {
  const nothing = { workMayExist: false }
  switch (status) {
    case 400:
    case 413:
      return { ...nothing, kind: 'bad_request' }
    case 401:
    case 403:
      return { ...nothing, kind: 'auth', reason: 'does not accept the configured token' }
    case 402:
      return { ...nothing, kind: 'quota', reason: 'says that the account has no credit left' }
    case 404:
      return { ...nothing, kind: 'bad_response', reason: 'does not know this model or prediction' }
    case 422:
      return invalidVerdict(failure.body)
    case 429:
      return { ...nothing, kind: 'rate_limited', retryAfterMs: retryAfterOf(failure) }
    default:
      return status >= 500
        ? { kind: 'overloaded', workMayExist: mayHideWork(failure) }
        : { ...nothing, kind: 'bad_response' }
  }
}

/** A 422 is about the model's version as well as about its input. */
const invalidVerdict = (body: unknown): Verdict => {
  const title = isJsonObject(body) ? body.title : undefined
  if (typeof title === 'string' && /version/i.test(title)) {
    const reason = 'does not have this version of the model or does not permit it'
    return { kind: 'bad_response', workMayExist: false, reason }
  }
  return { kind: 'bad_request', workMayExist: false, param: wrongField(body) }
}

/** From `invalid_fields`, else from the list in `detail`: "- input.aspect_ratio: …". */
const wrongField = (body: unknown): string | undefined => {
  if (!isJsonObject(body)) return undefined
  const fields = Array.isArray(body.invalid_fields) ? body.invalid_fields.filter(isJsonObject) : []
  const detail = typeof body.detail === 'string' ? body.detail : ''
  const named = fields[0]?.field ?? /^- (input\.[^:\s]+):/m.exec(detail)?.[1]
  return typeof named === 'string' ? named.replace(/^input\./, '') : undefined
}

/** The body says it in seconds, as a field or in its text; a header is not promised. */
const retryAfterOf = ({ body, headers }: UpstreamFailure): number | undefined => {
  const { retry_after: inField, detail } = isJsonObject(body) ? body : {}
  const inText = /\bresets in ~?(\d+(?:\.\d+)?)s\b/.exec(typeof detail === 'string' ? detail : '')
  return secondsToMs(inField) ?? readRetryAfterMs(headers) ?? secondsToMs(inText?.[1])
}

interface CodeRule {
  readonly kind: FailureKind
  /** Whether the prediction had begun when this code was given, so that it may be billed. */
  readonly hadBegun: boolean
}

/**
 * Codes in the error text of a failed prediction (replicate.com/docs/reference/error-codes, and for E001 to E005
 * public reports of official models; read 2026-11). E001 and E002 are Replicate's own credit and key at the model's
 * maker: nothing that the operator could mend.
 */
const CODE_RULES: Readonly<Record<string, CodeRule>> = {
  PA: { kind: 'overloaded', hadBegun: true },
  E001: { kind: 'overloaded', hadBegun: false },
  E002: { kind: 'overloaded', hadBegun: false },
  E003: { kind: 'overloaded', hadBegun: false },
  E004: { kind: 'overloaded', hadBegun: false },
  E005: { kind: 'content_rejected', hadBegun: true },
  E1001: { kind: 'overloaded', hadBegun: true },
  E6716: { kind: 'overloaded', hadBegun: false },
  E8765: { kind: 'overloaded', hadBegun: true },
  E9828: { kind: 'overloaded', hadBegun: true },
}

/** A code where one stands: "… (E005) (…)", "… (code: PA)" or "E1001: …". Any other capitals are the model's words. */
const ERROR_CODE = /\((?:code: ?)?(E\d{3,4}|PA)\)|^(E\d{3,4}|PA):/

/** Refusals of models that give no code. Only whole phrases: a filter that is out of order refuses nothing. */
const REFUSAL_WORDS =
  /\bflagged as sensitive\b|\bNSFW content (?:was )?detected\b|\bviolat\w+ (?:\w+ ){0,3}content polic|\b(?:rejected|blocked|refused) (?:by|as a result of) (?:\w+ )?safety (?:filter|system|checker)/i

/** What a prediction means that ended otherwise than `succeeded`. */
export const classifyEndedPrediction = (prediction: JsonObject): ProviderError => {
  const id = typeof prediction.id === 'string' ? { providerRequestId: prediction.id } : {}
  const verdict =
    prediction.status === 'failed' ? failedVerdict(prediction.error) : stoppedVerdict(prediction)
  return providerError(REPLICATE_NAME, { ...verdict, ...id })
}

const failedVerdict = (error: unknown): Verdict => {
  const text = typeof error === 'string' ? error : ''
  const found = ERROR_CODE.exec(text)
  const code = found?.[1] ?? found?.[2]
  const rule = code !== undefined && Object.hasOwn(CODE_RULES, code) ? CODE_RULES[code] : undefined
  const named = code === undefined ? {} : { code }
  const reason = 'accepted the prediction, which then failed'
  if (rule === undefined && REFUSAL_WORDS.test(text)) {
    return { ...named, kind: 'content_rejected', workMayExist: true, reason: refusal }
  }
  if (rule === undefined) return { ...named, kind: 'bad_response', workMayExist: true, reason }
  const { kind, hadBegun } = rule
  return {
    ...named,
    kind,
    workMayExist: hadBegun,
    reason: kind === 'content_rejected' ? refusal : reason,
  }
}

const refusal = 'refused by its content rules'

/** Ended by its deadline or by someone else: `aborted` before it began and free, `canceled` after. */
const stoppedVerdict = ({ status }: JsonObject): Verdict => ({
  kind: 'timeout',
  workMayExist: status !== 'aborted',
  reason: 'stopped the prediction before it was done',
})
