import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import { FAILURE_RULES } from '#src/domain/errors.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import { boundUser } from '#src/domain/request-selection.ts'
import type { GenerationEvents, RequestOutcome } from '#src/generation/events.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import type { Candidate } from '#src/routing/candidates.ts'
import { outcomeOf } from '#src/routing/tracked-attempt.ts'

const attemptFields = (attempt: Attempt) => ({
  provider: attempt.provider,
  configKey: attempt.configKey,
  status: attempt.status,
  kind: attempt.failure?.kind,
  fault: attempt.fault?.message,
  upstreamStatus: attempt.failure?.details.upstreamStatus,
  providerRequestId: attempt.failure?.details.providerRequestId,
  durationMs: attempt.durationMs,
})

/** An offering that could have been chosen, and its expected price of one image. */
const candidateFields = ({ cell, pricePerImage, shortcomings }: Candidate) => ({
  provider: cell.provider,
  configKey: cell.configKey,
  tier: cell.tier,
  priceMicroUsd: pricePerImage,
  shortcomings,
})

/** What routing learnt from an attempt and chose it from: a replay of the log needs it. Real milliseconds. */
const replayFields = (attempt: Attempt, candidates: readonly Candidate[]) => {
  const cell = candidates.find(({ cell: { configKey } }) => configKey === attempt.configKey)?.cell
  return {
    model: cell?.modelId,
    mode: cell?.mode,
    tier: cell?.tier,
    outcome: outcomeOf(attempt),
    retryAfterMs: attempt.failure?.details.retryAfterMs,
    begunMs: attempt.begunMs,
    providerMs: attempt.providerMs,
    candidates: candidates.map(candidateFields),
  }
}

/** Writes a line for an attempt that calls for a person. */
const logTrouble = (attempt: Attempt, fields: object, logger: Logger): void => {
  if (attempt.unexpected !== undefined) {
    const stack = attempt.unexpected instanceof Error ? attempt.unexpected.stack : undefined
    logger.error({ ...fields, stack }, 'an attempt ended in an unexpected error')
  } else if (attempt.fault?.code === 'INTERNAL_ERROR') {
    logger.error(fields, 'the gateway could not make ready what was paid for')
  } else if (attempt.failure && FAILURE_RULES[attempt.failure.kind].takesOut) {
    logger.error(fields, 'a provider refuses the configured account: check its key and balance')
  }
}

/** A prompt as logs may know it: its length, and enough of a hash to find repeats. */
const promptFields = (prompt: unknown) =>
  typeof prompt === 'string'
    ? {
        promptCharacters: prompt.length,
        promptHash: hash('sha256', prompt).slice(0, 16),
      }
    : {}

const userFields = (user: unknown) => (typeof user === 'string' ? { user: boundUser(user) } : {})

const outcomeFields = ({ request, trace, ...outcome }: RequestOutcome) => ({
  requestId: request.id,
  traceId: request.traceId,
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
  ...userFields(request.parameters['user']),
  ...promptFields(request.parameters['prompt']),
})

/**
 * Writes one canonical line per request, a line for what an operator must act on, and at level debug one per attempt:
 * `npm run simulate -- --replay` reads those.
 */
export const logRequestEvents = (events: GenerationEvents, logger: Logger): void => {
  events.on('attempt', (attempt, trace, candidates) => {
    const fields = { requestId: trace.requestId, ...attemptFields(attempt) }
    logTrouble(attempt, fields, logger)
    if (!logger.isLevelEnabled('debug')) return
    const costUsd = usdFromMicroUsd(attempt.cost)
    const learnt = candidates ? replayFields(attempt, candidates) : {}
    logger.debug({ ...fields, costUsd, ...learnt }, 'attempt')
  })
  events.on('probe', (attempt, trace, candidates) => {
    const fields = { requestId: trace.requestId, ...attemptFields(attempt) }
    const costUsd = usdFromMicroUsd(attempt.cost)
    logger.info({ ...fields, costUsd, ...replayFields(attempt, candidates) }, 'probe')
  })
  events.on('request', (outcome) => {
    logger.info(outcomeFields(outcome), 'request')
    const { requestId, decisions, excluded } = outcome.trace
    logger.debug({ requestId, decisions, excluded }, 'routing')
  })
}
