import type { KeptAnswer } from './image-answer.ts'
import type { Warning } from './image-request.ts'
import type { WantedImages } from './image-result.ts'
import type { Mode } from './model-card.ts'
import type { MicroUsd } from './money.ts'
import type { ProviderJob } from './provider-adapter.ts'

/*
 * A run is the work for one request that outlives its connection: it came with an idempotency key, or asked to be
 * answered later. At most one process works on a run at a time.
 */

/** A job at a provider that belongs to a run, so that a later process takes it over instead of paying for another. */
export interface KeptJob {
  readonly attemptId: string
  readonly configKey: string
  readonly provider: string
  /** The id under which the provider knew the model when the job was created. */
  readonly providerModelId: string
  readonly job: ProviderJob
  /** Images asked of it. */
  readonly count: number
  /** Whether all images that it gives are wanted; false: the last one. */
  readonly keepsAll: boolean
  /** Expected price. */
  readonly cost: MicroUsd
  /** What its offering does otherwise than asked. */
  readonly warnings: readonly Warning[]
  /** Wall-clock ms. */
  readonly createdAtMs: number
}

/** What another process has to know to bring a run to its end without the request: no prompt, no images. */
export interface RunOrder {
  readonly requestId: string
  /** Which key it came with; absent: none is asked for. */
  readonly keyId?: string
  /** Path that it came by. */
  readonly endpoint: string
  readonly mode: Mode
  /** Canonical id. */
  readonly modelId: string
  readonly wanted: WantedImages
  /** Images asked for. */
  readonly count: number
  /** Wall-clock ms. */
  readonly createdAtMs: number
  /** As the request log has it. */
  readonly nonce: string
  /** Wall-clock ms of the request's deadline. */
  readonly deadlineAtMs: number
  /** Where the result is posted; absent: nowhere. */
  readonly webhookUrl?: string
  /** What absolute URLs in the result start with. */
  readonly baseUrl: string
  /** The client's own name for its user; absent: not given. */
  readonly user?: string
  /** What the client named the session that it belongs to; absent: not given. */
  readonly sessionId?: string
  /** The W3C trace that it is part of; absent: none. */
  readonly traceId?: string
  /** With what who takes the run over goes on from its span; absent: nothing is traced. */
  readonly traceparent?: string
  /** Of the body as it came; absent: not known. */
  readonly sizeBytes?: number
}

export interface RunClaim {
  /** 64 hexadecimal digits. */
  readonly runId: string
  /** Hash of what was asked; another one under the same run id is another request. At most 128 characters. */
  readonly fingerprint: string
  readonly requestId: string
  /** Absent: only a repeat of the request can take the run over, as the client waits for it. */
  readonly order?: RunOrder
}

/** How long the jobs of a run that was released are kept, in ms: no longer than providers keep what came of them. */
export const LEFT_JOBS_MS = 3_600_000

/**
 * - `mine`: nobody else works on it; `jobs` are those that a process left which has died or released it
 * - `running`: somebody does: follow
 * - `done`: it has ended
 * - `unreadable`: it has ended in a way that this version does not know; a newer one may
 * - `other`: the run id belongs to a request with another fingerprint
 */
export type ClaimResult =
  | {
      readonly kind: 'mine'
      readonly jobs: readonly KeptJob[]
      /** Id of the request for which the run was claimed first; absent: this one. */
      readonly firstRequestId?: string
    }
  | { readonly kind: 'running' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'done'; readonly answer: KeptAnswer }
  | { readonly kind: 'other'; readonly isRunning: boolean }

/** A run with an order whose process has died, now this process's. */
export interface Orphan {
  readonly runId: string
  readonly order: RunOrder
  readonly jobs: readonly KeptJob[]
  /** Absent: it had not ended. Present: only its webhook was still to be delivered. */
  readonly answer?: KeptAnswer
}

/** Runs and how they ended. Bounded; no operation rejects or waits long, whatever becomes of what lies behind it. */
export interface RunStore {
  /** Takes a run on, for as long as this process lives or until it is ended. */
  claim(claim: RunClaim): Promise<ClaimResult>
  /** Keeps, in the background, that a provider has accepted a job. */
  noteJob(runId: string, job: KeptJob): void
  /** Forgets, in the background, a job that came to nothing. */
  dropJob(runId: string, attemptId: string): void
  /**
   * Keeps how the run ended, for `keepForMs`. A run with an order stays its process's duty until it is settled.
   */
  finish(runId: string, answer: KeptAnswer, keepForMs: number): Promise<void>
  /** Nothing is left to be done for a finished run with an order. */
  settle(runId: string): Promise<void>
  /**
   * Gives the run up: the next one that claims it begins anew. Jobs of it that were not dropped are kept for
   * `LEFT_JOBS_MS`, and given to who claims it then.
   */
  release(runId: string): Promise<void>
  /**
   * Waits for a run that somebody works on. `undefined`: it was released, who worked on it has died, how it ended cannot
   * be read, or `signal` was aborted.
   */
  follow(runId: string, signal: AbortSignal): Promise<KeptAnswer | undefined>
  /** How a run ended; `undefined`: it is not known, has not ended, or is kept no longer. */
  read(runId: string): Promise<KeptAnswer | undefined>
  /** Claims runs with an order whose process has died. */
  adoptOrphans(): Promise<readonly Orphan[]>
  /** Stops keeping runs alive; resolves when what was to be kept is. */
  close(): Promise<void>
}
