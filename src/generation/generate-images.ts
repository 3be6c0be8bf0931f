import type { ResolvedModel } from '#src/catalog/catalog.ts'
import { priceWork } from '#src/catalog/pricing.ts'
import type { ImageRequest, RoutingPreferences, Warning } from '#src/domain/image-request.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import type { ProviderAnswer, ProviderUsage } from '#src/domain/provider-adapter.ts'
import type { AttemptContext, AttemptYield } from '#src/routing/attempt.ts'
import type { Candidate } from '#src/routing/candidates.ts'
import { type FailoverResult, runAttempts } from '#src/routing/failover.ts'
import { BusyTime, type DecisionTrace } from './decision-trace.ts'
import { explainDecision } from './explain-decision.ts'
import { failureError } from './failure-error.ts'
import type { GenerationDependencies, PreparationContext } from './generation-dependencies.ts'
import { planRequest, type RequestPlan } from './plan-request.ts'
import { buildProviderCall, createInputsFor, type InputsFor } from './provider-call.ts'

/** One image of an answer, with where it came from. */
export interface GeneratedImage {
  readonly image: PreparedImage
  readonly candidate: Candidate
  readonly revisedPrompt?: string
  /** Of the whole provider call, on its first image only. */
  readonly usage?: ProviderUsage
}

export interface GenerationResult {
  readonly resolved: ResolvedModel
  /** At least one. */
  readonly images: readonly GeneratedImage[]
  readonly wanted: WantedImages
  readonly warnings: readonly Warning[]
  /** Wasted attempts that may be billed included. */
  readonly cost: MicroUsd
  /** Whether fewer images came than were asked for. */
  readonly isPartial: boolean
}

/** Everything that the attempts of one request share. */
interface GenerationRun {
  readonly deps: GenerationDependencies
  readonly request: ImageRequest
  readonly trace: DecisionTrace
  readonly plan: RequestPlan
  readonly inputsFor: InputsFor
}

/** Calls the provider of one candidate. */
const callProvider = async (
  { deps, inputsFor }: GenerationRun,
  candidate: Candidate,
  count: number,
  context: AttemptContext,
  upstream: BusyTime,
): Promise<ProviderAnswer> => {
  const adapter = deps.adapters.get(candidate.offering.provider)
  if (!adapter) throw new Error(`No adapter for ${candidate.offering.provider}`)
  const call = await buildProviderCall(candidate, count, context, inputsFor)
  return upstream.measure(() => adapter.generate(call))
}

/** Makes a provider's images ready. An offering that makes one image a call has no say in making more. */
const deliverAnswer = async (
  { deps, request, trace, plan }: GenerationRun,
  candidate: Candidate,
  { images, revisedPrompt, usage }: ProviderAnswer,
  signal: AbortSignal,
): Promise<AttemptYield<GeneratedImage>> => {
  const { offering, mapped } = candidate
  const kept = mapped.countField ? images : images.slice(-1)
  const fetching = new BusyTime(deps.clock)
  const measureUpstream: PreparationContext['measureUpstream'] = (activity) =>
    trace.upstream.measure(() => fetching.measure(activity))
  const prepared = await deps.prepareImages(kept, plan.wanted, { signal, measureUpstream })
  return {
    items: prepared.map((image, index) => ({
      image,
      candidate,
      ...(revisedPrompt !== undefined && { revisedPrompt }),
      ...(usage && index === 0 && { usage }),
    })),
    cost: priceWork(offering, {
      images: images.length,
      resolution: mapped.resolution,
      parameters: request.parameters,
      ...(usage && { usage }),
    }),
    fetchMs: fetching.totalMs,
  }
}

const partialWarning = (got: number, asked: number): Warning => ({
  type: 'partial',
  param: 'n',
  message: `${got} of ${asked} images were made; the others failed at every provider that was tried.`,
})

/** A quality that was asked for without a format, where the provider's format has none. */
const compressionWarning = (
  images: readonly GeneratedImage[],
  { wanted }: RequestPlan,
): Warning[] => {
  const isLost =
    wanted.outputCompression !== undefined &&
    wanted.outputFormat === undefined &&
    images.some(({ image }) => image.format === 'png' || image.format === 'gif')
  const message =
    'output_compression has no meaning for the format that came; ask for an output_format too.'
  return isLost ? [{ type: 'unsupported', param: 'output_compression', message }] : []
}

