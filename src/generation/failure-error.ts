import type { ResolvedModel } from '#src/catalog/catalog.ts'
import { canonicalName } from '#src/catalog/parameter-mapping.ts'
import { GatewayError, type GatewayErrorOptions, type ProviderError } from '#src/domain/errors.ts'
import type { Attempt } from '#src/routing/attempt.ts'

/** What an attempt list says when no image came. */
export interface FailureContext {
  /** `undefined`: the model is gone since. */
  readonly resolved: ResolvedModel | undefined
  /** In the order in which they ended; none completed. */
  readonly attempts: readonly Attempt[]
  /** Whether the request's deadline has passed. */
  readonly isDeadlinePassed: boolean
  /** Whether time is left, but nobody who could still be asked would have finished in it. */
  readonly isTimeTooShort: boolean
  /** Real milliseconds until the first of the rate-limited candidates may be asked again; absent: none is. */
  readonly retryAfterMs?: number
  /** Whether nobody was asked, as all are rate limited. */
  readonly areAllLimited: boolean
}

const describeAttempt = ({ configKey, failure }: Attempt): string =>
  `${configKey} (${failure?.kind ?? 'unknown'}: ${failure?.details.publicMessage ?? 'no answer'})`

const contentRejected = (attempt: Attempt, failure: ProviderError): GatewayError =>
  new GatewayError(
    'CONTENT_POLICY_VIOLATION',
    `The request was refused by the content rules of ${attempt.provider}: ${failure.details.publicMessage}`,
  )

const badRequest = (
  { resolved }: FailureContext,
  attempt: Attempt,
  failure: ProviderError,
): GatewayError => {
  const model = resolved?.model
  const offering = model?.offerings.find(({ configKey }) => configKey === attempt.configKey)
  const { param, publicMessage } = failure.details
  const name = model && offering && param && canonicalName(model.mappingOf(offering), param)
  return new GatewayError('INVALID_REQUEST', `${attempt.provider}: ${publicMessage}`, {
    ...(name && { param: name }),
  })
}

/** Kinds after which the same provider may well serve the same request, if it had not begun it. */
const PASSING_KINDS = ['overloaded', 'network', 'rate_limited']

const isPassing = ({ failure }: Attempt): boolean =>
  failure !== undefined && PASSING_KINDS.includes(failure.kind) && !failure.details.workMayExist

const forcedProviderFailed = (
  forcedProvider: string,
  attempts: readonly Attempt[],
): GatewayError => {
  const upstreamStatus = attempts.at(-1)?.failure?.details.upstreamStatus ?? 502
  const options: GatewayErrorOptions = {
    status: upstreamStatus >= 500 ? upstreamStatus : 502,
    isRetryable: attempts.length > 0 && attempts.every(isPassing),
  }
  return new GatewayError(
    'UPSTREAM_ERROR',
    `Provider ${forcedProvider} failed: ${attempts.map(describeAttempt).join('; ')}.`,
    options,
  )
}

/** What a client is told to wait when no provider named a time. */
const DEFAULT_RETRY_AFTER_MS = 2_000

const rateLimited = ({
  attempts,
  retryAfterMs = DEFAULT_RETRY_AFTER_MS,
}: FailureContext): GatewayError => {
  return new GatewayError(
    'RATE_LIMITED',
    `Every provider is rate limited: ${attempts.map(describeAttempt).join('; ')}.`,
    {
      retryAfterMs,
    },
  )
}

const coolingDown = ({
  resolved,
  retryAfterMs = DEFAULT_RETRY_AFTER_MS,
}: FailureContext): GatewayError =>
  new GatewayError(
    'RATE_LIMITED',
    `Every candidate${resolved ? ` of ${resolved.model.card.id}` : ''} is cooling down.`,
    {
      retryAfterMs,
    },
  )

/** Time ended the request: all of it, or what is left is too little. */
const timedOut = ({ attempts, isDeadlinePassed }: FailureContext): GatewayError => {
  const tried = attempts.map(describeAttempt).join('; ') || 'nothing'
  const why = isDeadlinePassed
    ? "The request's deadline passed."
    : "No provider is likely to finish in the time that is left until the request's deadline."
  return new GatewayError('TIMEOUT', `${why} Tried: ${tried}.`)
}

const exhausted = ({ attempts, isTimeTooShort }: FailureContext): GatewayError => {
  const who = isTimeTooShort ? 'Every provider that was likely to finish in time' : 'Every provider'
  return new GatewayError(
    'ALL_PROVIDERS_EXHAUSTED',
    `${who} failed: ${attempts.map(describeAttempt).join('; ')}.`,
  )
}

const isTimeout = ({ failure }: Attempt): boolean => failure?.kind === 'timeout'

/** The error that the client sees when no attempt brought an image. */
export const failureError = (context: FailureContext): GatewayError => {
  const { attempts, resolved } = context
  if (context.areAllLimited) return coolingDown(context)
  for (const attempt of attempts) {
    if (attempt.failure?.kind === 'content_rejected')
      return contentRejected(attempt, attempt.failure)
    if (attempt.failure?.kind === 'bad_request')
      return badRequest(context, attempt, attempt.failure)
  }
  if (attempts.length > 0 && attempts.every(({ failure }) => failure?.kind === 'rate_limited')) {
    return rateLimited(context)
  }
  // Where time is left, it is to blame only if it cut an attempt short.
  const isShort = context.isTimeTooShort && (attempts.length === 0 || attempts.some(isTimeout))
  if (context.isDeadlinePassed || isShort) return timedOut(context)
  if (resolved?.forcedProvider !== undefined) {
    return forcedProviderFailed(resolved.forcedProvider, attempts)
  }
  return exhausted(context)
}
