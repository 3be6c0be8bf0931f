import { type FailureKind, ProviderError } from '#src/domain/errors.ts'
import { isJsonObject } from '#src/domain/json.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'
import type { SingleShot } from './single-shot-fetch.ts'
import { UpstreamCallError } from './upstream-call-error.ts'

/** What classifying one answer found; the rest of a `ProviderError` follows from the failure. */
export interface Verdict {
  readonly kind: FailureKind
  readonly workMayExist: boolean
  /** The provider's own word for it, from a closed list; absent: it used none that we know. */
  readonly code?: string
  /** What to say instead of "answered with status …"; closed text. */
  readonly reason?: string
  /** Real milliseconds; absent: it said nothing. */
  readonly retryAfterMs?: number | undefined
  /** Provider's field name; absent or unsafe to show: left out. */
  readonly param?: string | undefined
  /** Absent: none was given. */
  readonly providerRequestId?: string | undefined
}

/** Field names that may be repeated to a client: anything else could be a piece of the prompt. */
const FIELD_NAME = /^[A-Za-z0-9_.[\]-]{1,64}$/

/** The name itself when it is fit to be shown, else `undefined`. */
const publicFieldName = (name: unknown): string | undefined =>
  typeof name === 'string' && FIELD_NAME.test(name) ? name : undefined

/** A verdict as the error that leaves the adapter. The message is put together from closed parts only. */
export const providerError = (
  providerName: string,
  verdict: Verdict,
  failure?: UpstreamFailure,
): ProviderError => {
  const param = publicFieldName(verdict.param)
  return new ProviderError({
    kind: verdict.kind,
    workMayExist: verdict.workMayExist,
    publicMessage: publicMessage(providerName, verdict, failure?.status, param),
    ...(verdict.retryAfterMs !== undefined && { retryAfterMs: verdict.retryAfterMs }),
    ...(failure?.status !== undefined && { upstreamStatus: failure.status }),
    ...(param !== undefined && { param }),
    ...(verdict.providerRequestId !== undefined && {
      providerRequestId: verdict.providerRequestId,
    }),
  })
}

const publicMessage = (
  providerName: string,
  verdict: Verdict,
  status: number | undefined,
  param: string | undefined,
): string => {
  const answered = status === undefined ? 'gave no usable answer' : `answered with status ${status}`
  const code = verdict.code === undefined ? '' : ` (${verdict.code})`
  const field = param === undefined ? '' : `; field: ${param}`
  return `${providerName} ${verdict.reason ?? answered}${code}${field}`
}

/** Connection codes are upper-case words; anything else is not repeated. */
const NETWORK_CODE = /^[A-Z][A-Z0-9_]{1,40}$/

/** A failure without a complete answer. */
export const networkError = (providerName: string, failure: UpstreamFailure): ProviderError => {
  const { networkCode, requestLeft } = failure
  const timedOut = networkCode === 'TIMED_OUT'
  return providerError(providerName, {
    kind: timedOut ? 'timeout' : 'network',
    workMayExist: requestLeft,
    reason: networkReason(timedOut, requestLeft),
    ...(networkCode !== undefined && NETWORK_CODE.test(networkCode) && { code: networkCode }),
  })
}

const networkReason = (timedOut: boolean, requestLeft: boolean): string => {
  if (timedOut) return 'did not answer in time'
  return requestLeft ? 'lost the connection before its answer was complete' : 'could not be reached'
}

/** The attempt was given up by the caller. */
export const cancelledError = (providerName: string, workMayExist: boolean): ProviderError =>
  providerError(providerName, {
    kind: 'cancelled',
    workMayExist,
    reason: 'was told to stop, as the request was cancelled or its time was up',
  })

/**
 * Any error of an SDK call as a `ProviderError`: what the wire recorded counts, and an error that the wire knows
 * nothing of means an answer that could not be read.
 */
export const asProviderError = (
  providerName: string,
  error: unknown,
  classify: (failure: UpstreamFailure) => ProviderError,
  shot?: SingleShot,
): ProviderError => {
  if (error instanceof ProviderError) return error
  const recorded =
    shot?.failure() ?? (error instanceof UpstreamCallError ? error.failure : undefined)
  if (recorded !== undefined) return classify(recorded)
  return unreadableAnswer(providerName, shot?.requestLeft() ?? true)
}

/** A complete answer that does not follow the provider's protocol. */
export const unreadableAnswer = (providerName: string, workMayExist: boolean): ProviderError =>
  providerError(providerName, {
    kind: 'bad_response',
    workMayExist,
    reason: 'gave an answer that cannot be read',
  })

/** The same error, saying that work may exist: for a failure after the job had been accepted. */
export const withWorkMayExist = (
  error: ProviderError,
  workMayExist: boolean,
  providerRequestId?: string,
): ProviderError =>
  new ProviderError({
    ...error.details,
    workMayExist,
    ...(providerRequestId !== undefined && { providerRequestId }),
  })

/** The same error as one that came inside an answer of status 200. */
export const withoutUpstreamStatus = (
  { details }: ProviderError,
  workMayExist: boolean,
): ProviderError => {
  const { upstreamStatus, ...others } = details
  return new ProviderError({ ...others, workMayExist })
}

/**
 * Whether an error answer may hide work that goes on. A structured body comes from the provider's application,
 * which says that it failed; a bare 500, 502 or 504 comes from something in between that has lost sight of it.
 */
export const mayHideWork = (failure: UpstreamFailure): boolean =>
  failure.status !== undefined &&
  [500, 502, 504].includes(failure.status) &&
  !isJsonObject(failure.body) &&
  !Array.isArray(failure.body)
