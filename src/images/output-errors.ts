import { type FailureKind, GatewayError, ProviderError } from '#src/domain/errors.ts'
import { type FetchFailureReason, ImageFetchError } from './image-fetch-error.ts'

/** A provider's image that is no use. The work was done and may be billed. `what` ends the sentence. */
export const badImage = (what: string): ProviderError =>
  new ProviderError({
    kind: 'bad_response',
    workMayExist: true,
    publicMessage: `The provider's image ${what}`,
  })

/** A stored image could not be read back. Not retryable: it was paid for. */
export const cannotCheck = (): GatewayError =>
  new GatewayError(
    'INTERNAL_ERROR',
    'The gateway cannot check the image: what it has just stored cannot be read back',
  )

/** The client left, or the request's time was up, while images were prepared. */
export const cancelled = (): ProviderError =>
  new ProviderError({
    kind: 'cancelled',
    workMayExist: true,
    publicMessage: 'The request was cancelled while its images were prepared',
  })

const KINDS: Readonly<Record<FetchFailureReason, FailureKind>> = {
  forbidden: 'bad_response',
  status: 'bad_response',
  too_large: 'bad_response',
  timeout: 'timeout',
  network: 'network',
  cancelled: 'cancelled',
}

const fromFetchError = ({ failure, message }: ImageFetchError): ProviderError =>
  new ProviderError({
    kind: KINDS[failure.reason],
    workMayExist: true,
    publicMessage: message,
    ...(failure.status === undefined ? {} : { upstreamStatus: failure.status }),
  })

/** What a failed preparation means to routing and client; errors of the gateway itself stay as they are. */
export const toOutputError = (error: unknown, signal: AbortSignal): unknown => {
  if (signal.aborted) return cancelled()
  return error instanceof ImageFetchError ? fromFetchError(error) : error
}
