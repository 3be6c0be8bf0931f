import type { FailureKind, GatewayErrorCode } from './errors.ts'
import type { Sort } from './image-request.ts'
import type { Mode } from './model-card.ts'
import type { MicroUsd } from './money.ts'
import type { ProviderUsage } from './provider-adapter.ts'
import type { RequestUsage, UsageQuery } from './request-usage.ts'

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

/** One request for images, as the request log keeps it. Prompts and images are never in it. */
export interface RequestRecord {
  readonly id: string
  /** Wall-clock ms. */
  readonly createdAtMs: number
  /** 10 random hexadecimal digits: tell it from others with its id, in the same millisecond too. */
  readonly nonce: string
  /** Path that it came by, such as `/openai/v1/images/generations`. */
  readonly endpoint: string
  readonly mode: Mode
  /** Canonical id, or what the client wrote when there is no such model. */
  readonly model: string
  /**
   * `pending`: it was answered at once and is not done yet. `upstream_failure`: every provider failed, or the gateway
   * itself, as the error code says.
   */
  readonly status: 'completed' | 'pending' | 'rejected' | 'upstream_failure' | 'cancelled'
  /** Who served it, or was tried last; absent: nobody was tried. */
  readonly provider?: string
  /** In the order in which they ended. */
  readonly attempts: readonly AttemptRecord[]
  /** Wasted attempts included. */
  readonly cost: MicroUsd
  readonly durationMs: number
  /** Of that what the gateway itself took, providers not waited for, to a tenth of a ms; absent: not known. */
  readonly overheadMs?: number
  /** Absent: it completed, or the client left. */
  readonly errorCode?: GatewayErrorCode
  readonly errorMessage?: string
  /** The client's own name for its user; absent: not given. */
  readonly user?: string
  /** Which key it came with; absent: none is asked for. */
  readonly keyId?: string
  /** What the client named the session that it belongs to; absent: not given. */
  readonly sessionId?: string
  /** The W3C trace that it is part of; absent: none. */
  readonly traceId?: string
  /** Tokens of all provider calls together; absent: no provider counted any. */
  readonly usage?: ProviderUsage
  /** Of the body; absent: not known. */
  readonly requestSizeBytes?: number
  /** Of the body; absent: not known, or nobody was there to be answered. */
  readonly responseSizeBytes?: number
  readonly routing: {
    readonly sort: Sort
    /** In order; the first is the choice that the request began with. */
    readonly decisions: readonly ExplainedDecision[]
    readonly excluded: readonly ExcludedOffering[]
  }
}

/** What names a request: clients choose ids, a key's ids are its own, and it may use one for several at once. */
export type RequestIdentity = Pick<RequestRecord, 'id' | 'keyId' | 'createdAtMs' | 'nonce'>

/** Which requests are meant. Absent fields: any. */
export interface RequestFilter {
  /** null: those that came without a key. */
  readonly keyId?: string | null
  readonly status?: RequestRecord['status']
  /** As the record has it. */
  readonly model?: string
  /** Wall-clock ms, this one included. */
  readonly createdFromMs?: number
  /** Wall-clock ms, this one not included. */
  readonly createdBeforeMs?: number
}

/** A page of the log. Positions are those of request-position.ts. */
export interface RequestQuery extends RequestFilter {
  /** Most records of the page. */
  readonly limit: number
  /** The page begins with the newest that is older than this position; absent: with the newest. */
  readonly olderThan?: string
  /** The page ends with the oldest that is newer than this position; not together with `olderThan`. */
  readonly newerThan?: string
}

export interface RequestPage {
  /** Newest first. */
  readonly records: readonly RequestRecord[]
  /** Position that older ones follow; absent: there are none. */
  readonly older?: string
  /** Position that newer ones precede; absent: there are none, or the page begins with the newest. */
  readonly newer?: string
  /** Whether those of other gateways are missing, as they could not be asked for. */
  readonly isPartial: boolean
}

/** All requests of a filter together. */
export interface RequestSummary {
  readonly count: number
  readonly cost: MicroUsd
  /** Whether those of other gateways are missing, as they could not be asked for. */
  readonly isPartial: boolean
}

/** Requests, newest first. Bounded: the oldest are forgotten. */
export interface RequestLog {
  /** Takes in a request, or what has become of it. Never waits, never throws. */
  add(record: RequestRecord): void
  /** Takes in how long the body of its answer was, once that is written. Of a request that is not known: nothing. */
  noteResponse(request: RequestIdentity, sizeBytes: number): void
  /**
   * The latest request with this id that came with this key. `undefined`: not known, or forgotten. Rejects with
   * `OVERLOADED` when that cannot be said now.
   */
  find(id: string, keyId: string | undefined): Promise<RequestRecord | undefined>
  /** The latest request with this id, whoever sent it: two clients may choose the same. Rejects as `find` does. */
  findOfAnyone(id: string): Promise<RequestRecord | undefined>
  list(query: RequestQuery): Promise<RequestPage>
  summarize(filter: RequestFilter): Promise<RequestSummary>
  /** As `summarize`, by time, model and provider. */
  sumUsage(query: UsageQuery): Promise<RequestUsage>
  /** Resolves when other gateways can read what was added before, or in 200 ms at most. Never rejects. */
  flush(): Promise<void>
}
