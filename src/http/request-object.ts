import type { JsonObject } from '#src/domain/json.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import type {
  ExcludedOffering,
  ExplainedCandidate,
  ExplainedDecision,
  RequestRecord,
  RequestSummary,
} from '#src/domain/request-record.ts'
import { presentAttempt } from './attempt-object.ts'
import { presentUsage } from './image-answer.ts'

/** Enough digits to compare, few enough to read. */
const round = (value: number): number => Number(value.toPrecision(5))

const presentTime = (ms: number): string => new Date(ms).toISOString()

/** A candidate of a choice, and what put it in its place. */
export const presentCandidate = (candidate: ExplainedCandidate): JsonObject => ({
  config_key: candidate.configKey,
  standing: candidate.standing,
  ...(candidate.untilMs !== undefined && { until: presentTime(candidate.untilMs) }),
  tries: candidate.tries,
  shortcomings: candidate.shortcomings,
  score: round(candidate.score),
  terms: {
    time_cost: round(candidate.timeCost),
    money_cost: round(candidate.moneyCost),
    attempt_cost: round(candidate.attemptCost),
    success_probability: round(candidate.success),
    in_time_probability: round(candidate.inTime),
    success_seconds: round(candidate.successSeconds),
    failure_seconds: round(candidate.failureSeconds),
    crowding: round(candidate.crowding),
  },
  first_tries_in_flight: candidate.firstInFlight,
  slow_start_limit: candidate.slowStartLimit,
})

/** What was chosen, without what it was chosen from. */
export const presentChoice = (decision: ExplainedDecision): JsonObject => ({
  type: decision.type,
  ...(decision.chosen !== undefined && { chosen: decision.chosen }),
  ...(decision.reason && { reason: decision.reason }),
  ...(decision.timeoutMs !== undefined && { timeout_ms: Math.round(decision.timeoutMs) }),
  ...(decision.waitMs !== undefined && { wait_ms: Math.round(decision.waitMs) }),
  ...(decision.probe !== undefined && { probe: decision.probe }),
})

const presentDecision = (decision: ExplainedDecision): JsonObject => ({
  after_ms: decision.afterMs,
  ...presentChoice(decision),
  candidates: decision.candidates.map(presentCandidate),
})

export const presentExcluded = ({
  configKey,
  constraint,
  reason,
}: ExcludedOffering): JsonObject => ({ config_key: configKey, constraint, reason })

/** A request of the log, without why it was routed so. */
export const presentRequestRow = (record: RequestRecord): JsonObject => ({
  id: record.id,
  object: 'request',
  created_at: presentTime(record.createdAtMs),
  model: record.model,
  modality: 'image',
  endpoint: record.endpoint,
  status: record.status,
  provider: record.provider ?? null,
  attempts: record.attempts.map(presentAttempt),
  cost: usdFromMicroUsd(record.cost),
  currency: 'usd',
  duration_ms: record.durationMs,
  overhead_ms: record.overheadMs ?? null,
  key_id: record.keyId ?? null,
  error_code: record.errorCode ?? null,
  error_message: record.errorMessage ?? null,
  session_id: record.sessionId ?? null,
  trace_id: record.traceId ?? null,
  user: record.user ?? null,
  usage: null,
  ...presentUsage(record.usage),
  request_size_bytes: record.requestSizeBytes ?? null,
  response_size_bytes: record.responseSizeBytes ?? null,
})

/** A request of the log, with why it was routed as it was. */
export const presentRequest = (record: RequestRecord): JsonObject => ({
  ...presentRequestRow(record),
  routing: {
    sort: record.routing.sort,
    decisions: record.routing.decisions.map(presentDecision),
    excluded: record.routing.excluded.map(presentExcluded),
  },
})

/** What all requests of a filter cost together. */
export const presentSummary = ({ count, cost }: RequestSummary): JsonObject => ({
  total_cost: usdFromMicroUsd(cost),
  currency: 'usd',
  count,
})
