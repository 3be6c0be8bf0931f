import { GatewayError } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { RunOrder } from '#src/domain/run-store.ts'
import { adoptJobs } from './adopt-jobs.ts'
import { createDecisionTrace } from './decision-trace.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import { createImageAnswer } from './image-answer.ts'
import { keepAnswerOrFault, keepError } from './kept-answer.ts'
import { observeRequest } from './observe-request.ts'
import type { RunContext } from './run-once.ts'

/** Time in real ms that taking over a job is given at least. */
const LEAST_LOOK_MS = 30_000

const nothingLeft = (): GatewayError =>
  new GatewayError(
    'INTERNAL_ERROR',
    'The gateway that worked on this request has ended, and no job of it at a provider could be taken over.',
  )

/**
 * Brings the request of a process that has died to its end, as far as jobs at providers still bring images: without its
 * prompt nothing new can be asked for.
 */
export const adoptOrphan = async (
  deps: GenerationDependencies,
  order: RunOrder,
  { jobs, onJobLost }: RunContext,
): Promise<KeptAnswer> => {
  const { clock, events } = deps
  const ageMs = Math.max(0, clock.now() - order.createdAtMs)
  const fresh = createDecisionTrace(order.requestId, clock)
  const trace = {
    ...fresh,
    createdAtMs: order.createdAtMs,
    startMs: fresh.startMs - ageMs,
    modelId: order.modelId,
  }
  const { wanted, mode, count, sessionId, traceId, sizeBytes } = order
  const request = {
    id: order.requestId,
    endpoint: order.endpoint,
    ...(order.keyId !== undefined && { keyId: order.keyId }),
    mode,
    requestedModel: order.modelId,
    parameters: order.user === undefined ? {} : { user: order.user },
    images: [],
    ...(sessionId !== undefined && { sessionId }),
    ...(traceId !== undefined && { traceId }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    routing: {},
    isStrict: false,
    warnings: [],
    timeoutMs: order.deadlineAtMs - order.createdAtMs,
    signal: new AbortController().signal,
  }
  // A job that has ended since is worth a look even when the request's time is over.
  const deadlineMs = clock.monotonicMs() + Math.max(LEAST_LOOK_MS, order.deadlineAtMs - clock.now())
  const gone = request.signal
  const serve = async () => {
    const adopted = await adoptJobs({ deps, trace, wanted, deadlineMs, gone, onJobLost }, jobs)
    const images = adopted.slice(0, count)
    if (images.length === 0) throw nothingLeft()
    return createImageAnswer(images, { mode, count, wanted, warnings: [] }, trace, clock.now())
  }
  return observeRequest({ request, trace, events, clock }, serve).then(keepAnswerOrFault, keepError)
}
