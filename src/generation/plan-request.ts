import type { ResolvedModel } from '#src/catalog/catalog.ts'
import type { ImageRequest, Warning } from '#src/domain/image-request.ts'
import type { WantedImages } from '#src/domain/image-result.ts'
import type { OutputFormat } from '#src/domain/media.ts'
import { selectCandidates } from '#src/routing/candidates.ts'
import { type RankedCandidate, rankCandidates } from '#src/routing/rank.ts'
import { checkRequest } from './check-request.ts'
import type { DecisionTrace } from './decision-trace.ts'
import { allPausedError } from './failure-error.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'

/** Everything that is decided before anything is sent. */
export interface RequestPlan {
  readonly resolved: ResolvedModel
  /** In the order of trying; at least one. */
  readonly ranked: readonly RankedCandidate[]
  /** Images asked for. */
  readonly count: number
  readonly wanted: WantedImages
  /** What the gateway itself does otherwise than asked, whichever offering serves. */
  readonly warnings: readonly Warning[]
}

const readWanted = (resolved: ResolvedModel, request: ImageRequest): WantedImages => {
  const { parameters, responseFormatDefault } = request
  const responseFormat =
    parameters['response_format'] ??
    responseFormatDefault ??
    resolved.model.card.defaultResponseFormat
  return {
    responseFormat: responseFormat === 'b64_json' ? 'b64_json' : 'url',
    ...(parameters['output_format'] !== undefined && {
      outputFormat: parameters['output_format'] as OutputFormat,
    }),
    ...(parameters['output_compression'] !== undefined && {
      outputCompression: parameters['output_compression'] as number,
    }),
  }
}

/** Resolves the model, checks the request against it, and orders the offerings that can serve it. */
export const planRequest = (
  { catalog, adapters, health, clock }: GenerationDependencies,
  request: ImageRequest,
  trace: DecisionTrace,
): RequestPlan => {
  const resolved = catalog.resolve(request.requestedModel)
  trace.modelId = resolved.model.card.id
  checkRequest(resolved.model, request)

  const selection = selectCandidates(resolved, request, new Set(adapters.keys()))
  const ranked = rankCandidates(selection.candidates, request.routing, health, clock.now())
  trace.ranked = ranked.map(({ offering }) => offering.configKey)
  trace.excluded = selection.excluded

  const paused = allPausedError(ranked, clock.now())
  if (paused) throw paused
  const count = (request.parameters['n'] as number | undefined) ?? 1
  return {
    resolved,
    ranked,
    count,
    wanted: readWanted(resolved, request),
    warnings: request.warnings,
  }
}
