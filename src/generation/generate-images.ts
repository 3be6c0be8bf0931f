import type { ImageAnswer } from '#src/domain/image-answer.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { FailoverResult } from '#src/routing/failover.ts'
import { adoptJobs } from './adopt-jobs.ts'
import type { DecisionTrace } from './decision-trace.ts'
import { failureError } from './failure-error.ts'
import type { GeneratedImage } from './generated-image.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import type { GenerationHooks } from './generation-hooks.ts'
import { createImageAnswer } from './image-answer.ts'
import { planRequest } from './plan-request.ts'
import { createInputsFor } from './provider-call.ts'
import { type GenerationRun, leastAttemptMs, servePlan } from './serve-plan.ts'

/** Images that jobs of an earlier process for this very request still bring. */
const adoptImages = async ({
  deps,
  request,
  trace,
  plan,
  hooks,
}: GenerationRun): Promise<readonly GeneratedImage[]> => {
  const { jobs = [], onImages, onJobLost } = hooks
  if (jobs.length === 0) return []
  const deadlineMs = trace.startMs + request.timeoutMs
  const { wanted } = plan
  const lost = onJobLost ? { onJobLost } : {}
  const adoption = { deps, trace, wanted, deadlineMs, gone: request.signal, ...lost }
  const images = (await adoptJobs(adoption, jobs)).slice(0, plan.count)
  if (images.length > 0) onImages?.(images)
  return images
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
  await hooks.onPlanned?.(plan)
  const inputsFor = createInputsFor(request, deps.convertInput)
  const run = { deps, request, trace, plan, inputsFor, hooks }
  const adopted = await adoptImages(run)
  const missing = plan.count - adopted.length
  const served = missing > 0 ? await servePlan(run, missing) : { items: [] }
  const images = [...adopted, ...served.items]
  if (images.length === 0) throw noImage(run, served.stop)
  const { count, wanted, warnings } = plan
  const asked = { mode: request.mode, count, wanted, warnings }
  return createImageAnswer(images, asked, trace, deps.clock.now())
}
