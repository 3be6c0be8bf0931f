import { randomUUID } from 'node:crypto'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import { type KeptJob, LEFT_JOBS_MS, type RunClaim } from '#src/domain/run-store.ts'
import { BUFFER_MS, MAX_TEXT_BYTES, MAX_UNTOLD } from './run-keys.ts'
import type { JobChange, RunLink, RunText } from './run-link.ts'

/** A run of this process, as it should stand in Redis. */
export interface OwnRun extends RunText {
  /** JSON by attempt id. */
  readonly jobs: Map<string, string>
  /** Attempt ids of jobs that came to nothing. */
  readonly dropped: Set<string>
  /** Absent: it is being worked on. Times are monotonic. */
  end?: {
    /** Absent: too large to be kept. */
    readonly text?: string
    readonly untilMs: number
  }
  isSettled: boolean
  isReleased: boolean
  /** Another request claimed it first: whoever claims it next has to know. */
  isTakenOver: boolean
  /** Number of the latest change, and of the latest that Redis was told. */
  change: number
  told: number
  changedMs: number
  toldMs: number
  /** The last of the tellings under way, which wait for each other; absent: there is none. */
  telling?: Promise<void>
}

/** What a ledger needs of the link. */
export type LedgerLink = Pick<
  RunLink,
  'isReady' | 'claim' | 'finish' | 'release' | 'watch' | 'unwatch'
>

/** JSON; `undefined`: too large for Redis. */
const write = (value: unknown): string | undefined => {
  const text = JSON.stringify(value)
  return Buffer.byteLength(text) <= MAX_TEXT_BYTES ? text : undefined
}

const changesOf = ({ jobs, dropped }: OwnRun): JobChange[] => [
  ...jobs,
  ...[...dropped].map((attemptId) => [attemptId, ''] as const),
]

/**
 * The runs of this process, as Redis should know them. Whatever happens to a run changes what is wanted here, and all of
 * that is told at once: what could not be told needs no queue, as the next telling says everything.
 */
export class RunLedger {
  readonly #link: LedgerLink
  readonly #renewalMs: number
  readonly #monotonicMs: () => number
  readonly #runs = new Map<string, OwnRun>()
  /** Those that only have to be told, in the order in which that became so. */
  readonly #over = new Set<OwnRun>()

  constructor(link: LedgerLink, renewalMs: number, monotonicMs: () => number) {
    this.#link = link
    this.#renewalMs = renewalMs
    this.#monotonicMs = monotonicMs
  }

  has(runId: string): boolean {
    return this.#runs.has(runId)
  }

  /**
   * A run to be claimed, with jobs that an earlier claim of this process left. One that Redis may not know to be released
   * is claimed on under the same token.
   */
  draft({ runId, fingerprint, requestId, order }: RunClaim, jobs: readonly KeptJob[]): OwnRun {
    const known = this.#runs.get(runId)
    const released = known?.isReleased ? known : undefined
    if (released) this.#forget(released)
    const text = order && write(order)
    const run = this.create(
      { runId, fingerprint, requestId, ...(text !== undefined && { order: text }) },
      released?.token,
    )
    this.#addJobs(run, jobs)
    for (const attemptId of released?.dropped ?? []) run.dropped.add(attemptId)
    return run
  }

  create(run: Omit<RunText, 'token'>, token: string = randomUUID()): OwnRun {
    return {
      ...run,
      token,
      jobs: new Map(),
      dropped: new Set(),
      isSettled: false,
      isReleased: false,
      isTakenOver: false,
      change: 1,
      told: 0,
      changedMs: this.#monotonicMs(),
      toldMs: Number.NEGATIVE_INFINITY,
    }
  }

  /** Asks for a run. */
  claim(run: OwnRun): ReturnType<RunLink['claim']> {
    if (run.order !== undefined) this.#link.watch([run.runId])
    return this.#link.claim(run, changesOf(run))
  }

  /** Keeps a run alive from now on. `isTold`: Redis knows of it. */
  add(run: OwnRun, jobs: readonly KeptJob[], isTold: boolean): void {
    this.#addJobs(run, jobs)
    this.#runs.set(run.runId, run)
    if (!isTold) return
    run.told = run.change
    run.toldMs = this.#monotonicMs()
  }

