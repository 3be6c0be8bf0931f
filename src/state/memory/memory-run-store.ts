import type { Clock } from '#src/domain/clock.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import {
  type ClaimResult,
  type KeptJob,
  LEFT_JOBS_MS,
  type RunClaim,
  type RunStore,
} from '#src/domain/run-store.ts'

/** A kept answer is some 2 kB: its images lie in the media store. */
export const DEFAULT_MAX_RUNS = 10_000

interface Run {
  readonly fingerprint: string
  /** Of the request for which it was claimed first. */
  readonly requestId: string
  /** By attempt id. */
  readonly jobs: Map<string, KeptJob>
  /** Absent: somebody works on it. Without an answer it was released, and its jobs wait for whoever claims it. */
  ended?: {
    readonly answer?: KeptAnswer
    /** On the monotonic scale: what is kept for an hour is so whatever the wall clock is set to. */
    readonly untilMs: number
  }
  /** Resolved when it has ended or was released. */
  readonly end: PromiseWithResolvers<KeptAnswer | undefined>
}

/** Resolves to `undefined` as soon as the signal is aborted. */
const unlessAborted = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> => {
  if (signal.aborted) return undefined
  const aborted = Promise.withResolvers<undefined>()
  const onAbort = (): void => aborted.resolve(undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

export interface LocalRunsOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Most runs kept that have ended; absent: `DEFAULT_MAX_RUNS`. */
  readonly maxRuns?: number
}

/** The runs of this process. When there are too many, those that ended longest ago are forgotten. */
export class LocalRuns {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #maxRuns: number
  readonly #running = new Map<string, Run>()
  /** In the order in which they ended or were released. */
  readonly #ended = new Map<string, Run>()

  constructor({ clock, maxRuns = DEFAULT_MAX_RUNS }: LocalRunsOptions) {
    this.#clock = clock
    this.#maxRuns = maxRuns
  }

  /** As `RunStore.claim`, as far as this process knows. */
  claim(claim: Omit<RunClaim, 'order'>): ClaimResult {
    const { runId, fingerprint } = claim
    const known = this.#find(runId)
    if (!known) return this.#begin(claim)
    if (known.fingerprint !== fingerprint) return { kind: 'other', isRunning: !known.ended }
    if (!known.ended) return { kind: 'running' }
    const { answer } = known.ended
    return answer ? { kind: 'done', answer } : this.#begin(claim, known)
  }

  #begin({ runId, fingerprint, requestId }: Omit<RunClaim, 'order'>, released?: Run): ClaimResult {
    const firstRequestId = released?.requestId ?? requestId
    const jobs = new Map(released?.jobs)
    this.#ended.delete(runId)
    this.#running.set(runId, {
      fingerprint,
      requestId: firstRequestId,
      jobs,
      end: Promise.withResolvers(),
    })
    const isFirst = firstRequestId === requestId
    return { kind: 'mine', jobs: [...jobs.values()], ...(!isFirst && { firstRequestId }) }
  }

  /** As `RunStore.noteJob`; does nothing for a run that nobody works on here. */
  noteJob(runId: string, job: KeptJob): void {
    this.#running.get(runId)?.jobs.set(job.attemptId, job)
  }

  /** As `RunStore.dropJob`; does nothing for a run that nobody works on here. */
  dropJob(runId: string, attemptId: string): void {
    this.#running.get(runId)?.jobs.delete(attemptId)
  }

  /** As `RunStore.finish`; does nothing for a run that nobody works on here. */
  finish(runId: string, answer: KeptAnswer, keepForMs: number): void {
    const run = this.#running.get(runId)
    if (!run) return
    run.jobs.clear()
    this.#end(runId, run, { answer, untilMs: this.#clock.monotonicMs() + keepForMs })
  }

  /** As `RunStore.release`; does nothing for a run that nobody works on here. */
  release(runId: string): void {
    const run = this.#running.get(runId)
    if (!run) return
    if (run.jobs.size === 0) this.forget(runId)
    else this.#end(runId, run, { untilMs: this.#clock.monotonicMs() + LEFT_JOBS_MS })
  }

  /** Knows nothing any more of a run that was worked on here: it is somebody else's. */
  forget(runId: string): void {
    const run = this.#running.get(runId)
    this.#running.delete(runId)
    run?.end.resolve(undefined)
  }

  #end(runId: string, run: Run, ended: NonNullable<Run['ended']>): void {
    this.#running.delete(runId)
    run.ended = ended
    this.#ended.set(runId, run)
    this.#makeRoom()
    run.end.resolve(ended.answer)
  }

  /** As `RunStore.follow`; `undefined`: this process does not know the run. */
  follow(runId: string, signal: AbortSignal): Promise<KeptAnswer | undefined> | undefined {
    const run = this.#find(runId)
    return run && unlessAborted(run.end.promise, signal)
  }

  /** As `RunStore.read`. */
  read(runId: string): KeptAnswer | undefined {
    return this.#find(runId)?.ended?.answer
  }

  #find(runId: string): Run | undefined {
    const run = this.#running.get(runId) ?? this.#ended.get(runId)
    if (!run?.ended || run.ended.untilMs > this.#clock.monotonicMs()) return run
    this.#ended.delete(runId)
    return undefined
  }

  #makeRoom(): void {
    for (const [runId, run] of this.#ended) {
      const isOver = run.ended !== undefined && run.ended.untilMs <= this.#clock.monotonicMs()
      if (!isOver && this.#ended.size <= this.#maxRuns) return
      this.#ended.delete(runId)
    }
  }
}

/** The runs of a gateway that is alone. What it worked on is lost with it. */
export const createMemoryRunStore = (options: LocalRunsOptions): RunStore => {
  const runs = new LocalRuns(options)
  return {
    claim: async (claim) => runs.claim(claim),
    noteJob: (runId, job) => runs.noteJob(runId, job),
    dropJob: (runId, attemptId) => runs.dropJob(runId, attemptId),
    finish: async (runId, answer, keepForMs) => runs.finish(runId, answer, keepForMs),
    settle: async () => undefined,
    release: async (runId) => runs.release(runId),
    follow: async (runId, signal) => runs.follow(runId, signal),
    read: async (runId) => runs.read(runId),
    adoptOrphans: async () => [],
    close: async () => undefined,
  }
}
