import type { FailureKind, GatewayErrorCode } from './errors.ts'
import type { Sort } from './image-request.ts'
import type { Mode } from './model-card.ts'
import type { MicroUsd } from './money.ts'

/** One candidate as it stood when a choice was made. Times are real. */
export interface ExplainedCandidate {
  readonly configKey: string
  readonly standing: 'usable' | 'busy' | 'open' | 'rate_limited' | 'taken_out'
  /** How often this chain had tried its provider. */
  readonly tries: number
  /** Parts of the request that it cannot honour. */
  readonly shortcomings: number
  /** `(timeCost + moneyCost + attemptCost) / (success × inTime)`, in weighted seconds; smaller is better. */
  readonly score: number
  /** How much slower than usual a try was taken to be, as others queued there; 1: nobody did. */
  readonly crowding: number
  readonly timeCost: number
  readonly moneyCost: number
  readonly attemptCost: number
  /** Probability that a try brings an image. */
  readonly success: number
  /** Probability that a success comes in the time it is given. */
  readonly inTime: number
  readonly successSeconds: number
  readonly failureSeconds: number
  /** First tries in flight there from this gateway, and how many may be. */
  readonly firstInFlight: number
  readonly slowStartLimit: number
  /** Wall-clock ms until which its breaker is open or its pause lasts; absent: neither. */
  readonly untilMs?: number
}

/** One choice of a request, as it can be shown. */
export interface ExplainedDecision {
  /** Since the request's begin, in ms. */
  readonly afterMs: number
  readonly type: 'try' | 'wait' | 'stop'
  /** Why: of a try the choice's, of a stop the end's; absent: a wait. */
  readonly reason?:
    | 'best'
    | 'stale'
    | 'probe'
    | 'last_resort'
    | 'hedge'
    | 'exhausted'
    | 'no_time'
    | 'rate_limited'
  /** Config key that was chosen; absent: none was. */
  readonly chosen?: string
  /** Time that the attempt was given, in ms. */
  readonly timeoutMs?: number
  /** How long was waited for, in ms. */
  readonly waitMs?: number
  /** Config key that a paid copy of the request went to; absent: none did. */
  readonly probe?: string
  /** In the order in which they would have been tried. */
  readonly candidates: readonly ExplainedCandidate[]
}

/** One try at an offering, as it ended. */
export interface AttemptRecord {
  readonly provider: string
  readonly configKey: string
  readonly status: 'completed' | 'failed' | 'cancelled'
  /** What went wrong; absent: nothing, or the client left. */
  readonly errorCode?: Uppercase<FailureKind> | GatewayErrorCode
  readonly durationMs: number
}

/** An offering that could not serve the request. */
export interface ExcludedOffering {
  readonly configKey: string
  /** The constraint that left it out, such as `provider.only` or `seed`. */
  readonly constraint: string
  /** In words, to follow the config key. */
  readonly reason: string
}

/** One finished request for images, as the request log keeps it. Prompts and images are never in it. */
export interface RequestRecord {
  readonly id: string
  /** Wall-clock ms. */
  readonly createdAtMs: number
  /** Path that it came by, such as `/openai/v1/images/generations`. */
  readonly endpoint: string
  readonly mode: Mode
  /** Canonical id, or what the client wrote when there is no such model. */
  readonly model: string
  readonly status: 'completed' | 'rejected' | 'upstream_failure' | 'cancelled'
  /** Who served it, or was tried last; absent: nobody was tried. */
  readonly provider?: string
  /** In the order in which they ended. */
  readonly attempts: readonly AttemptRecord[]
  /** Wasted attempts included. */
  readonly cost: MicroUsd
  readonly durationMs: number
  /** Absent: it completed, or the client left. */
  readonly errorCode?: GatewayErrorCode
  readonly errorMessage?: string
  /** The client's own name for its user; absent: not given. */
  readonly user?: string
  /** Which key it came with; absent: none is asked for. */
  readonly keyId?: string
  readonly routing: {
    readonly sort: Sort
    /** In order; the first is the choice that the request began with. */
    readonly decisions: readonly ExplainedDecision[]
    readonly excluded: readonly ExcludedOffering[]
  }
}

/** Finished requests. Bounded: the oldest are forgotten. */
export interface RequestLog {
  add(record: RequestRecord): void
  /** The latest request with this id that came with this key. `undefined`: not known, or forgotten. */
  find(id: string, keyId: string | undefined): Promise<RequestRecord | undefined>
  /** The latest request with this id, whoever sent it: clients choose ids, and two may choose the same. */
  findOfAnyone(id: string): Promise<RequestRecord | undefined>
}
