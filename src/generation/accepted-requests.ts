import type { BusyCount } from '#src/domain/busy-count.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { RequestLog } from '#src/domain/request-record.ts'
import type { KeptJob, Orphan, RunOrder, RunStore } from '#src/domain/run-store.ts'
import { adoptOrphan } from './adopt-orphan.ts'
import type { DecisionTrace } from './decision-trace.ts'
import { generateImages } from './generate-images.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import { keepAnswerOrFault, keepError } from './kept-answer.ts'
import { observeRequest } from './observe-request.ts'
import type { RequestPlan } from './plan-request.ts'
import { recordPending } from './record-requests.ts'
import { acceptedRunId } from './run-id.ts'
import { runContext } from './run-once.ts'

/** How long the result of a request that was answered at once is kept, in ms (contract: an hour). */
export const RESULT_KEPT_MS = 3_600_000

export interface AcceptedRequestsDependencies {
  readonly generation: GenerationDependencies
  readonly runs: RunStore
  readonly requestLog: RequestLog
  /**
   * Tells whoever asked for it how a request ended. Resolves to true once it is told, or given up; to false when this
   * process stopped before, so that another has to do it. Never rejects.
   */
  readonly notify: (order: RunOrder, answer: KeptAnswer) => Promise<boolean>
  /** Counts the work that no connection waits for. */
  readonly detached: BusyCount
}

/** Where the result of a request is to go. */
export type ResultWishes = Pick<RunOrder, 'webhookUrl' | 'baseUrl'>

/** Requests that are answered at once and done later. */
export interface AcceptedRequests {
  /** Resolves once the request is known to be sound and has been taken on. Rejects with what is wrong with it. */
  accept(request: ImageRequest, trace: DecisionTrace, wishes: ResultWishes): Promise<void>
  /** Brings requests to their end that were taken on by a process which has died. */
  adoptOrphans(): Promise<void>
}

const orderOf = (
  request: ImageRequest,
  { resolved, wanted, count }: RequestPlan,
  { webhookUrl, baseUrl }: ResultWishes,
  { createdAtMs }: DecisionTrace,
): RunOrder => {
  const { sessionId, traceId, sizeBytes } = request
  const { user } = request.parameters
  return {
    requestId: request.id,
    ...(request.keyId !== undefined && { keyId: request.keyId }),
    endpoint: request.endpoint,
    mode: request.mode,
    modelId: resolved.model.card.id,
    wanted,
    count,
    createdAtMs,
    deadlineAtMs: createdAtMs + request.timeoutMs,
    ...(webhookUrl !== undefined && { webhookUrl }),
    baseUrl,
    ...(typeof user === 'string' && { user }),
    ...(sessionId !== undefined && { sessionId }),
    ...(traceId !== undefined && { traceId }),
    ...(sizeBytes !== undefined && { sizeBytes }),
  }
}

const idIsTaken = (id: string): Error =>
  new GatewayError('INVALID_REQUEST', `A request with the id "${id}" was taken on before.`, {
    status: 409,
    param: 'x-request-id',
    isRetryable: false,
  })

export const createAcceptedRequests = (deps: AcceptedRequestsDependencies): AcceptedRequests => {
  const { generation, runs, requestLog, detached } = deps
  const { clock, events } = generation

  const end = async (runId: string, order: RunOrder, answer: KeptAnswer): Promise<void> => {
    await runs.finish(runId, answer, RESULT_KEPT_MS)
    await settle(runId, order, answer)
  }
  const settle = async (runId: string, order: RunOrder, answer: KeptAnswer): Promise<void> => {
    const isDone = order.webhookUrl === undefined || (await deps.notify(order, answer))
    if (isDone) await runs.settle(runId)
  }
  const detach = (work: Promise<void>): void => {
    const leave = detached.enter()
    work.finally(leave)
  }

  const accept: AcceptedRequests['accept'] = async (request, trace, wishes) => {
    const runId = acceptedRunId(request.keyId, request.id)
    const accepted = Promise.withResolvers<void>()
    let order: RunOrder | undefined
    // Of a process that died before anybody took the run over: known once it is claimed.
    const jobs: KeptJob[] = []
    const onPlanned = async (plan: RequestPlan): Promise<void> => {
      const planned = orderOf(request, plan, wishes, trace)
      const { id: requestId } = request
      const claimed = await runs.claim({ runId, fingerprint: runId, requestId, order: planned })
      if (claimed.kind !== 'mine') throw idIsTaken(requestId)
      jobs.push(...claimed.jobs)
      order = planned
      requestLog.add(recordPending({ request, trace }))
      accepted.resolve()
    }
    const { onJob, onJobLost } = runContext(runs, runId)
    const hooks = { onPlanned, onJob, onJobLost, jobs }
    const serve = () => generateImages(generation, request, trace, hooks)
    const work = observeRequest({ request, trace, events, clock }, serve).then(
      keepAnswerOrFault,
      (error: unknown) => {
        accepted.reject(error)
        return keepError(error)
      },
    )
    detach(work.then((answer) => (order ? end(runId, order, answer) : undefined)))
    await accepted.promise
  }

  const adopt = async (orphan: Orphan): Promise<void> => {
    const { runId, order, jobs } = orphan
    if (orphan.answer) return settle(runId, order, orphan.answer)
    const context = runContext(runs, runId, jobs)
    await end(runId, order, await adoptOrphan(generation, order, context))
  }

  return {
    accept,
    adoptOrphans: async () => {
      for (const orphan of await runs.adoptOrphans()) detach(adopt(orphan))
    },
  }
}
