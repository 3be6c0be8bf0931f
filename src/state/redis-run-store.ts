import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '#src/domain/clock.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { ClaimResult, KeptJob, Orphan, RunClaim, RunStore } from '#src/domain/run-store.ts'
import { LocalRuns } from './memory/memory-run-store.ts'
import { createRedisConnection } from './redis/connect.ts'
import { LEASE_MS, POLL_MS, RENEWAL_MS, RUN_PREFIX } from './redis/run-keys.ts'
import { RunLedger } from './redis/run-ledger.ts'
import { type LinkAdoption, RunLink } from './redis/run-link.ts'

export interface RedisRunStoreOptions {
  /** As `REDIS_URL`; see `redisUrlProblem`. */
  readonly url: string
  readonly clock: Clock
  /** How long a run belongs to a process that gives no sign of life, in real ms. Absent: 30 s. */
  readonly leaseMs?: number
  /** How often a process says that it still works on its runs, in real ms. Absent: 10 s. */
  readonly renewalMs?: number
  /** How often a process looks whether a run that works elsewhere has ended, in real ms. Absent: 0.5 s. */
  readonly pollMs?: number
  /** Most runs kept in this process that have ended. Absent: as a store in memory. */
  readonly maxRuns?: number
  /** Uniform in [0, 1). Absent: `Math.random`. */
  readonly random?: () => number
}

/** Runs that gateways share. */
export interface SharedRunStore extends RunStore {
  /** Whether runs are shared now; if not, this process is as alone. */
  isShared(): boolean
}

/** What has not been told is tried so often between two renewals. */
const TELLINGS_PER_RENEWAL = 10

type MyClaim = Extract<ClaimResult, { kind: 'mine' }>

class RedisRuns implements SharedRunStore {
  readonly #local: LocalRuns
  readonly #link: RunLink
  readonly #ledger: RunLedger
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #renewalMs: number
  readonly #pollMs: number
  /** What Redis is being asked for, by run. */
  readonly #asked = new Map<string, Promise<ClaimResult>>()
  readonly #timer: NodeJS.Timeout

  constructor({ url, clock, random, ...options }: RedisRunStoreOptions) {
    const { leaseMs = LEASE_MS, renewalMs = RENEWAL_MS, pollMs = POLL_MS } = options
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#renewalMs = renewalMs
    this.#pollMs = pollMs
    this.#local = new LocalRuns({ clock, ...options })
    const connection = createRedisConnection(url, { prefix: RUN_PREFIX, random })
    this.#link = new RunLink(connection, leaseMs, clock.monotonicMs)
    this.#ledger = new RunLedger(this.#link, renewalMs, clock.monotonicMs)
    this.#link.open()
    this.#timer = setInterval(() => this.#tick(), renewalMs / TELLINGS_PER_RENEWAL).unref()
  }

  isShared(): boolean {
    return this.#link.isReady()
  }

  async claim(claim: RunClaim): Promise<ClaimResult> {
    const local = this.#local.claim(claim)
    if (local.kind === 'mine') {
      const asked = this.#ask(claim, local)
      this.#asked.set(claim.runId, asked)
      return asked
    }
    const shared = await this.#asked.get(claim.runId)
    if (!shared || shared.kind === 'mine') return local
    // What was asked for had the same fingerprint, or another one: then this one has to be asked for, too.
    return local.kind === 'running' ? shared : this.claim(claim)
  }

