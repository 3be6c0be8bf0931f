import type { Clock } from '#src/domain/clock.ts'
import { failureStatusOf, GATEWAY_ERRORS, GatewayError } from '#src/domain/errors.ts'
import type { ImageRequest, Warning } from '#src/domain/image-request.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import {
  NO_TRACER,
  type Span,
  type SpanFacts,
  type TraceHeaders,
  type Tracer,
  traced,
} from '#src/domain/tracer.ts'
import { type Budgets, settleCost } from './budgets.ts'
import { type DecisionTrace, overheadMsOf } from './decision-trace.ts'
import type { GenerationEvents, RequestOutcome } from './events.ts'

interface Observed {
  readonly request: ImageRequest
  readonly trace: DecisionTrace
  readonly events: GenerationEvents
  readonly clock: Clock
  /** Told what the request cost; absent: no key has a budget. */
  readonly budgets?: Budgets | undefined
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer | undefined
  /** The trace that it belongs to when it came to another process; absent: that of the caller. */
  readonly continues?: TraceHeaders | undefined
}

const outcomeOfError = (
  error: unknown,
  request: ImageRequest,
): Pick<RequestOutcome, 'status' | 'errorCode' | 'errorMessage'> => {
  if (request.signal.aborted) return { status: 'cancelled' }
  const errorCode = error instanceof GatewayError ? error.code : 'INTERNAL_ERROR'
  return {
    status: failureStatusOf(errorCode),
    errorCode,
    ...(error instanceof GatewayError && { errorMessage: error.message }),
  }
}

/** What a client did wrong, or leaving, is no failure of the gateway. Tokens are with the attempts, to be summed. */
const factsOfOutcome = ({ status, trace, cost, images, errorCode }: RequestOutcome) => {
  const facts: SpanFacts = {
    outcome: status,
    ...(trace.modelId !== undefined && { modelId: trace.modelId }),
    images,
    costUsd: usdFromMicroUsd(cost),
  }
  if (errorCode === undefined) return facts
  return { ...facts, errorType: errorCode, isFailure: GATEWAY_ERRORS[errorCode].status >= 500 }
}

/** How a request ended, without what is the same of all. */
type RequestEnd = Omit<RequestOutcome, 'request' | 'trace' | 'durationMs' | 'overheadMs' | 'cost'>

/** What an answer tells of how its request went. */
interface ObservedResult {
  readonly images: readonly unknown[]
  readonly usage?: ProviderUsage
  readonly warnings?: readonly Warning[]
}

const observe = async <T extends ObservedResult>(
  { request, trace, events, clock, budgets }: Observed,
  work: () => Promise<T>,
  span: Span,
): Promise<T> => {
  const costNow = () => trace.attempts.reduce((sum, attempt) => sum + attempt.cost, 0)
  const tell = (part: RequestEnd): void => {
    const durationMs = Math.round(clock.monotonicMs() - trace.startMs)
    const overheadMs = overheadMsOf(trace, clock)
    const outcome = {
      request,
      trace,
      durationMs,
      ...(overheadMs !== undefined && { overheadMs: Math.round(overheadMs * 10) / 10 }),
      cost: costNow(),
      ...part,
    }
    events.emit('request', outcome)
    span.note(factsOfOutcome(outcome))
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

/** Runs the work of one request, and tells how it ended and books its cost, once, however it ends. */
export const observeRequest = <T extends ObservedResult>(
  observed: Observed,
  work: () => Promise<T>,
): Promise<T> => {
  const { tracer = NO_TRACER, continues, request } = observed
  const activity = { requestId: request.id, mode: request.mode, ...(continues && { continues }) }
  return traced(
    tracer,
    { type: 'generation', ...activity },
    (span) => observe(observed, work, span),
    // What it ended in has been told as its outcome.
    () => ({}),
  )
}
