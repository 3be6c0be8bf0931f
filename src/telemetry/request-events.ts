import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { FAILURE_RULES } from '#src/domain/errors.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import type { GenerationEvents, RequestOutcome } from '#src/generation/events.ts'
import type { Attempt } from '#src/routing/attempt.ts'

const attemptFields = (attempt: Attempt) => ({
  configKey: attempt.configKey,
  status: attempt.status,
  kind: attempt.failure?.kind,
  fault: attempt.fault?.message,
  upstreamStatus: attempt.failure?.details.upstreamStatus,
  providerRequestId: attempt.failure?.details.providerRequestId,
  durationMs: attempt.durationMs,
})

/** A prompt as logs may know it: its length, and enough of a hash to find repeats. */
const promptFields = (prompt: unknown) =>
  typeof prompt === 'string'
    ? {
        promptCharacters: prompt.length,
        promptHash: createHash('sha256').update(prompt).digest('hex').slice(0, 16),
      }
    : {}

const outcomeFields = ({ request, trace, ...outcome }: RequestOutcome) => ({
  requestId: request.id,
  status: outcome.status,
  errorCode: outcome.errorCode,
  mode: request.mode,
  model: trace.modelId,
  attempts: trace.attempts.map(attemptFields),
  images: outcome.images,
  inputImages: request.images.length,
  costUsd: usdFromMicroUsd(outcome.cost),
  durationMs: outcome.durationMs,
  upstreamMs: Math.round(trace.upstream.totalMs),
  user: request.parameters['user'],
  ...promptFields(request.parameters['prompt']),
})

/** Writes one canonical line per request, and a line for what an operator must act on. */
export const logRequestEvents = (events: GenerationEvents, logger: Logger): void => {
  events.on('attempt', (attempt, trace) => {
    const fields = { requestId: trace.requestId, ...attemptFields(attempt) }
    if (attempt.unexpected !== undefined) {
      const stack = attempt.unexpected instanceof Error ? attempt.unexpected.stack : undefined
      logger.error({ ...fields, stack }, 'an attempt ended in an unexpected error')
    } else if (attempt.fault?.code === 'INTERNAL_ERROR') {
      logger.error(fields, 'the gateway could not make ready what was paid for')
    } else if (attempt.failure && FAILURE_RULES[attempt.failure.kind].takesOut) {
      logger.error(fields, 'a provider refuses the configured account: check its key and balance')
    } else {
      logger.debug(fields, 'attempt')
    }
  })
  events.on('probe', (attempt, trace) => {
    const costUsd = usdFromMicroUsd(attempt.cost)
    logger.info({ requestId: trace.requestId, ...attemptFields(attempt), costUsd }, 'probe')
  })
  events.on('request', (outcome) => {
    logger.info(outcomeFields(outcome), 'request')
    const { requestId, decisions, excluded } = outcome.trace
    logger.debug({ requestId, decisions, excluded }, 'routing')
  })
}
