import type { Catalog } from '#src/catalog/catalog.ts'
import type { BusyCount } from '#src/domain/busy-count.ts'
import type { ByteAccount } from '#src/domain/byte-account.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { RequestLog, RequestRecord } from '#src/domain/request-record.ts'
import { boundUser } from '#src/domain/request-selection.ts'
import type { KeptJob, Orphan, RunOrder, RunStore } from '#src/domain/run-store.ts'
import type { TraceHeaders } from '#src/domain/tracer.ts'
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
  /** Counts what a request that was taken over holds in memory; absent: nobody counts. */
  readonly openMemory?: () => ByteAccount
}

/** Where the result of a request is to go, and what tells the request from another with its id. */
export interface AcceptanceTerms extends Pick<RunOrder, 'webhookUrl' | 'baseUrl'> {
  /** Hash of what is asked for. */
  readonly fingerprint: string
  /** The catalogue that the request was read by; absent: as it is now. */
  readonly catalog?: Catalog
  /** Told once nothing is being done for the request any more; absent: nobody asks. */
  readonly onDone?: () => void
  /** Whether it may have been taken on under this very id by a process that died before it could say so. */
  readonly isRepeated?: boolean
}

/** Requests that are answered at once and done later. */
export interface AcceptedRequests {
  /** Resolves once the request is known to be sound and has been taken on. Rejects with what is wrong with it. */
  accept(request: ImageRequest, trace: DecisionTrace, terms: AcceptanceTerms): Promise<void>
  /** Brings requests to their end that were taken on by a process which has died. */
  adoptOrphans(): Promise<void>
}

const orderOf = (
  request: ImageRequest,
  { resolved, wanted, count }: RequestPlan,
  { webhookUrl, baseUrl }: AcceptanceTerms,
  { createdAtMs, nonce }: DecisionTrace,
  { traceparent }: TraceHeaders,
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
    nonce,
    deadlineAtMs: createdAtMs + request.timeoutMs,
    ...(webhookUrl !== undefined && { webhookUrl }),
    baseUrl,
    ...(typeof user === 'string' && { user: boundUser(user) }),
    ...(sessionId !== undefined && { sessionId }),
    ...(traceId !== undefined && { traceId }),
    ...(traceparent !== undefined && { traceparent }),
    ...(sizeBytes !== undefined && { sizeBytes }),
  }
}

const idIsTaken = (id: string): Error =>
  new GatewayError('INVALID_REQUEST', `A request with the id "${id}" was taken on before.`, {
    status: 409,
    param: 'x-request-id',
    isRetryable: false,
    isLogged: false,
  })

/** The trace under the name that the log has given a request which is taken on again. */
const asLogged = async (
  log: RequestLog,
  { id, keyId }: ImageRequest,
  trace: DecisionTrace,
): Promise<DecisionTrace> => {
  const record = await log.find(id, keyId).catch(() => undefined)
  if (record?.status !== 'pending') return trace
  const { createdAtMs, nonce } = record
  return { ...trace, createdAtMs, nonce }
}

/** What the log has of the choices of a process that has died; `undefined`: nothing. */
const loggedRouting = async (
  log: RequestLog,
  { requestId, keyId, nonce }: RunOrder,
): Promise<RequestRecord['routing'] | undefined> => {
  const record = await log.find(requestId, keyId).catch(() => undefined)
  return record?.nonce === nonce ? record.routing : undefined
}

export const createAcceptedRequests = (deps: AcceptedRequestsDependencies): AcceptedRequests => {
  const { generation, runs, requestLog, detached } = deps
  const { clock, events, budgets, tracer } = generation

  const end = async (runId: string, order: RunOrder, answer: KeptAnswer): Promise<void> => {
    await runs.finish(runId, answer, RESULT_KEPT_MS)
    await settle(runId, order, answer)
  }
  const settle = async (runId: string, order: RunOrder, answer: KeptAnswer): Promise<void> => {
    const isDone = order.webhookUrl === undefined || (await deps.notify(order, answer))
    if (isDone) await runs.settle(runId)
  }
  const detach = (requestId: string, work: Promise<void>): void => {
    const leave = detached.enter(requestId)
    work.finally(leave)
  }

  const accept: AcceptedRequests['accept'] = async (request, begun, terms) => {
    const trace = terms.isRepeated ? await asLogged(requestLog, request, begun) : begun
    const runId = acceptedRunId(request.keyId, request.id)
    const accepted = Promise.withResolvers<void>()
    let order: RunOrder | undefined
    // Of a process that died before anybody took the run over: known once it is claimed.
    const jobs: KeptJob[] = []
    const onPlanned = async (plan: RequestPlan): Promise<void> => {
      const planned = orderOf(request, plan, terms, trace, tracer?.headers() ?? {})
      const { id: requestId } = request
      const claimed = await runs.claim({
        runId,
        fingerprint: terms.fingerprint,
        requestId,
        order: planned,
      })
      const isTakenOn = claimed.kind === 'running' || claimed.kind === 'done'
      // Then this is the very request, and nothing is left to be done here.
      if (isTakenOn && terms.isRepeated) accepted.resolve()
      if (claimed.kind !== 'mine') throw idIsTaken(requestId)
      jobs.push(...claimed.jobs)
      order = planned
      requestLog.add(recordPending({ request, trace }))
      accepted.resolve()
    }
    const { onJob, onJobLost } = runContext(runs, runId)
    const hooks = { onPlanned, onJob, onJobLost, jobs }
    const { catalog = generation.catalog } = terms
    const serve = () => generateImages({ ...generation, catalog }, request, trace, hooks)
    const work = observeRequest({ request, trace, events, clock, budgets, tracer }, serve).then(
      keepAnswerOrFault,
      (error: unknown) => {
        accepted.reject(error)
        return keepError(error)
      },
    )
    detach(
      request.id,
      work.then((answer) => {
        terms.onDone?.()
        return order ? end(runId, order, answer) : undefined
      }),
    )
    await accepted.promise
  }

  const adopt = async (orphan: Orphan): Promise<void> => {
    const { runId, order, jobs } = orphan
    if (orphan.answer) return settle(runId, order, orphan.answer)
    const context = runContext(runs, runId, { jobs })
    const routing = await loggedRouting(requestLog, order)
    const memory = deps.openMemory?.()
    const adopted = adoptOrphan(generation, order, context, { routing, memory })
    await end(runId, order, await adopted.finally(() => memory?.close()))
  }

  return {
    accept,
    adoptOrphans: async () => {
      for (const orphan of await runs.adoptOrphans()) {
        detach(orphan.order.requestId, adopt(orphan))
      }
    },
  }
}
