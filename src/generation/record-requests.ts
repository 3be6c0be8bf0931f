import type { FailureKind } from '#src/domain/errors.ts'
import { SORTS } from '#src/domain/image-request.ts'
import type { AttemptRecord, RequestLog, RequestRecord } from '#src/domain/request-record.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import { decisiveAttempt } from './decision-trace.ts'
import type { GenerationEvents, RequestOutcome } from './events.ts'

const errorCodeOf = ({ failure, fault }: Attempt): Pick<AttemptRecord, 'errorCode'> => {
  if (fault) return { errorCode: fault.code }
  if (failure) return { errorCode: failure.kind.toUpperCase() as Uppercase<FailureKind> }
  return {}
}

/** An attempt as clients see it. */
export const recordAttempt = (attempt: Attempt): AttemptRecord => ({
  provider: attempt.provider,
  configKey: attempt.configKey,
  status: attempt.status,
  ...errorCodeOf(attempt),
  durationMs: attempt.durationMs,
})

type Arrival = Pick<RequestOutcome, 'request' | 'trace'>

/** What a record holds from the beginning on. */
const recordArrival = ({ request, trace }: Arrival) => {
  const { keyId, sessionId, traceId, sizeBytes } = request
  const { user } = request.parameters
  return {
    id: request.id,
    createdAtMs: trace.createdAtMs,
    nonce: trace.nonce,
    endpoint: request.endpoint,
    mode: request.mode,
    model: trace.modelId ?? request.requestedModel,
    ...(typeof user === 'string' && { user }),
    ...(keyId !== undefined && { keyId }),
    ...(sessionId !== undefined && { sessionId }),
    ...(traceId !== undefined && { traceId }),
    ...(sizeBytes !== undefined && { requestSizeBytes: sizeBytes }),
    routing: {
      sort: request.routing.sort ?? SORTS[0],
      decisions: trace.decisions,
      excluded: trace.excluded,
    },
  }
}

/** A request that was taken on and is not done yet, as the log keeps it. Pure. */
export const recordPending = (arrival: Arrival): RequestRecord => ({
  ...recordArrival(arrival),
  status: 'pending',
  attempts: [],
  cost: 0,
  durationMs: 0,
})

/** A request that has ended, as the log keeps it. Pure. */
export const recordOf = (outcome: RequestOutcome): RequestRecord => {
  const { trace, status, durationMs, overheadMs, cost, errorCode, errorMessage, usage } = outcome
  const provider = decisiveAttempt(trace)?.provider
  return {
    ...recordArrival(outcome),
    status,
    attempts: trace.attempts.map(recordAttempt),
    cost,
    durationMs,
    ...(overheadMs !== undefined && { overheadMs }),
    ...(provider !== undefined && { provider }),
    ...(errorCode && { errorCode }),
    ...(errorMessage !== undefined && { errorMessage }),
    ...(usage && { usage }),
  }
}

/** Puts every request that ends into the log. */
export const recordRequests = (events: GenerationEvents, log: RequestLog): void => {
  events.on('request', (outcome) => log.add(recordOf(outcome)))
}
