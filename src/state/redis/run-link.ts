import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { KeptJob, RunOrder } from '#src/domain/run-store.ts'
import { COMMAND_TIMEOUT_MS, type RedisClient, type RedisConnection } from './connect.ts'
import { MAX_ADOPTED, runKey, UNFINISHED_MS, WATCH_KEY } from './run-keys.ts'
import { readAnswer, readJob, readOrder } from './run-schemas.ts'
import { NO_DATABASE, NOT_CONNECTED, troubleOf } from './trouble.ts'

/** A run as its owner knows it; the texts are JSON. */
export interface RunText {
  readonly runId: string
  /** Tells this claim from all others of the run. */
  readonly token: string
  readonly fingerprint: string
  readonly requestId: string
  /** Absent: it has none, or one that is too large to be kept. */
  readonly order?: string
}

/** Attempt id and job as JSON; an empty one is forgotten. */
export type JobChange = readonly [attemptId: string, job: string]

/** What Redis says to a claim. `unreadable`: it has ended, but not how. `unknown`: it says what makes no sense. */
export type LinkClaim =
  | {
      readonly kind: 'mine'
      /** Of the request for which it was claimed first. */
      readonly requestId: string
      readonly jobs: readonly KeptJob[]
    }
  | { readonly kind: 'running' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'done'; readonly answer: KeptAnswer; readonly keptForMs: number }
  | { readonly kind: 'other'; readonly isRunning: boolean }

/** How a run stands. `gone`: nobody works on it, or how it ended cannot be read. */
export type LinkState =
  | { readonly kind: 'done'; readonly answer: KeptAnswer }
  | { readonly kind: 'running' | 'gone' }

/**
 * A run that was taken on. `gone`: nothing is left to be done for it. `running`: its owner lives. `unknown`: what is
 * said of it makes no sense here; to a newer gateway it may.
 */
export type LinkAdoption =
  | { readonly kind: 'running' | 'gone' | 'unknown' }
  | {
      readonly kind: 'mine'
      readonly fingerprint: string
      readonly order: RunOrder
      readonly orderText: string
      readonly jobs: readonly KeptJob[]
      /** Absent: it has not ended. */
      readonly ended?: {
        readonly answer: KeptAnswer
        readonly text: string
        readonly keptForMs: number
      }
    }

const asList = (answer: unknown): readonly unknown[] => (Array.isArray(answer) ? answer : [])

/** In the order in which they were created. */
const readJobs = (texts: readonly unknown[]): KeptJob[] =>
  texts
    .map(readJob)
    .filter((job) => job !== undefined)
    .sort((one, other) => one.createdAtMs - other.createdAtMs)

/** Of a key without a time to live, which nobody of ours wrote: a day. */
const readTimeToLive = (answer: unknown): number => {
  const ms = Number(answer)
  return ms > 0 && ms <= UNFINISHED_MS ? ms : UNFINISHED_MS
}

const readClaim = (answer: unknown): LinkClaim => {
  const [kind, ...rest] = asList(answer)
  if (kind === 'mine') return { kind, requestId: String(rest[0]), jobs: readJobs(rest.slice(1)) }
  if (kind === 'running') return { kind }
  if (kind === 'other') return { kind, isRunning: rest[0] === 1 }
  if (kind !== 'done') return { kind: 'unknown' }
  const kept = readAnswer(rest[0])
  return kept ? { kind, answer: kept, keptForMs: readTimeToLive(rest[1]) } : { kind: 'unreadable' }
}

const readState = (answer: unknown): LinkState => {
  const [kind, text] = asList(answer)
  if (kind === 'running') return { kind }
  const kept = kind === 'done' ? readAnswer(text) : undefined
  return kept ? { kind: 'done', answer: kept } : { kind: 'gone' }
}

const readAdoption = (answer: unknown): LinkAdoption => {
  const [kind, fingerprint, , orderText, text, keptFor, ...jobs] = asList(answer)
  if (kind === 'running' || kind === 'gone') return { kind }
  const order = readOrder(orderText)
  const kept = readAnswer(text)
  // Who cannot read how it ended must not do it again.
  if (kind !== 'mine' || !order || (text !== '' && !kept)) return { kind: 'unknown' }
  const keptForMs = readTimeToLive(keptFor)
  return {
    kind,
    fingerprint: String(fingerprint),
    order,
    orderText: String(orderText),
    jobs: readJobs(jobs),
    ...(kept && { ended: { answer: kept, text: String(text), keptForMs } }),
  }
}

/**
 * What Redis is asked and told about runs. Everything resolves to `undefined` when there is no connection or Redis is
 * known to be silent, at once, and when there is no good answer within 200 ms.
 */
