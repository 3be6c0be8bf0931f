import type { Clock } from '#src/domain/clock.ts'
import { GATEWAY_ERRORS, GatewayError } from '#src/domain/errors.ts'
import type { ImageRequest, Warning } from '#src/domain/image-request.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import { type Budgets, settleCost } from './budgets.ts'
import type { DecisionTrace } from './decision-trace.ts'
import type { GenerationEvents, RequestOutcome } from './events.ts'

interface Observed {
  readonly request: ImageRequest
  readonly trace: DecisionTrace
  readonly events: GenerationEvents
  readonly clock: Clock
  /** Told what the request cost; absent: no key has a budget. */
  readonly budgets?: Budgets | undefined
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

/** Runs the work of one request, and tells how it ended and books its cost, once, however it ends. */
export const observeRequest = async <
  T extends {
    readonly images: readonly unknown[]
    readonly usage?: ProviderUsage
    readonly warnings?: readonly Warning[]
  },
>(
  { request, trace, events, clock, budgets }: Observed,
  work: () => Promise<T>,
): Promise<T> => {
  const costNow = () => trace.attempts.reduce((sum, attempt) => sum + attempt.cost, 0)
  const tell = (part: Omit<RequestOutcome, 'request' | 'trace' | 'durationMs' | 'cost'>): void => {
    const durationMs = Math.round(clock.monotonicMs() - trace.startMs)
    events.emit('request', { request, trace, durationMs, cost: costNow(), ...part })
  }
  try {
    const result = await work()
    tell({
      status: request.signal.aborted ? 'cancelled' : 'completed',
      images: result.images.length,
      ...(result.usage && { usage: result.usage }),
      ...(result.warnings && { warnings: result.warnings }),
    })
    return result
  } catch (error) {
    const isLogged = !(error instanceof GatewayError && error.options.isLogged === false)
    if (isLogged) tell({ ...outcomeOfError(error, request), images: 0 })
    throw error
  } finally {
    // Waited for, as a process that ends after its answer must not have spent nothing: for 200 ms at most.
    await settleCost(budgets, { request, trace }, costNow())
  }
}
