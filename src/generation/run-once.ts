import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { KeptJob, RunClaim, RunStore } from '#src/domain/run-store.ts'

/** What work that is done once for several requests is given. */
export interface RunContext {
  /** Jobs that were created for it by a process which has died, or whose work failed by a fault of its own. */
  readonly jobs: readonly KeptJob[]
  /** Id of the request for which the work was begun first; absent: it begins now. */
  readonly firstRequestId?: string
  readonly onJob: (job: KeptJob) => void
  readonly onJobLost: (attemptId: string) => void
}

export interface RunOnceInput<Outcome> {
  readonly runs: RunStore
  readonly claim: RunClaim
  /** How long the outcome is told to repeats, in ms. */
  readonly keepForMs: number
  /** Aborted when this caller waits no longer, with the reason as a `GatewayError` if it is to be told one. */
  readonly signal: AbortSignal
  /** Told before the caller begins to wait for somebody else's work; absent: nobody asks. */
  readonly onWaiting?: () => void
  readonly work: (context: RunContext) => Promise<Outcome>
  /** `undefined`: it cannot be kept; a repeat of the request begins anew. */
  readonly keep: (outcome: Outcome) => KeptAnswer | undefined
  /** `undefined`: a repeat of the request begins anew after this failure. */
  readonly keepFailure: (error: unknown) => KeptAnswer | undefined
}

/** `fresh`: this caller did the work; `kept`: another request with the same key did. */
export type RunOutcome<Outcome> =
  | { readonly kind: 'fresh'; readonly outcome: Outcome }
  | { readonly kind: 'kept'; readonly answer: KeptAnswer }

/** What a run's work is given to keep its jobs with. */
export const runContext = (
  runs: RunStore,
  runId: string,
  { jobs, firstRequestId }: Omit<RunContext, 'onJob' | 'onJobLost'> = { jobs: [] },
): RunContext => ({
  jobs,
  ...(firstRequestId !== undefined && { firstRequestId }),
  onJob: (job) => runs.noteJob(runId, job),
  onJobLost: (attemptId) => runs.dropJob(runId, attemptId),
})

/** The same, and whether jobs are left that did not come to nothing. */
const watchJobs = (
  context: RunContext,
): { readonly context: RunContext; readonly leaveJobs: () => boolean } => {
  const left = new Map(context.jobs.map((job) => [job.attemptId, job]))
  return {
    context: {
      ...context,
      onJob: (job) => {
        left.set(job.attemptId, job)
        context.onJob(job)
      },
      onJobLost: (attemptId) => {
        left.delete(attemptId)
        context.onJobLost(attemptId)
      },
    },
    /** Whether there are any. This request has booked them: whoever fetches them pays nothing. */
    leaveJobs: () => {
      for (const job of left.values()) context.onJob({ ...job, cost: 0 })
      return left.size > 0
    },
  }
}

/** The client gets its outcome whether it could be kept or not. */
const work = async <Outcome>(
  { runs, claim: { runId }, keepForMs, ...input }: RunOnceInput<Outcome>,
  claimed: Omit<RunContext, 'onJob' | 'onJobLost'>,
): Promise<Outcome> => {
  const end = (kept: KeptAnswer | undefined): Promise<void> =>
    kept ? runs.finish(runId, kept, keepForMs) : runs.release(runId)
  const { context, leaveJobs } = watchJobs(runContext(runs, runId, claimed))
  try {
    const outcome = await input.work(context)
    const kept = input.keep(outcome)
    if (!kept) leaveJobs()
    await end(kept)
    return outcome
  } catch (error) {
    // The images of such a job can still be fetched: a repeat does that instead of being told of a fault that has passed.
    const hasLeftJobs = leaveJobs()
    await end(hasLeftJobs ? undefined : input.keepFailure(error))
    throw hasLeftJobs && error instanceof GatewayError
      ? new GatewayError(error.code, error.message, { ...error.options, isRetryable: true })
      : error
  }
}

const otherRequest = (isRunning: boolean): Error => {
  const param = 'Idempotency-Key'
  const message = 'This Idempotency-Key belongs to another request'
  return isRunning
    ? new GatewayError('INVALID_REQUEST', `${message}, which is still running.`, {
        status: 409,
        param,
        isRetryable: false,
      })
    : invalidRequest(`${message}: use a new key for a new body or path.`, param)
}

/** Another version of the gateway knows what came of it: doing it again would be paid for again. */
const unreadable = (): Error =>
  new GatewayError(
    'OVERLOADED',
    'What came of the first request with this Idempotency-Key cannot be read by this gateway now.',
  )

const clientLeft = (): Error => new GatewayError('TIMEOUT', 'The client waits no longer.')

/**
 * Does the work once for all requests that claim the same run, at the same time or later: the first does it, the others
 * are told what came of it. Rejects with the 400 or 409 for a run that belongs to another request, and with the 503 for
 * one whose end only another version of the gateway can read.
 */
export const runOnce = async <Outcome>(
  input: RunOnceInput<Outcome>,
): Promise<RunOutcome<Outcome>> => {
  const { runs, claim, signal } = input
  for (;;) {
    const claimed = await runs.claim(claim)
    if (claimed.kind === 'mine') {
      return { kind: 'fresh', outcome: await work(input, claimed) }
    }
    if (claimed.kind === 'done') return { kind: 'kept', answer: claimed.answer }
    if (claimed.kind === 'unreadable') throw unreadable()
    if (claimed.kind === 'other') throw otherRequest(claimed.isRunning)
    input.onWaiting?.()
    const answer = await runs.follow(claim.runId, signal)
    if (answer) return { kind: 'kept', answer }
    if (signal.aborted) throw signal.reason instanceof GatewayError ? signal.reason : clientLeft()
  }
}
