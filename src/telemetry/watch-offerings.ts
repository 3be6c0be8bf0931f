import type { ImageRequest } from '#src/domain/image-request.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type { ParameterMapping } from '#src/domain/mapping-rules.ts'
import { MODES, type Mode } from '#src/domain/model-card.ts'
import { type Candidate, selectCandidates } from '#src/routing/candidates.ts'
import { NO_HISTORY, type RankedOption, rankOptions } from '#src/routing/rank-options.ts'
import type { Routing } from '#src/routing/routing.ts'
import type { Metrics } from './create-metrics.ts'
import { PROVIDER_STATES } from './metrics.ts'

type Model = Parameters<typeof selectCandidates>[0]['model']

export interface OfferingsView {
  /** As they are now; another list once they were read again. */
  readonly models: readonly Model[]
  readonly configuredProviders: ReadonlySet<string>
  readonly routing: Routing
  /** Time that a request has, in real milliseconds. */
  readonly requestTimeoutMs: number
}

/** A request for one picture of 1K that wishes for nothing else. */
const plainRequest = (
  model: Model,
  mode: Mode,
  timeoutMs: number,
  wishes: JsonObject,
): ImageRequest => ({
  id: 'metrics',
  endpoint: '',
  mode,
  requestedModel: model.card.id,
  parameters: { prompt: 'a picture', ...wishes },
  images: [],
  routing: {},
  isStrict: false,
  warnings: [],
  timeoutMs,
  signal: new AbortController().signal,
})

/** Parameters that meet the first of these conditions. */
const wishesOf = ([condition = {}]: NonNullable<ParameterMapping['onlyFor']>): JsonObject => {
  const values = Object.entries(condition).map(([name, wanted]) => [name, [wanted].flat()[0]])
  return Object.fromEntries(values.filter(([, value]) => value !== null)) as JsonObject
}

/**
 * What could serve a plain request, and what a request that wishes for what an offering alone is for. Nothing where no
 * configured provider serves any.
 */
const plainCandidates = (
  { configuredProviders, requestTimeoutMs }: OfferingsView,
  model: Model,
  mode: Mode,
): readonly (readonly Candidate[])[] => {
  const serving = model.offerings.filter(
    ({ provider, modes }) => configuredProviders.has(provider) && modes.includes(mode),
  )
  if (serving.length === 0) return []
  const candidatesFor = (wishes: JsonObject): readonly Candidate[] => {
    const request = plainRequest(model, mode, requestTimeoutMs, wishes)
    return selectCandidates({ model }, request, configuredProviders).candidates
  }
  const plain = candidatesFor({})
  const others = serving.filter((offering) => !plain.some((one) => one.offering === offering))
  const special = others.map((offering) => {
    const { onlyFor } = model.mappingOf(offering)
    const candidates = onlyFor ? candidatesFor(wishesOf(onlyFor)) : []
    return candidates.filter((one) => one.offering === offering)
  })
  return [plain, ...special]
}

/** Of several reasons the one that an operator has to know of: an account first, then the breaker, then a pause. */
const stateOf = ({ isOpen, pause }: RankedOption['health']): (typeof PROVIDER_STATES)[number] => {
  if (isOpen && pause?.reason !== 'taken_out') return 'open'
  return pause?.reason ?? 'ok'
}

const showRanked = (
  { option, score, health }: RankedOption,
  { clock }: Routing,
  metrics: Metrics,
): void => {
  const { cell } = option
  const offering = { offering: cell.configKey, mode: cell.mode }
  const latencySeconds = clock.toReal(score.successSeconds * 1_000) / 1_000
  metrics.set('fresnel_offering_score', offering, score.score)
  metrics.set('fresnel_offering_success_ratio', offering, score.success)
  metrics.set('fresnel_offering_latency_seconds', offering, latencySeconds)
  const place = { provider: cell.provider, model: cell.modelId }
  metrics.set('fresnel_attempts_in_flight', place, health.inFlight)
  const present = stateOf(health)
  for (const state of PROVIDER_STATES) {
    metrics.set('fresnel_provider_state', { ...place, state }, Number(state === present))
  }
}

/** What requests for each model could be served by, in each mode in which they can be at all. */
const plainChoices = (view: OfferingsView): (readonly Candidate[])[] =>
  view.models
    .flatMap((model) => MODES.flatMap((mode) => plainCandidates(view, model, mode)))
    .filter((options) => options.length > 0)

/** Everything that is said of offerings; of those that are gone nothing is to be said any more. */
const OFFERING_GAUGES = [
  'fresnel_offering_score',
  'fresnel_offering_success_ratio',
  'fresnel_offering_latency_seconds',
  'fresnel_attempts_in_flight',
  'fresnel_provider_state',
] as const

/** Shows what routing believes of every offering whenever metrics are read: as a plain request would find it. */
export const watchOfferings = (view: OfferingsView, metrics: Metrics): void => {
  const { routing, requestTimeoutMs } = view
  const { tracker, policy, clock } = routing
  let { models } = view
  let choices = plainChoices(view)
  const keepUp = (): void => {
    if (view.models === models) return
    models = view.models
    choices = plainChoices(view)
    for (const name of OFFERING_GAUGES) metrics.clear(name)
  }
  metrics.beforeRender(() => {
    keepUp()
    for (const options of choices) {
      const ranked = rankOptions({
        options,
        preferences: {},
        history: NO_HISTORY,
        leftMs: clock.fromReal(requestTimeoutMs),
        nowMs: clock.nowMs(),
        tracker,
        policy,
        random: () => 1,
      })
      for (const option of ranked) showRanked(option, routing, metrics)
    }
  })
}
