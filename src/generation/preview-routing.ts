import type { ResolvedModel } from '#src/catalog/catalog.ts'
import type { Clock } from '#src/domain/clock.ts'
import { invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest, Sort } from '#src/domain/image-request.ts'
import type { Mode } from '#src/domain/model-card.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import type { ExcludedOffering, ExplainedDecision } from '#src/domain/request-record.ts'
import { selectCandidates } from '#src/routing/candidates.ts'
import { chooseNext } from '#src/routing/choose-next.ts'
import { firstSituationOf, type RankedCandidate } from '#src/routing/failover.ts'
import { explainDecision } from './explain-decision.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import { leastAttemptMs, preferencesOf } from './serve-plan.ts'

/** What a preview is made from. */
export interface PreviewDependencies
  extends Pick<GenerationDependencies, 'catalog' | 'adapters' | 'routing'> {
  readonly clock: Clock
  /** Deadline of a request that asks for none, in real ms. */
  readonly requestTimeoutMs: number
}

/** Which usual request is meant. */
export interface PreviewedRequest {
  /** What a client would write. */
  readonly model: string
  /** `undefined`: the first of the model. */
  readonly mode: Mode | undefined
  readonly sort: Sort
}

/** What is known of a candidate beside the explanation of its place. */
export interface PreviewedCandidate {
  readonly provider: string
  /** Expected price of one image. */
  readonly pricePerImage: MicroUsd
  /** Attempts that this gateway takes to be under way there. */
  readonly inFlight: number
}

/** How a usual request would be routed. */
export interface RoutingPreview {
  /** Canonical id. */
  readonly modelId: string
  readonly mode: Mode
  readonly sort: Sort
  readonly decision: ExplainedDecision
  /** As many as the decision has candidates, in their order. */
  readonly candidates: readonly PreviewedCandidate[]
  readonly excluded: readonly ExcludedOffering[]
}

/** Pixels of the picture that an edit is taken to come with. */
const USUAL_PICTURE = { width: 1024, height: 1024 }

const modeOf = ({ model }: ResolvedModel, asked: Mode | undefined): Mode => {
  const { id, modes } = model.card
  const mode = modes.find((entry) => asked === undefined || entry === asked)
  if (mode) return mode
  throw invalidRequest(`mode must be one of those of "${id}": ${modes.join(', ')}.`, 'mode')
}

/** A request with a prompt, and with a picture where it is an edit; everything else as it is by default. */
const usualRequest = (
  { model, sort }: PreviewedRequest,
  mode: Mode,
  timeoutMs: number,
): ImageRequest => ({
  id: 'preview',
  endpoint: '',
  mode,
  requestedModel: model,
  parameters: { prompt: 'a picture' },
  images:
    mode === 'image_edit'
      ? [{ bytes: { pieces: [], sizeBytes: 0 }, format: 'png', size: USUAL_PICTURE }]
      : [],
  routing: { sort },
  isStrict: false,
  warnings: [],
  timeoutMs,
  signal: new AbortController().signal,
})

const previewCandidate = ({ option, health }: RankedCandidate): PreviewedCandidate => ({
  provider: option.offering.provider,
  pricePerImage: option.pricePerImage,
  inFlight: health.inFlight,
})

/**
 * How a usual request would be routed if it came now, chance left out. Nothing is sent, nor recorded. Throws as a request
 * does for which there is no candidate.
 */
export const previewRouting = (
  deps: PreviewDependencies,
  previewed: PreviewedRequest,
): RoutingPreview => {
  const { catalog, adapters, routing, clock, requestTimeoutMs } = deps
  const resolved = catalog.resolve(previewed.model)
  const mode = modeOf(resolved, previewed.mode)
  const request = usualRequest(previewed, mode, requestTimeoutMs)
  const { candidates, excluded } = selectCandidates(resolved, request, new Set(adapters.keys()))
  const decision = chooseNext(
    firstSituationOf({
      candidates,
      preferences: preferencesOf({ resolved }, request),
      deadlineMs: clock.monotonicMs() + requestTimeoutMs,
      leastAttemptMs: leastAttemptMs({ deps, request }),
      routing: { ...routing, random: () => 1 },
      clock,
    }),
  )
  return {
    modelId: resolved.model.card.id,
    mode,
    sort: previewed.sort,
    decision: explainDecision(decision, 0, routing.clock),
    candidates: decision.ranking.map(previewCandidate),
    excluded,
  }
}
