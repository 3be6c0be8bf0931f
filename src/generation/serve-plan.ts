import { type BillableWork, priceWork } from '#src/catalog/pricing.ts'
import type { AnswerAccount, ByteAccount } from '#src/domain/byte-account.ts'
import type { ImageRequest, RoutingPreferences, Warning } from '#src/domain/image-request.ts'
import type { WantedImages } from '#src/domain/image-result.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import type { ProviderAnswer, ProviderCall, ProviderImage } from '#src/domain/provider-adapter.ts'
import type { AttemptContext, AttemptYield } from '#src/routing/attempt.ts'
import { type Candidate, priceBasisOf } from '#src/routing/candidates.ts'
import { startEnding } from '#src/routing/ending.ts'
import { type FailoverResult, runAttempts } from '#src/routing/failover.ts'
import type { ChainHistory } from '#src/routing/rank-options.ts'
import { BusyTime, type DecisionTrace } from './decision-trace.ts'
import { explainDecision } from './explain-decision.ts'
import type { GeneratedImage } from './generated-image.ts'
import type { GenerationDependencies, PreparationContext } from './generation-dependencies.ts'
import type { GenerationHooks } from './generation-hooks.ts'
import type { RequestPlan } from './plan-request.ts'
import { buildProviderCall, type InputsFor } from './provider-call.ts'
import { observedBy, type ProgressTeller } from './tell-progress.ts'
import { traceAttempts } from './trace-attempts.ts'

/** Everything that the attempts of one request share. */
export interface GenerationRun {
  readonly deps: GenerationDependencies
  readonly request: ImageRequest
  readonly trace: DecisionTrace
  readonly plan: RequestPlan
  readonly inputsFor: InputsFor
  readonly hooks: GenerationHooks
  readonly progress: ProgressTeller
}

/** Of one call: what it cost by what came, or is expected to cost. */
const costOf = (
  { offering, mapped }: Candidate,
  request: ImageRequest,
  work: Pick<BillableWork, 'images' | 'usage'>,
): MicroUsd => priceWork(offering, { ...work, ...priceBasisOf(mapped, request) })

/** What a call tells while it runs. Nobody sees the answer of a probe: its jobs and drafts are nobody's. */
const callHooks = (
  { hooks, deps, request, plan, trace }: GenerationRun,
  candidate: Candidate,
  count: number,
  { attemptId, signal }: AttemptContext,
): Pick<ProviderCall, 'onJob' | 'onPreview'> => {
  const { onJob, onPreview } = hooks
  const { offering, mapped } = candidate
  const { provider, providerModelId, configKey } = offering
  const showDraft = async (draft: ProviderImage): Promise<void> => {
    // Nobody is told a draft again: it is not kept.
    const { keepForMs: _notKept, ...form } = plan.wanted
    const wanted = { ...form, responseFormat: 'b64_json' } as const
    const { memory } = request
    const measureUpstream = trace.upstream.measure.bind(trace.upstream)
    // It may take longer than its attempt, whose signal nothing aborts any more then.
    const leftMs = trace.startMs + request.timeoutMs - deps.clock.monotonicMs()
    const ending = startEnding([signal, request.signal], leftMs)
    const context = { signal: ending.signal, measureUpstream, ...(memory && { memory }) }
    try {
      const [image] = await deps.prepareImages([draft], wanted, context)
      if (image) onPreview?.(image)
    } finally {
      ending.stop()
    }
  }
  return {
    ...(onJob && {
      onJob: (job) =>
        onJob({
          attemptId,
          configKey,
          provider,
          providerModelId,
          job,
          count,
          keepsAll: mapped.countField !== undefined,
          cost: costOf(candidate, request, { images: count }),
          warnings: mapped.warnings,
          createdAtMs: deps.clock.now(),
        }),
    }),
    // A draft that cannot be shown is no loss: the answer is still to come.
    ...(onPreview && { onPreview: (draft) => void showDraft(draft).catch(() => undefined) }),
  }
}

/** The same account, in which waiting for room takes none of the attempt's time: what waits was paid for. */
const untimedIn = (memory: ByteAccount, { untimed }: AttemptContext): AnswerAccount => ({
  reserve: (bytes, signal) => untimed(() => memory.reserve(bytes, signal)),
})

/** Calls the provider of one candidate. */
const callProvider = async (
  run: GenerationRun,
  candidate: Candidate,
  count: number,
  context: AttemptContext,
  { upstream, isProbe }: { readonly upstream: BusyTime; readonly isProbe: boolean },
): Promise<ProviderAnswer> => {
  const adapter = run.deps.adapters.get(candidate.offering.provider)
  if (!adapter) throw new Error(`No adapter for ${candidate.offering.provider}`)
  const call = await buildProviderCall(candidate, count, context, run.inputsFor)
  const { memory } = run.request
  const hooks = isProbe ? {} : callHooks(run, candidate, count, context)
  return upstream.measure(() =>
    adapter.generate({
      ...call,
      ...(memory && { memory: untimedIn(memory, context) }),
      ...hooks,
    }),
  )
}