  /** Claims in Redis what this process has claimed here. Without a word from Redis it goes on alone. */
  async #ask(claim: RunClaim, local: MyClaim): Promise<ClaimResult> {
    const { runId, requestId } = claim
    const run = this.#ledger.draft(claim, local.jobs)
    const said = await this.#ledger.claim(run)
    this.#asked.delete(runId)
    if (said?.kind === 'done') {
      this.#local.finish(runId, said.answer, said.keptForMs)
      return { kind: 'done', answer: said.answer }
    }
    if (said?.kind === 'running' || said?.kind === 'other' || said?.kind === 'unreadable') {
      this.#local.forget(runId)
      return said
    }
    if (said?.kind !== 'mine') {
      this.#ledger.add(run, [], said !== undefined)
      return local
    }
    this.#addJobs(runId, said.jobs)
    this.#ledger.add(run, said.jobs, true)
    const isFirst = said.requestId === requestId
    run.isTakenOver = !isFirst
    return { kind: 'mine', jobs: said.jobs, ...(!isFirst && { firstRequestId: said.requestId }) }
  }

  #addJobs(runId: string, jobs: readonly KeptJob[]): void {
    for (const job of jobs) this.#local.noteJob(runId, job)
  }

  noteJob(...[runId, job]: Parameters<RunStore['noteJob']>): void {
    this.#local.noteJob(runId, job)
    this.#ledger.noteJob(runId, job)
  }

  dropJob(runId: string, attemptId: string): void {
    this.#local.dropJob(runId, attemptId)
    this.#ledger.dropJob(runId, attemptId)
  }

  async finish(runId: string, answer: KeptAnswer, keepForMs: number): Promise<void> {
    this.#local.finish(runId, answer, keepForMs)
    await this.#ledger.end(runId, answer, keepForMs)
  }

  settle(runId: string): Promise<void> {
    return this.#ledger.settle(runId)
  }

  async release(runId: string): Promise<void> {
    this.#local.release(runId)
    await this.#ledger.release(runId)
  }

  async follow(runId: string, signal: AbortSignal): Promise<KeptAnswer | undefined> {
    return this.#local.follow(runId, signal) ?? this.#poll(runId, signal)
  }

  /** When Redis, which knew of it, says nothing for the length of a lease, who works on it counts as dead. */
  async #poll(runId: string, signal: AbortSignal): Promise<KeptAnswer | undefined> {
    let heardMs = this.#clock.monotonicMs()
    while (!signal.aborted) {
      const state = await this.#link.read(runId)
      if (state?.kind === 'done') return state.answer
      const nowMs = this.#clock.monotonicMs()
      if (state) heardMs = nowMs
      if (state?.kind === 'gone' || nowMs - heardMs >= this.#leaseMs) return undefined
      await pause(this.#pollMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
    return undefined
  }

  async read(runId: string): Promise<KeptAnswer | undefined> {
    const local = this.#local.read(runId)
    if (local) return local
    const state = await this.#link.read(runId)
    return state?.kind === 'done' ? state.answer : undefined
  }

  async adoptOrphans(): Promise<readonly Orphan[]> {
    // After an outage the living are given the time to say that they live.
    if (this.#link.readyForMs() < this.#renewalMs) return []
    const due = await this.#link.due()
    const strangers = due.filter((runId) => !this.#ledger.has(runId))
    const orphans = await Promise.all(strangers.map((runId) => this.#adopt(runId)))
    return orphans.filter((orphan) => orphan !== undefined)
  }

  async #adopt(runId: string): Promise<Orphan | undefined> {
    const token = randomUUID()
    const adoption = await this.#link.adopt(runId, token)
    if (adoption?.kind === 'gone') await this.#link.unwatch([runId])
    return adoption?.kind === 'mine' ? this.#takeOn(runId, token, adoption) : undefined
  }

  #takeOn(
    runId: string,
    token: string,
    { fingerprint, order, orderText, jobs, ended }: Extract<LinkAdoption, { kind: 'mine' }>,
  ): Orphan {
    const { requestId } = order
    const run = this.#ledger.create({ runId, fingerprint, requestId, order: orderText }, token)
    this.#local.claim({ runId, fingerprint, requestId })
    this.#addJobs(runId, jobs)
    if (ended) {
      this.#local.finish(runId, ended.answer, ended.keptForMs)
      run.end = { text: ended.text, untilMs: this.#clock.monotonicMs() + ended.keptForMs }
    }
    this.#ledger.add(run, jobs, true)
    return { runId, order, jobs, ...(ended && { answer: ended.answer }) }
  }

  #tick(): void {
    if (!this.#link.isReady()) this.#link.open()
    this.#ledger.tell()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#ledger.tell()
    await this.#link.close()
  }
}

/**
 * Runs that gateways share through Redis. This process's own come first and need no Redis; of the others Redis is asked,
 * for 200 ms at most. Whatever happens to Redis, nothing rejects, except here for a URL that cannot be read.
 */
export const createRedisRunStore = (options: RedisRunStoreOptions): SharedRunStore =>
  new RedisRuns(options)
