import { EventEmitter } from 'node:events'
import type { GatewayErrorCode } from '#src/domain/errors.ts'
import type { ImageRequest, Warning } from '#src/domain/image-request.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import type { Candidate } from '#src/routing/candidates.ts'
import type { DecisionTrace } from './decision-trace.ts'

/** How a request for images ended. */
export interface RequestOutcome {
  readonly request: ImageRequest
  readonly trace: DecisionTrace
  readonly status: 'completed' | 'rejected' | 'upstream_failure' | 'cancelled'
  readonly durationMs: number
  /** Of that what the gateway itself took, to a tenth of a ms; absent: not known. */
  readonly overheadMs?: number
  /** Wasted attempts included. */
  readonly cost: MicroUsd
  readonly images: number
  /** What was not done as asked; absent: there was no answer, or nothing was. */
  readonly warnings?: readonly Warning[]
  /** Tokens of all provider calls together; absent: no provider counted any. */
  readonly usage?: ProviderUsage
  /** Absent: it completed, or the client left. */
  readonly errorCode?: GatewayErrorCode
  /** What the client was told. */
  readonly errorMessage?: string
}

interface GenerationEventMap {
  /**
   * A try at an offering ended. The candidates are those that it was chosen from, itself among them; absent: routing
   * did not choose it and learns nothing from it.
   */
  attempt: [attempt: Attempt, trace: DecisionTrace, candidates?: readonly Candidate[]]
  /** A paid copy of a request, sent to find out if a provider is back, ended. */
  probe: [attempt: Attempt, trace: DecisionTrace, candidates: readonly Candidate[]]
  /** A request ended, however it did. */
  request: [outcome: RequestOutcome]
}

/** What the use case tells; telemetry listens. */
export type GenerationEvents = EventEmitter<GenerationEventMap>

export const createGenerationEvents = (): GenerationEvents => new EventEmitter<GenerationEventMap>()
