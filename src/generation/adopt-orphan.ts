import type { ResolvedModel } from '#src/catalog/catalog.ts'
import type { ByteAccount } from '#src/domain/byte-account.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { RequestRecord } from '#src/domain/request-record.ts'
import type { RunOrder } from '#src/domain/run-store.ts'
import { adoptJobs } from './adopt-jobs.ts'
import { createDecisionTrace, type DecisionTrace } from './decision-trace.ts'
import { failureError } from './failure-error.ts'
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

/** Models may be taken out while their jobs run: why those failed is to be told all the same. */
const findModel = (
  catalog: GenerationDependencies['catalog'],
  modelId: string,
): ResolvedModel | undefined => {
  try {
    return catalog.resolve(modelId)
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'MODEL_NOT_FOUND') return undefined
    throw error
  }
}

/** What ended it when no job brought an image. */
const noImage = ({ catalog }: GenerationDependencies, order: RunOrder, trace: DecisionTrace) => {
  const { attempts } = trace
  if (attempts.length === 0) return nothingLeft()
  const resolved = findModel(catalog, order.modelId)
  const ending = { isDeadlinePassed: false, isTimeTooShort: false, areAllLimited: false }
  return failureError({ resolved, attempts, ...ending })
}

const traceOf = (
  { clock }: GenerationDependencies,
  { requestId, createdAtMs, nonce, modelId }: RunOrder,
  routing: RequestRecord['routing'] | undefined,
): DecisionTrace => {
  const fresh = createDecisionTrace(requestId, clock)
  return {
    ...fresh,
    isTakenOver: true,
    createdAtMs,
    nonce,
    startMs: fresh.startMs - Math.max(0, clock.now() - createdAtMs),
    modelId,
    decisions: [...(routing?.decisions ?? [])],
    excluded: routing?.excluded ?? [],
  }
}

/** The request as far as it is known. */
const requestOf = (
  order: RunOrder,
  routing: RequestRecord['routing'] | undefined,
): ImageRequest => {
  const { requestId: id, keyId, endpoint, mode, user, sessionId, traceId, sizeBytes } = order
  return {
    id,
    endpoint,
    ...(keyId !== undefined && { keyId }),
    mode,
    requestedModel: order.modelId,
    parameters: user === undefined ? {} : { user },
    images: [],
    ...(sessionId !== undefined && { sessionId }),
    ...(traceId !== undefined && { traceId }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    routing: routing ? { sort: routing.sort } : {},
    isStrict: false,
    warnings: [],
    timeoutMs: order.deadlineAtMs - order.createdAtMs,
    signal: new AbortController().signal,
  }
}

/** What is known besides the order of a request whose process has died. */
export interface OrphanContext {
  /** What the process had logged of its choices; absent: it is not known. */
  readonly routing?: RequestRecord['routing'] | undefined
  /** Counts what it holds in memory; absent: nobody does. */
  readonly memory?: ByteAccount | undefined
}

/**
 * Brings the request of a process that has died to its end, as far as jobs at providers still bring images: without its
 * prompt nothing new can be asked for.
 */
export const adoptOrphan = async (
  deps: GenerationDependencies,
  order: RunOrder,
  { jobs, onJobLost }: RunContext,
  { routing, memory }: OrphanContext = {},
): Promise<KeptAnswer> => {
  const { clock, events, budgets, tracer } = deps
  const { wanted, mode, count, traceparent } = order
  const trace = traceOf(deps, order, routing)
  const request = requestOf(order, routing)
  // Not more than it had in all: the clock of one of both gateways may be wrong.
  const leftMs = Math.min(order.deadlineAtMs - clock.now(), order.deadlineAtMs - order.createdAtMs)
  // A job that has ended since is worth a look even when the request's time is over.
  const deadlineMs = clock.monotonicMs() + Math.max(LEAST_LOOK_MS, leftMs)
  const gone = request.signal
  const counted = memory ? { memory } : {}
  const adoption = { deps, trace, wanted, deadlineMs, gone, onJobLost, ...counted }
  const serve = async () => {
    const adopted = await adoptJobs(adoption, jobs)
    const images = adopted.images.slice(0, count)
    if (images.length === 0) throw noImage(deps, order, trace)
    return createImageAnswer(images, { mode, count, wanted, warnings: [] }, trace, clock.now())
  }
  const continues = traceparent === undefined ? undefined : { traceparent }
  const observed = { request, trace, events, clock, budgets, tracer, continues }
  return observeRequest(observed, serve).then(keepAnswerOrFault, keepError)
}
