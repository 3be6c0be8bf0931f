import type { ResolvedModel } from '#src/catalog/catalog.ts'
import { invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest, Warning } from '#src/domain/image-request.ts'
import type { WantedImages } from '#src/domain/image-result.ts'
import type { OutputFormat } from '#src/domain/media.ts'
import { type Candidate, selectCandidates } from '#src/routing/candidates.ts'
import { checkRequest } from './check-request.ts'
import type { DecisionTrace } from './decision-trace.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'

/** Everything that is decided before anything is sent. */
export interface RequestPlan {
  readonly resolved: ResolvedModel
  /** What can serve it; at least one, in the catalogue's order. */
  readonly candidates: readonly Candidate[]
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

/** A wish to hedge that cannot come true, as every call that loses would be paid for. */
const hedgeWarnings = (
  { routing, isStrict }: ImageRequest,
  candidates: readonly Candidate[],
): Warning[] => {
  if (routing.hedge !== true || candidates.some(({ isCancelFree }) => isCancelFree)) return []
  const param = 'provider.hedge'
  const message =
    'provider.hedge has no effect: every candidate bills a call that is cancelled. "billed" hedges all the same.'
  if (isStrict) throw invalidRequest(message, param)
  return [{ type: 'unsupported', param, message }]
}

/** Resolves the model, checks the request against it, and finds the offerings that can serve it. */
export const planRequest = (
  { catalog, adapters }: GenerationDependencies,
  request: ImageRequest,
  trace: DecisionTrace,
): RequestPlan => {
  const resolved = catalog.resolve(request.requestedModel)
  trace.modelId = resolved.model.card.id
  checkRequest(resolved.model, request)

  const { candidates, excluded } = selectCandidates(resolved, request, new Set(adapters.keys()))
  trace.excluded = excluded
  const count = (request.parameters['n'] as number | undefined) ?? 1
  return {
    resolved,
    candidates,
    count,
    wanted: readWanted(resolved, request),
    warnings: [...request.warnings, ...hedgeWarnings(request, candidates)],
  }
}
