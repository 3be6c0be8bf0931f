import type { ByteAccount } from '#src/domain/byte-account.ts'
import type { GatewayError } from '#src/domain/errors.ts'
import type { WantedImages } from '#src/domain/image-result.ts'
import type { ProviderAnswer } from '#src/domain/provider-adapter.ts'
import type { KeptJob } from '#src/domain/run-store.ts'
import {
  type Attempt,
  type AttemptResult,
  type AttemptTarget,
  type AttemptWork,
  runAttempt,
} from '#src/routing/attempt.ts'
import type { DecisionTrace } from './decision-trace.ts'
import type { GeneratedImage } from './generated-image.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import { deliverAnswer } from './serve-plan.ts'
import { observedBy, type ProgressTeller } from './tell-progress.ts'
import { traceAttempts } from './trace-attempts.ts'

/** What jobs are brought to their end with that an earlier process or request created. */
export interface Adoption {
  readonly deps: GenerationDependencies
  readonly trace: DecisionTrace
  readonly wanted: WantedImages
  /** On the clock's monotonic scale. */
  readonly deadlineMs: number
  /** Aborted when nobody waits for them any more. */
  readonly gone: AbortSignal
  /** What the request holds in memory; absent: nobody counts. */
  readonly memory?: ByteAccount
  /** Told of each job that came to nothing; absent: nobody asks. */
  readonly onJobLost?: (attemptId: string) => void
  /** Absent: nobody listens. */
  readonly progress?: ProgressTeller
}

interface AdoptionTarget extends AttemptTarget {
  readonly job: KeptJob
}

type AdoptionWork = AttemptWork<ProviderAnswer, GeneratedImage, AdoptionTarget>

const workOf = ({ deps, trace, wanted, memory, progress }: Adoption): AdoptionWork => ({
  generate: ({ job: kept }, _count, { attemptId, signal, timeoutMs }) => {
    const { provider, providerModelId, job } = kept
    const adopt = deps.adapters.get(provider)?.adopt
    if (!adopt) throw new Error(`${provider} has no jobs`)
    return trace.upstream.measure(() =>
      adopt({ attemptId, job, providerModelId, timeoutMs, signal, ...(memory && { memory }) }),
    )
  },
  deliver: ({ job: { keepsAll, warnings, cost } }, answer, signal) =>
    deliverAnswer({ deps, trace, memory }, answer, { keepsAll, warnings, wanted, cost }, signal),
  priceOf: ({ job }) => job.cost,
  ...observedBy(
    progress?.observe,
    traceAttempts<AdoptionTarget>(deps.tracer, 'adoption', ({ job }) => job).observe,
  ),
})

const canAdopt = ({ deps }: Adoption, { provider }: KeptJob): boolean =>
  deps.adapters.get(provider)?.adopt !== undefined

const adoptJob = async (
  adoption: Adoption,
  job: KeptJob,
): Promise<AttemptResult<GeneratedImage>> => {
  const { deps, deadlineMs, gone, onJobLost } = adoption
  const { clock, policy } = deps.routing
  const limits = {
    deadlineMs,
    gone,
    cancelGraceMs: () => clock.toReal(policy.cancelGraceMs),
    clock: deps.clock,
  }
  const timeoutMs = deadlineMs - deps.clock.monotonicMs()
  const order = { count: job.count, timeoutMs, id: job.attemptId }
  const result = await runAttempt(workOf(adoption), limits, { offering: job, job }, order)
  const { attempt } = result
  tell(adoption, attempt)
  // What the gateway itself failed with leaves the job as it is: it can still be fetched.
  if (attempt.failure) onJobLost?.(attempt.id)
  return result
}

const tell = ({ deps, trace }: Adoption, attempt: Attempt): void => {
  trace.attempts.push(attempt)
  deps.events.emit('attempt', attempt, trace)
}

/** What came of jobs that were brought to their end. */
export interface AdoptedJobs {
  readonly images: readonly GeneratedImage[]
  /** One for each job. */
  readonly attempts: readonly Attempt[]
  /** Why the gateway itself could not make the images of one ready; absent: it could. */
  readonly fault?: GatewayError
}

/**
 * Brings jobs to their end that an earlier process or request created: nothing is paid twice. Each is an attempt like
 * any other, but that nothing is learnt from it. Rejects with the gateway's own fault when it left no image at all.
 */
export const adoptJobs = async (
  adoption: Adoption,
  jobs: readonly KeptJob[],
): Promise<AdoptedJobs> => {
  const strange = jobs.filter((job) => !canAdopt(adoption, job))
  for (const { attemptId } of strange) adoption.onJobLost?.(attemptId)
  const known = jobs.filter((job) => canAdopt(adoption, job))
  const results = await Promise.all(known.map((job) => adoptJob(adoption, job)))
  const images = results.flatMap(({ items }) => items)
  const attempts = results.map(({ attempt }) => attempt)
  const fault = attempts.find((attempt) => attempt.fault)?.fault
  if (fault && images.length === 0) throw fault
  return { images, attempts, ...(fault && { fault }) }
}
