import type { ResolvedModel } from '#src/catalog/catalog.ts'
import { priceWork } from '#src/catalog/pricing.ts'
import type { ImageRequest, Warning } from '#src/domain/image-request.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import { type AttemptContext, type AttemptYield, runAttempts } from '#src/routing/failover.ts'
import type { RankedCandidate } from '#src/routing/rank.ts'
import type { DecisionTrace } from './decision-trace.ts'
import { failureError } from './failure-error.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import { planRequest, type RequestPlan } from './plan-request.ts'
import { buildProviderCall, createInputsFor, type InputsFor } from './provider-call.ts'

/** One image of an answer, with where it came from. */
export interface GeneratedImage {
  readonly image: PreparedImage
  readonly candidate: RankedCandidate
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

/** One attempt: map, call the provider, make its images ready. */
const executeAttempt = async (
  deps: GenerationDependencies,
  trace: DecisionTrace,
  request: ImageRequest,
  work: { wanted: WantedImages; inputsFor: InputsFor },
  candidate: RankedCandidate,
  count: number,
  context: AttemptContext,
): Promise<AttemptYield<GeneratedImage>> => {
  const { offering, mapped } = candidate
  const adapter = deps.adapters.get(offering.provider)
  if (!adapter) throw new Error(`No adapter for ${offering.provider}`)
  const call = await buildProviderCall(candidate, count, context, work.inputsFor)
  const measureUpstream = trace.upstream.measure.bind(trace.upstream)
  const answer = await measureUpstream(() => adapter.generate(call))
  const preparation = { signal: context.signal, measureUpstream }
  const images = await deps.prepareImages(answer.images, work.wanted, preparation)
  const { revisedPrompt, usage } = answer
  return {
    items: images.map((image, index) => ({
      image,
      candidate,
      ...(revisedPrompt !== undefined && { revisedPrompt }),
      ...(usage && index === 0 && { usage }),
    })),
    cost: priceWork(offering, {
      images: answer.images.length,
      resolution: mapped.resolution,
      parameters: request.parameters,
      ...(usage && { usage }),
    }),
  }
}

const partialWarning = (got: number, asked: number): Warning => ({
  type: 'partial',
  param: 'n',
  message: `${got} of ${asked} images were made; the others failed at every provider that was tried.`,
})

/** Warnings of all offerings that made an image, each once. */
const mergeWarnings = (images: readonly GeneratedImage[]): Warning[] => {
  const warnings = images.flatMap(({ candidate }) => candidate.mapped.warnings)
  return [...new Map(warnings.map((warning) => [warning.message, warning])).values()]
}

const runPlan = (
  deps: GenerationDependencies,
  request: ImageRequest,
  trace: DecisionTrace,
  plan: RequestPlan,
): Promise<readonly GeneratedImage[]> => {
  const { policy, health, clock } = deps
  const work = {
    wanted: plan.wanted,
    inputsFor: createInputsFor(request.images, deps.convertInput),
  }
  return runAttempts<GeneratedImage>({
    ranked: plan.ranked,
    count: plan.count,
    execute: (candidate, size, context) =>
      executeAttempt(deps, trace, request, work, candidate, size, context),
    priceOf: (candidate, size) => candidate.pricePerImage * size,
    deadlineMs: trace.startMs + request.timeoutMs,
    clientSignal: request.signal,
    policy,
    health,
    clock,
    onAttempt: (attempt) => {
      trace.attempts.push(attempt)
      deps.events.emit('attempt', attempt, trace)
    },
  })
}

/** The use case: from a request as read from the wire to images that are ready to be answered. */
export const generateImages = async (
  deps: GenerationDependencies,
  request: ImageRequest,
  trace: DecisionTrace,
): Promise<GenerationResult> => {
  const plan = planRequest(deps, request, trace)
  const images = await runPlan(deps, request, trace, plan)
  if (images.length === 0) {
    const leftMs = trace.startMs + request.timeoutMs - deps.clock.monotonicMs()
    const isDeadlinePassed = leftMs < deps.policy.leastAttemptMs
    throw failureError({ resolved: plan.resolved, attempts: trace.attempts, isDeadlinePassed })
  }
  const isPartial = images.length < plan.count
  return {
    resolved: plan.resolved,
    images,
    wanted: plan.wanted,
    warnings: [
      ...plan.warnings,
      ...mergeWarnings(images),
      ...(isPartial ? [partialWarning(images.length, plan.count)] : []),
    ],
    cost: trace.attempts.reduce((sum, attempt) => sum + attempt.cost, 0),
    isPartial,
  }
}
