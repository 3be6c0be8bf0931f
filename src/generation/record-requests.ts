import type { Clock } from '#src/domain/clock.ts'
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

/** A request that has ended, as the log keeps it. Pure. */
export const recordOf = (
  { request, trace, status, durationMs, cost, errorCode, errorMessage }: RequestOutcome,
  nowMs: number,
): RequestRecord => {
  const provider = decisiveAttempt(trace)?.provider
  const { user } = request.parameters
  return {
    id: request.id,
    createdAtMs: nowMs - durationMs,
    endpoint: request.endpoint,
    mode: request.mode,
    model: trace.modelId ?? request.requestedModel,
    status,
    attempts: trace.attempts.map(recordAttempt),
    cost,
    durationMs,
    ...(provider !== undefined && { provider }),
    ...(errorCode && { errorCode }),
    ...(errorMessage !== undefined && { errorMessage }),
    ...(typeof user === 'string' && { user }),
    ...(request.keyId !== undefined && { keyId: request.keyId }),
    routing: {
      sort: request.routing.sort ?? SORTS[0],
      decisions: trace.decisions,
      excluded: trace.excluded,
    },
  }
}

/** Puts every request that ends into the log. */
export const recordRequests = (events: GenerationEvents, log: RequestLog, clock: Clock): void => {
  events.on('request', (outcome) => log.add(recordOf(outcome, clock.now())))
}
