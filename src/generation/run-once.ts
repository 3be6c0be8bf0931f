import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { KeptJob, RunClaim, RunStore } from '#src/domain/run-store.ts'

/** What work that is done once for several requests is given. */
export interface RunContext {
  /** Jobs that a process created for it which has died. */
  readonly jobs: readonly KeptJob[]
  readonly onJob: (job: KeptJob) => void
  readonly onJobLost: (attemptId: string) => void
}

export interface RunOnceInput<Outcome> {
  readonly runs: RunStore
  readonly claim: RunClaim
  /** How long the outcome is told to repeats, in ms. */
  readonly keepForMs: number
  /** Aborted when this caller waits no longer; the run goes on. */
  readonly signal: AbortSignal
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
  jobs: readonly KeptJob[] = [],
): RunContext => ({
  jobs,
  onJob: (job) => runs.noteJob(runId, job),
  onJobLost: (attemptId) => runs.dropJob(runId, attemptId),
})

/** The client gets its outcome whether it could be kept or not. */
const work = async <Outcome>(
  { runs, claim: { runId }, keepForMs, ...input }: RunOnceInput<Outcome>,
  jobs: readonly KeptJob[],
): Promise<Outcome> => {
  const end = (kept: KeptAnswer | undefined): Promise<void> =>
    kept ? runs.finish(runId, kept, keepForMs) : runs.release(runId)
  try {
    const outcome = await input.work(runContext(runs, runId, jobs))
    await end(input.keep(outcome))
    return outcome
  } catch (error) {
    await end(input.keepFailure(error))
    throw error
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

const clientLeft = (): Error => new GatewayError('TIMEOUT', 'The client waits no longer.')

/**
 * Does the work once for all requests that claim the same run, at the same time or later: the first does it, the others
 * are told what came of it. Rejects with the 400 or 409 for a run that belongs to another request.
 */
export const runOnce = async <Outcome>(
  input: RunOnceInput<Outcome>,
): Promise<RunOutcome<Outcome>> => {
  const { runs, claim, signal } = input
  for (;;) {
    const claimed = await runs.claim(claim)
    if (claimed.kind === 'mine') {
      return { kind: 'fresh', outcome: await work(input, claimed.jobs) }
    }
    if (claimed.kind === 'done') return { kind: 'kept', answer: claimed.answer }
    if (claimed.kind === 'other') throw otherRequest(claimed.isRunning)
    const answer = await runs.follow(claim.runId, signal)
    if (answer) return { kind: 'kept', answer }
    if (signal.aborted) throw clientLeft()
  }
}
