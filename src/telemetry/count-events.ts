import { usdFromMicroUsd } from '#src/domain/money.ts'
import type { GenerationEvents, RequestOutcome } from '#src/generation/events.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import type { Metrics } from './create-metrics.ts'
import { NO_PARAM, OTHER } from './metrics.ts'

const SECOND_MS = 1_000

const endpointOf = ({ request }: RequestOutcome): string =>
  request.mode === 'image_edit' ? 'edits' : 'generations'

const attemptOutcomeOf = ({ failure, fault, status }: Attempt): string => {
  if (fault) return 'gateway_fault'
  return failure?.kind ?? status
}

/** Counts what attempts and probes came to. */
const countAttempts = (events: GenerationEvents, metrics: Metrics): void => {
  const attempts = metrics.counter('fresnel_attempts_total')
  const probes = metrics.counter('fresnel_probes_total')
  const cost = metrics.counter('fresnel_cost_usd_total')
  const upstream = metrics.histogram('fresnel_upstream_seconds')
  const countCost = (attempt: Attempt, model = OTHER, purpose: 'request' | 'probe'): void => {
    if (attempt.cost === 0) return
    const { provider } = attempt
    cost({ provider, model, purpose }, usdFromMicroUsd(attempt.cost))
  }
  events.on('attempt', (attempt, trace) => {
    const { provider, providerMs, status } = attempt
    attempts({ provider, outcome: attemptOutcomeOf(attempt) }, 1)
    upstream({ provider, status }, providerMs / SECOND_MS)
    countCost(attempt, trace.modelId, 'request')
  })
  events.on('probe', (attempt, trace) => {
    const { provider } = attempt
    probes({ provider, outcome: attemptOutcomeOf(attempt) }, 1)
    countCost(attempt, trace.modelId, 'probe')
  })
}

/** Counts how requests ended. */
const countRequests = (events: GenerationEvents, metrics: Metrics): void => {
  const requests = metrics.counter('fresnel_requests_total')
  const errors = metrics.counter('fresnel_request_errors_total')
  const images = metrics.counter('fresnel_images_total')
  const warnings = metrics.counter('fresnel_warnings_total')
  const timeToImage = metrics.histogram('fresnel_time_to_image_seconds')
  const overhead = metrics.histogram('fresnel_gateway_overhead_seconds')
  events.on('request', (outcome) => {
    const { status, durationMs, errorCode, trace } = outcome
    const endpoint = endpointOf(outcome)
    const model = trace.modelId ?? OTHER
    requests({ endpoint, model, outcome: status }, 1)
    if (errorCode !== undefined) errors({ code: errorCode }, 1)
    if (outcome.images > 0) images({ model }, outcome.images)
    if (status === 'completed') timeToImage({ endpoint, model }, durationMs / SECOND_MS)
    // Its duration is whole milliseconds.
    const ownMs = Math.max(0, durationMs - trace.upstream.totalMs)
    overhead({ endpoint }, ownMs / SECOND_MS)
    for (const { type, param = NO_PARAM } of outcome.warnings ?? []) warnings({ type, param }, 1)
  })
}

/** Keeps the metrics of requests, attempts and money up to date. */
export const countEvents = (events: GenerationEvents, metrics: Metrics): void => {
  countAttempts(events, metrics)
  countRequests(events, metrics)
}