/** What the images of one answer have in common. */
export interface Delivery {
  /** Whether all of them are wanted; false: the last, as an offering that makes one a call has no say in making more. */
  readonly keepsAll: boolean
  readonly warnings: readonly Warning[]
  readonly wanted: WantedImages
  readonly cost: MicroUsd
}

interface DeliveryContext extends Pick<GenerationRun, 'deps' | 'trace'> {
  /** As of `ImageRequest`. */
  readonly memory?: ByteAccount | undefined
}

/** Makes a provider's images ready. */
export const deliverAnswer = async (
  { deps, trace, memory }: DeliveryContext,
  { images, revisedPrompt, usage }: ProviderAnswer,
  { keepsAll, warnings, wanted, cost }: Delivery,
  signal: AbortSignal,
): Promise<AttemptYield<GeneratedImage>> => {
  const fetching = new BusyTime(deps.clock)
  const measureUpstream: PreparationContext['measureUpstream'] = (activity) =>
    trace.upstream.measure(() => fetching.measure(activity))
  const kept = keepsAll ? images : images.slice(-1)
  const prepared = await deps.prepareImages(kept, wanted, {
    signal,
    measureUpstream,
    ...(memory && { memory }),
  })
  const items = prepared.map((image, index) => ({
    image,
    warnings,
    ...(revisedPrompt !== undefined && { revisedPrompt }),
    ...(usage && index === 0 && { usage }),
  }))
  return { items, cost, fetchMs: fetching.totalMs }
}

/** Where a request's own time is short, so is the least that is worth an attempt: a twentieth. */
export const leastAttemptMs = ({
  deps,
  request,
}: {
  readonly deps: Pick<GenerationDependencies, 'routing'>
  readonly request: Pick<ImageRequest, 'timeoutMs'>
}): number =>
  Math.min(deps.routing.clock.toReal(deps.routing.policy.leastAttemptMs), request.timeoutMs / 20)

/** A forced provider is asked once: its answer is the answer. */
export const preferencesOf = (
  { resolved: { forcedProvider } }: Pick<RequestPlan, 'resolved'>,
  { routing }: ImageRequest,
): RoutingPreferences =>
  forcedProvider === undefined ? routing : { ...routing, allowFallbacks: false }

/** Has `count` images of a plan made. `history`: what was tried for them before; absent: nothing. */
export const servePlan = (
  run: GenerationRun,
  count: number,
  history?: ChainHistory,
): Promise<FailoverResult<GeneratedImage>> => {
  const { deps, request, trace, plan, hooks, progress } = run
  return runAttempts<ProviderAnswer, GeneratedImage>({
    work: {
      generate: (candidate, images, context) =>
        callProvider(run, candidate, images, context, {
          upstream: trace.upstream,
          isProbe: false,
        }),
      probe: (candidate, images, context) => {
        // It goes on for longer than the request, whose pictures it sends.
        const end = request.outlive?.()
        const upstream = new BusyTime(deps.clock)
        return callProvider(run, candidate, images, context, { upstream, isProbe: true }).finally(
          end,
        )
      },
      deliver: (candidate, answer, signal) => {
        const { countField, warnings } = candidate.mapped
        const keepsAll = countField !== undefined
        const { images, usage } = answer
        const cost = costOf(candidate, request, { images: images.length, ...(usage && { usage }) })
        const delivery = { keepsAll, warnings, wanted: plan.wanted, cost }
        return deliverAnswer({ deps, trace, memory: request.memory }, answer, delivery, signal)
      },
      priceOf: (candidate, images) => costOf(candidate, request, { images }),
      ...observedBy(
        progress.observe,
        traceAttempts<Candidate>(deps.tracer, 'request', ({ offering }) => offering).observe,
      ),
    },
    candidates: plan.candidates,
    preferences: preferencesOf(plan, request),
    count,
    ...(history && { history }),
    deadlineMs: trace.startMs + request.timeoutMs,
    leastAttemptMs: leastAttemptMs(run),
    gone: request.signal,
    routing: deps.routing,
    clock: deps.clock,
    ...(hooks.onImages && { onItems: hooks.onImages }),
    measureWait: (wait) => trace.upstream.measure(wait),
    onDecision: (decision) => {
      const afterMs = Math.round(deps.clock.monotonicMs() - trace.startMs)
      const explained = explainDecision(decision, afterMs, deps.routing.clock)
      trace.decisions.push(explained)
      progress.onDecision?.(explained)
    },
    onAttempt: (attempt) => {
      trace.attempts.push(attempt)
      deps.events.emit('attempt', attempt, trace, plan.candidates)
      // What the gateway itself failed with leaves the job as it is: it can still be fetched.
      if (attempt.failure) hooks.onJobLost?.(attempt.id)
    },
    onProbe: (attempt) => deps.events.emit('probe', attempt, trace, plan.candidates),
  })
}
