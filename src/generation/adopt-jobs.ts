import type { WantedImages } from '#src/domain/image-result.ts'
import type { ProviderAnswer } from '#src/domain/provider-adapter.ts'
import type { KeptJob } from '#src/domain/run-store.ts'
import {
  type Attempt,
  type AttemptTarget,
  type AttemptWork,
  runAttempt,
} from '#src/routing/attempt.ts'
import type { DecisionTrace } from './decision-trace.ts'
import type { GeneratedImage } from './generated-image.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import { deliverAnswer } from './serve-plan.ts'

/** What jobs of a process that died are brought to their end with. */
export interface Adoption {
  readonly deps: GenerationDependencies
  readonly trace: DecisionTrace
  readonly wanted: WantedImages
  /** On the clock's monotonic scale. */
  readonly deadlineMs: number
  /** Aborted when nobody waits for them any more. */
  readonly gone: AbortSignal
  readonly onJobLost?: (attemptId: string) => void
}

interface AdoptionTarget extends AttemptTarget {
  readonly job: KeptJob
}

type AdoptionWork = AttemptWork<ProviderAnswer, GeneratedImage, AdoptionTarget>

const workOf = ({ deps, trace, wanted }: Adoption): AdoptionWork => ({
  generate: ({ job: kept }, _count, { attemptId, signal, timeoutMs }) => {
    const { provider, providerModelId, job } = kept
    const adopt = deps.adapters.get(provider)?.adopt
    if (!adopt) throw new Error(`${provider} has no jobs`)
    return trace.upstream.measure(() =>
      adopt({ attemptId, job, providerModelId, timeoutMs, signal }),
    )
  },
  deliver: ({ job: { keepsAll, warnings, cost } }, answer, signal) =>
    deliverAnswer({ deps, trace }, answer, { keepsAll, warnings, wanted, cost }, signal),
  priceOf: ({ job }) => job.cost,
})

const canAdopt = ({ deps }: Adoption, { provider }: KeptJob): boolean =>
  deps.adapters.get(provider)?.adopt !== undefined

const adoptJob = async (adoption: Adoption, job: KeptJob): Promise<readonly GeneratedImage[]> => {
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
  const { attempt, items } = await runAttempt(
    workOf(adoption),
    limits,
    { offering: job, job },
    order,
  )
  tell(adoption, attempt)
  if (attempt.status !== 'completed') onJobLost?.(attempt.id)
  return items
}

const tell = ({ deps, trace }: Adoption, attempt: Attempt): void => {
  trace.attempts.push(attempt)
  deps.events.emit('attempt', attempt, trace)
}

/**
 * Brings jobs to their end that a process created which has died: nothing is paid twice. Each is an attempt like any
 * other, but that nothing is learnt from it. Resolves to the images that came of them.
 */
export const adoptJobs = async (
  adoption: Adoption,
  jobs: readonly KeptJob[],
): Promise<readonly GeneratedImage[]> => {
  const adopted = jobs.filter((job) => canAdopt(adoption, job))
  const images = await Promise.all(adopted.map((job) => adoptJob(adoption, job)))
  return images.flat()
}
