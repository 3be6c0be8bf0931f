import type { ResolvedModel } from '#src/catalog/catalog.ts'
import { invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest, Warning } from '#src/domain/image-request.ts'
import type { WantedImages } from '#src/domain/image-result.ts'
import type { OutputFormat } from '#src/domain/media.ts'
import { type Candidate, selectCandidates } from '#src/routing/candidates.ts'
import { checkRequest } from './check-request.ts'
import type { DecisionTrace } from './decision-trace.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'

/** What a plan is made from. */
export type PlanDependencies = Pick<GenerationDependencies, 'catalog' | 'adapters'>

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
  const { parameters, responseFormatDefault, isStreamed, keepForMs } = request
  const responseFormat =
    (isStreamed ? 'b64_json' : parameters['response_format']) ??
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
    ...(keepForMs !== undefined && { keepForMs }),
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

/** Slugs that mean no provider of the model. One in `ignore` may have been meant to keep a prompt from somebody. */
const slugWarnings = (
  { routing: { order, only, ignore }, isStrict }: ImageRequest,
  { model }: ResolvedModel,
): Warning[] => {
  const known = new Set(model.offerings.map(({ provider }) => provider))
  const warnings = Object.entries({ order, only, ignore }).flatMap(([field, slugs = []]) =>
    slugs
      .filter((slug) => !known.has(slug))
      .map((slug): Warning => {
        const message = `"${slug}" is no provider of ${model.card.id}: ${[...known].join(', ')}.`
        return { type: 'unsupported', param: `provider.${field}`, message }
      }),
  )
  const [first] = warnings
  if (isStrict && first) throw invalidRequest(first.message, first.param)
  return warnings
}

/** What only the answer would tell, strict clients are told before: a quality may meet a format that has none. */
const checkStrictly = ({ isStrict, parameters }: ImageRequest): void => {
  const isVague =
    parameters['output_compression'] !== undefined && parameters['output_format'] === undefined
  if (!isStrict || !isVague) return
  throw invalidRequest(
    'output_compression may meet a format that has no quality; ask for an output_format too: jpeg, webp or avif.',
    'output_compression',
  )
}

/** Resolves the model, checks the request against it, and finds the offerings that can serve it. */
export const planRequest = (
  { catalog, adapters }: PlanDependencies,
  request: ImageRequest,
  trace: DecisionTrace,
): RequestPlan => {
  const resolved = catalog.resolve(request.requestedModel)
  trace.modelId = resolved.model.card.id
  checkRequest(resolved.model, request)
  checkStrictly(request)

  const { candidates, excluded } = selectCandidates(resolved, request, new Set(adapters.keys()))
  trace.excluded = excluded
  const count = (request.parameters['n'] as number | undefined) ?? 1
  return {
    resolved,
    candidates,
    count,
    wanted: readWanted(resolved, request),
    warnings: [
      ...request.warnings,
      ...slugWarnings(request, resolved),
      ...hedgeWarnings(request, candidates),
    ],
  }
}