  #addJobs({ jobs }: OwnRun, added: readonly KeptJob[]): void {
    for (const job of added) {
      const text = write(job)
      if (text !== undefined) jobs.set(job.attemptId, text)
    }
  }

  noteJob(runId: string, job: KeptJob): Promise<void> {
    return this.#change(runId, (run) => this.#addJobs(run, [job]))
  }

  dropJob(runId: string, attemptId: string): Promise<void> {
    return this.#change(runId, ({ jobs, dropped }) => {
      jobs.delete(attemptId)
      dropped.add(attemptId)
    })
  }

  end(runId: string, answer: KeptAnswer, keepForMs: number): Promise<void> {
    return this.#change(runId, (run) => {
      if (run.end) return
      const text = write(answer)
      const untilMs = this.#monotonicMs() + keepForMs
      run.end = { ...(text !== undefined && { text }), untilMs }
    })
  }

  settle(runId: string): Promise<void> {
    return this.#change(runId, (run) => {
      run.isSettled = true
    })
  }

  release(runId: string): Promise<void> {
    return this.#change(runId, (run) => {
      run.isReleased = run.end === undefined
    })
  }

  /** Tells what has not been told, and says of all runs that somebody works on them when that is due. */
  async tell(): Promise<void> {
    this.#forgetOld()
    if (!this.#link.isReady()) return
    const due = [...this.#runs.values()].filter((run) => this.#isDue(run))
    await Promise.all(due.map((run) => run.telling ?? this.#tell(run)))
    const watched = due.filter((run) => run.order !== undefined && this.#runs.has(run.runId))
    await this.#link.watch(watched.map(({ runId }) => runId))
  }

  /** Resolves when Redis was told, or could not be. */
  async #change(runId: string, change: (run: OwnRun) => unknown): Promise<void> {
    const run = this.#runs.get(runId)
    if (!run || run.isReleased) return
    change(run)
    run.change += 1
    run.changedMs = this.#monotonicMs()
    if (this.#isOver(run)) this.#keepAsOver(run)
    await this.#tell(run)
  }

  #isOver({ isReleased, end, order, isSettled }: OwnRun): boolean {
    if (isReleased) return true
    return end !== undefined && (order === undefined || isSettled || this.#isPast(end))
  }

  #isPast({ untilMs }: { readonly untilMs: number }): boolean {
    return untilMs <= this.#monotonicMs()
  }

  #isDue({ told, change, toldMs }: OwnRun): boolean {
    return told < change || toldMs <= this.#monotonicMs() - this.#renewalMs
  }

  /**
   * Tells how the run stands once nothing else is being told of it: a claim that arrived behind the release of another
   * telling would take the run on again, with nobody to give it up.
   */
  #tell(run: OwnRun): Promise<void> {
    const telling = this.#tellAfter(run.telling, run).finally(() => {
      if (run.telling === telling) delete run.telling
    })
    run.telling = telling
    return telling
  }

  async #tellAfter(before: Promise<void> | undefined, run: OwnRun): Promise<void> {
    if (before) await before
    if (this.#isDue(run)) await this.#tellNow(run)
  }

  async #tellNow(run: OwnRun): Promise<void> {
    const { change } = run
    if (!(await this.#send(run))) return
    run.told = Math.max(run.told, change)
    run.toldMs = this.#monotonicMs()
    if (run.told < run.change || !this.#isOver(run)) return
    this.#forget(run)
    if (run.order !== undefined) await this.#link.unwatch([run.runId])
  }

  /** Whether Redis was told how the run stands. */
  async #send(run: OwnRun): Promise<boolean> {
    const { end, isReleased, isSettled, order, ...text } = run
    if (isReleased && (run.jobs.size > 0 || run.isTakenOver)) return this.#leaveJobs(run)
    // What is too large to be told must not be waited for.
    if (isReleased || (end && end.text === undefined)) return this.#link.release(run, 0)
    if (end?.text === undefined) {
      return (await this.#link.claim(run, changesOf(run))) !== undefined
    }
    if (this.#isPast(end)) return true
    const duty = isSettled || order === undefined ? text : { ...text, order }
    return this.#link.finish(duty, end.text, end.untilMs - this.#monotonicMs())
  }

  /** Gives a run up whose jobs somebody may still fetch; Redis may not know all of them. */
  async #leaveJobs(run: OwnRun): Promise<boolean> {
    const said = await this.#link.claim(run, changesOf(run))
    // Claimed on meanwhile, under the same token: it is given up no more.
    if (this.#runs.get(run.runId) !== run) return true
    return said !== undefined && (await this.#link.release(run, LEFT_JOBS_MS))
  }

  #keepAsOver(run: OwnRun): void {
    this.#over.add(run)
    const [oldest] = this.#over
    if (oldest && this.#over.size > MAX_UNTOLD) this.#forget(oldest)
  }

  #forgetOld(): void {
    const oldMs = this.#monotonicMs() - BUFFER_MS
    for (const run of this.#over) if (run.changedMs < oldMs) this.#forget(run)
  }

  #forget(run: OwnRun): void {
    this.#over.delete(run)
    if (this.#runs.get(run.runId) === run) this.#runs.delete(run.runId)
  }
}
