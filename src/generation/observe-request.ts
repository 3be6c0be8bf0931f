import type { Clock } from '#src/domain/clock.ts'
import { GATEWAY_ERRORS, GatewayError } from '#src/domain/errors.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import type { DecisionTrace } from './decision-trace.ts'
import type { GenerationEvents, RequestOutcome } from './events.ts'

interface Observed {
  readonly request: ImageRequest
  readonly trace: DecisionTrace
  readonly events: GenerationEvents
  readonly clock: Clock
}

const outcomeOfError = (
  error: unknown,
  request: ImageRequest,
): Pick<RequestOutcome, 'status' | 'errorCode' | 'errorMessage'> => {
  if (request.signal.aborted) return { status: 'cancelled' }
  const errorCode = error instanceof GatewayError ? error.code : 'INTERNAL_ERROR'
  const isOurs = GATEWAY_ERRORS[errorCode].type !== 'upstream_error'
  return {
    status: isOurs ? 'rejected' : 'upstream_failure',
    errorCode,
    ...(error instanceof GatewayError && { errorMessage: error.message }),
  }
}

/** Runs the work of one request and tells how it ended, once, however it ends. */
export const observeRequest = async <
  T extends { readonly images: readonly unknown[]; readonly usage?: ProviderUsage },
>(
  { request, trace, events, clock }: Observed,
  work: () => Promise<T>,
): Promise<T> => {
  const tell = (part: Omit<RequestOutcome, 'request' | 'trace' | 'durationMs' | 'cost'>): void => {
    const durationMs = Math.round(clock.monotonicMs() - trace.startMs)
    const cost = trace.attempts.reduce((sum, attempt) => sum + attempt.cost, 0)
    events.emit('request', { request, trace, durationMs, cost, ...part })
  }
  try {
    const result = await work()
    tell({
      status: request.signal.aborted ? 'cancelled' : 'completed',
      images: result.images.length,
      ...(result.usage && { usage: result.usage }),
    })
    return result
  } catch (error) {
    tell({ ...outcomeOfError(error, request), images: 0 })
    throw error
  }
}