/** Warnings of all offerings that made an image, each once. */
const mergeWarnings = (images: readonly GeneratedImage[]): Warning[] => {
  const warnings = images.flatMap(({ candidate }) => candidate.mapped.warnings)
  return [...new Map(warnings.map((warning) => [warning.message, warning])).values()]
}

/** Where a request's own time is short, so is the least that is worth an attempt: a twentieth. */
const leastAttemptMs = ({ deps, request }: Pick<GenerationRun, 'deps' | 'request'>): number =>
  Math.min(deps.routing.clock.toReal(deps.routing.policy.leastAttemptMs), request.timeoutMs / 20)

/** A forced provider is asked once: its answer is the answer. */
const preferencesOf = (
  { resolved: { forcedProvider } }: RequestPlan,
  { routing }: ImageRequest,
): RoutingPreferences =>
  forcedProvider === undefined ? routing : { ...routing, allowFallbacks: false }

const runPlan = (run: GenerationRun): Promise<FailoverResult<GeneratedImage>> => {
  const { deps, request, trace, plan } = run
  return runAttempts<ProviderAnswer, GeneratedImage>({
    work: {
      generate: (candidate, count, context) =>
        callProvider(run, candidate, count, context, trace.upstream),
      probe: (candidate, count, context) =>
        callProvider(run, candidate, count, context, new BusyTime(deps.clock)),
      deliver: (candidate, answer, signal) => deliverAnswer(run, candidate, answer, signal),
      priceOf: (candidate, count) => candidate.pricePerImage * count,
    },
    candidates: plan.candidates,
    preferences: preferencesOf(plan, request),
    count: plan.count,
    deadlineMs: trace.startMs + request.timeoutMs,
    leastAttemptMs: leastAttemptMs(run),
    gone: request.signal,
    routing: deps.routing,
    clock: deps.clock,
    onDecision: (decision) => {
      const afterMs = Math.round(deps.clock.monotonicMs() - trace.startMs)
      trace.decisions.push(explainDecision(decision, afterMs, deps.routing.clock))
    },
    onAttempt: (attempt) => {
      trace.attempts.push(attempt)
      deps.events.emit('attempt', attempt, trace)
    },
    onProbe: (attempt) => deps.events.emit('probe', attempt, trace),
  })
}

/** The use case: from a request as read from the wire to images that are ready to be answered. */
export const generateImages = async (
  deps: GenerationDependencies,
  request: ImageRequest,
  trace: DecisionTrace,
): Promise<GenerationResult> => {
  const plan = planRequest(deps, request, trace)
  const inputsFor = createInputsFor(request.images, deps.convertInput)
  const { items: images, stop } = await runPlan({ deps, request, trace, plan, inputsFor })
  if (images.length === 0) {
    const leftMs = trace.startMs + request.timeoutMs - deps.clock.monotonicMs()
    const isDeadlinePassed =
      leftMs < leastAttemptMs({ deps, request }) || stop?.reason === 'no_time'
    const { resolved } = plan
    const { attempts } = trace
    const waitMs = stop?.retryAfterMs
    const wait = waitMs === undefined ? {} : { retryAfterMs: deps.routing.clock.toReal(waitMs) }
    const areAllLimited = attempts.length === 0 && stop?.reason === 'rate_limited'
    throw failureError({ resolved, attempts, isDeadlinePassed, areAllLimited, ...wait })
  }
  const isPartial = images.length < plan.count
  return {
    resolved: plan.resolved,
    images,
    wanted: plan.wanted,
    warnings: [
      ...plan.warnings,
      ...mergeWarnings(images),
      ...compressionWarning(images, plan),
      ...(isPartial ? [partialWarning(images.length, plan.count)] : []),
    ],
    cost: trace.attempts.reduce((sum, attempt) => sum + attempt.cost, 0),
    isPartial,
  }
}
