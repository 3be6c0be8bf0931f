import { randomUUID } from 'node:crypto'
import type { Clock } from '#src/domain/clock.ts'
import type { ExplainedDecision } from '#src/domain/request-record.ts'
import type { SpendAccount } from '#src/domain/spending.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import type { Exclusion } from '#src/routing/candidates.ts'

/** Of a UUID's end, which is random: 40 bits. */
const NONCE_CHARACTERS = 10

/** Counts the time during which at least one of several overlapping activities runs. */
export class BusyTime {
  readonly #clock: Clock
  #running = 0
  #sinceMs = 0
  #totalMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async measure<T>(activity: () => Promise<T>): Promise<T> {
    if (this.#running++ === 0) this.#sinceMs = this.#clock.monotonicMs()
    try {
      return await activity()
    } finally {
      if (--this.#running === 0) this.#totalMs += this.#clock.monotonicMs() - this.#sinceMs
    }
  }

  get totalMs(): number {
    const running = this.#running > 0 ? this.#clock.monotonicMs() - this.#sinceMs : 0
    return this.#totalMs + running
  }
}

/** What was decided for one request, and why; filled as the request goes on, complete even when it fails. */
export interface DecisionTrace {
  readonly requestId: string
  /** When the request came, in wall-clock ms. */
  readonly createdAtMs: number
  /** As the request log has it: clients use one id for several requests at once. */
  readonly nonce: string
  /** The same moment on the clock's monotonic scale. */
  readonly startMs: number
  /** Canonical id; absent: not resolved. */
  modelId?: string
  /** Where money was set aside for it; absent: nowhere by this process. */
  account?: SpendAccount
  /** What was chosen and why, in order. */
  readonly decisions: ExplainedDecision[]
  excluded: readonly Exclusion[]
  /** In the order in which they ended. */
  readonly attempts: Attempt[]
  /** Time spent waiting for providers. */
  readonly upstream: BusyTime
  /** Whether another process began it: how long that waited for providers is not known. Absent: it did not. */
  readonly isTakenOver?: boolean
}

export const createDecisionTrace = (requestId: string, clock: Clock): DecisionTrace => ({
  requestId,
  createdAtMs: clock.now(),
  nonce: randomUUID().slice(-NONCE_CHARACTERS),
  startMs: clock.monotonicMs(),
  decisions: [],
  excluded: [],
  attempts: [],
  upstream: new BusyTime(clock),
})

/** What the gateway itself has taken until now, in ms: all but the waiting for providers; `undefined`: not known. */
export const overheadMsOf = (
  { isTakenOver, startMs, upstream }: DecisionTrace,
  clock: Pick<Clock, 'monotonicMs'>,
): number | undefined =>
  isTakenOver ? undefined : Math.max(0, clock.monotonicMs() - startMs - upstream.totalMs)

/** The attempt that the answer is attributed to: the last that completed, else the last. */
export const decisiveAttempt = (trace: DecisionTrace): Attempt | undefined =>
  trace.attempts.findLast(({ status }) => status === 'completed') ?? trace.attempts.at(-1)