export class RunLink {
  readonly #connection: RedisConnection
  readonly #leaseMs: number
  readonly #monotonicMs: () => number

  #readySinceMs = Number.POSITIVE_INFINITY

  constructor(connection: RedisConnection, leaseMs: number, monotonicMs: () => number) {
    this.#connection = connection
    this.#leaseMs = leaseMs
    this.#monotonicMs = monotonicMs
    connection.client.on('ready', () => {
      this.#readySinceMs = monotonicMs()
    })
  }

  isReady(): boolean {
    return this.#connection.isReady()
  }

  /** How long the connection has been there, in ms; 0: it is not. */
  readyForMs(): number {
    return this.isReady() ? Math.max(0, this.#monotonicMs() - this.#readySinceMs) : 0
  }

  /** Connects when there is no connection and none is being made. */
  open(): void {
    const { trouble, renew, open } = this.#connection
    open()
    if (trouble()?.kind === NO_DATABASE) renew(this.#monotonicMs())
  }

  /** Takes a run on, or renews its lease. */
  async claim(run: RunText, changes: readonly JobChange[] = []): Promise<LinkClaim | undefined> {
    const answer = await this.#ask((client) =>
      client.claimRun(...this.#head(run), UNFINISHED_MS, ...changes.flat()),
    )
    return answer === undefined ? undefined : readClaim(answer)
  }

  /** Keeps how a run ended; without an order nothing is left to be done for it. Whether Redis was told. */
  async finish(run: RunText, answer: string, keepForMs: number): Promise<boolean> {
    const lifeMs = Math.max(1, Math.ceil(keepForMs))
    const told = await this.#ask((client) => client.finishRun(...this.#head(run), lifeMs, answer))
    return told !== undefined
  }

  /** Gives a run up, and keeps its jobs for so many ms; 0: not at all. Whether Redis was told. */
  async release(
    { runId, token }: Pick<RunText, 'runId' | 'token'>,
    jobsForMs: number,
  ): Promise<boolean> {
    const told = await this.#ask((client) => client.releaseRun(runKey(runId), token, jobsForMs))
    return told !== undefined
  }

  async read(runId: string): Promise<LinkState | undefined> {
    const answer = await this.#ask((client) => client.readRun(runKey(runId)))
    return answer === undefined ? undefined : readState(answer)
  }

  /** Has runs with an order looked at once their lease has run out. */
  async watch(runIds: readonly string[]): Promise<void> {
    if (runIds.length === 0) return
    await this.#ask((client) =>
      client.watchRuns(WATCH_KEY, this.#leaseMs, UNFINISHED_MS, ...runIds),
    )
  }

  async unwatch(runIds: readonly string[]): Promise<void> {
    if (runIds.length === 0) return
    await this.#ask((client) => client.zrem(WATCH_KEY, ...runIds))
  }

  /** Runs to look at; nobody else is told of them for the length of a lease. */
  async due(): Promise<readonly string[]> {
    const answer = await this.#ask((client) =>
      client.dueRuns(WATCH_KEY, MAX_ADOPTED, this.#leaseMs),
    )
    return asList(answer).map(String)
  }

  /** Takes on a run whose process has died. */
  async adopt(runId: string, token: string): Promise<LinkAdoption | undefined> {
    const answer = await this.#ask((client) => client.adoptRun(runKey(runId), token, this.#leaseMs))
    return answer === undefined ? undefined : readAdoption(answer)
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  #head({ runId, token, fingerprint, requestId, order = '' }: RunText) {
    return [runKey(runId), token, fingerprint, requestId, order, this.#leaseMs] as const
  }

  async #ask<Answer>(send: (client: RedisClient) => Promise<Answer>): Promise<Answer | undefined> {
    if (!this.#connection.isReady() || this.#connection.isSilent()) return undefined
    // A command's own time-out begins anew when a script was forgotten or a cluster redirects.
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => {
      this.#connection.fellSilent()
      late.resolve(undefined)
    }, COMMAND_TIMEOUT_MS)
    try {
      return await Promise.race([send(this.#connection.client), late.promise])
    } catch (error) {
      return this.#failed(error)
    } finally {
      clearTimeout(timer)
    }
  }

  #failed(error: unknown): undefined {
    const kind = error instanceof Error ? troubleOf(error).kind : undefined
    if (kind === NOT_CONNECTED.kind) this.#connection.fellSilent()
    // There may be a new master.
    if (kind === 'READONLY') this.#connection.renew(this.#monotonicMs())
  }
}
