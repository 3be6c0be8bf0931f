import { GatewayError } from '#src/domain/errors.ts'
import type { ImageAnswer } from '#src/domain/image-answer.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { untilAborted } from '#src/domain/until-aborted.ts'
import { startEnding } from '#src/routing/ending.ts'
import { type FailoverResult, historyAfter } from '#src/routing/failover.ts'
import { type ChainHistory, NO_HISTORY } from '#src/routing/rank-options.ts'
import { adoptJobs } from './adopt-jobs.ts'
import { reserveCost } from './budgets.ts'
import type { DecisionTrace } from './decision-trace.ts'
import { failureError } from './failure-error.ts'
import type { GeneratedImage } from './generated-image.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import type { GenerationHooks } from './generation-hooks.ts'
import { createImageAnswer } from './image-answer.ts'
import { planRequest } from './plan-request.ts'
import { createInputsFor } from './provider-call.ts'
import { type GenerationRun, leastAttemptMs, servePlan } from './serve-plan.ts'
import { createProgressTeller } from './tell-progress.ts'

interface Adopted {
  readonly images: readonly GeneratedImage[]
  /** With what the request goes on for the images that are missing; absent: not at all. */
  readonly history?: ChainHistory
}

/** Images that jobs of an earlier process for this very request still bring. */
const adoptImages = async (run: GenerationRun): Promise<Adopted> => {
  const { deps, request, trace, plan, hooks, progress } = run
  const { jobs = [], onImages, onJobLost } = hooks
  if (jobs.length === 0) return { images: [], history: NO_HISTORY }
  const deadlineMs = trace.startMs + request.timeoutMs
  const { wanted } = plan
  const { memory, signal: gone } = request
  const optional = { ...(onJobLost && { onJobLost }), ...(memory && { memory }) }
  const adoption = { deps, trace, wanted, deadlineMs, gone, progress, ...optional }
  const adopted = await adoptJobs(adoption, jobs)
  const images = adopted.images.slice(0, plan.count)
  if (images.length > 0) onImages?.(images)
  if (adopted.fault) return { images }
  const history = historyAfter(adopted.attempts, plan.candidates, deps.routing)
  return { images, ...(history && { history }) }
}

/**
 * Has input images converted before the first attempt, whose time is the provider's: it would be blamed, and counted as
 * paid, when pictures wait for their turn. No longer than the request has, or its client stays: what follows says why.
 */
const prepareInputs = async ({ deps, request, trace, plan, inputsFor }: GenerationRun) => {
  const leftMs = trace.startMs + request.timeoutMs - deps.clock.monotonicMs()
  const ending = startEnding([request.signal], leftMs)
  try {
    await untilAborted(Promise.all(plan.candidates.map(inputsFor)), ending.signal)
  } catch (error) {
    if (!ending.signal.aborted) throw error
  } finally {
    ending.stop()
  }
}

const NOTHING: FailoverResult<GeneratedImage> = { items: [] }

/** Has images made beside those that came of earlier jobs: these are not lost when the gateway cannot go on. */
const serveMissing = async (
  run: GenerationRun,
  missing: number,
  history: ChainHistory,
): Promise<FailoverResult<GeneratedImage>> => {
  try {
    if (run.request.images.length > 0) await prepareInputs(run)
    return await servePlan(run, missing, history)
  } catch (error) {
    if (missing < run.plan.count && error instanceof GatewayError) return NOTHING
    throw error
  }
}

/** What the client sees when no image came. */
const noImage = (
  { deps, request, trace, plan: { resolved } }: GenerationRun,
  stop: FailoverResult<GeneratedImage>['stop'],
): Error => {
  const leftMs = trace.startMs + request.timeoutMs - deps.clock.monotonicMs()
  const isDeadlinePassed = leftMs < leastAttemptMs({ deps, request })
  const isTimeTooShort = !isDeadlinePassed && stop?.reason === 'no_time'
  const { attempts } = trace
  const waitMs = stop?.retryAfterMs
  const wait = waitMs === undefined ? {} : { retryAfterMs: deps.routing.clock.toReal(waitMs) }
  const areAllLimited = attempts.length === 0 && stop?.reason === 'rate_limited'
  const time = { isDeadlinePassed, isTimeTooShort }
  return failureError({ resolved, attempts, ...time, areAllLimited, ...wait })
}

/** The use case: from a request as read from the wire to images that are ready to be answered. */
export const generateImages = async (
  deps: GenerationDependencies,
  request: ImageRequest,
  trace: DecisionTrace,
  hooks: GenerationHooks = {},
): Promise<ImageAnswer> => {
  const plan = planRequest(deps, request, trace)
  await reserveCost(deps.budgets, { request, trace }, plan)
  await hooks.onPlanned?.(plan)
  const inputsFor = createInputsFor(request, deps.convertInput)
  const progress = createProgressTeller(hooks.onProgress, deps.clock, trace)
  const run = { deps, request, trace, plan, inputsFor, hooks, progress }
  const { images: adopted, history } = await adoptImages(run)
  const missing = plan.count - adopted.length
  const served = missing > 0 && history ? await serveMissing(run, missing, history) : NOTHING
  const images = [...adopted, ...served.items]
  if (images.length === 0) throw noImage(run, served.stop)
  const { count, wanted, warnings } = plan
  const asked = { mode: request.mode, count, wanted, warnings }
  return createImageAnswer(images, asked, trace, deps.clock.now())
}
