import type { ProviderId } from './emulator.ts'

/** Error types of fal (fal errors and request-errors docs, https://fal.ai/docs/documentation/model-apis/errors.md). */
export const FAL_ERROR_CODES = [
  'content_policy_violation',
  'no_media_generated',
  'missing',
  'value_error',
  'one_of',
  'feature_not_supported',
  'image_too_small',
  'image_too_large',
  'image_load_error',
  'file_download_error',
  'file_too_large',
  'unsupported_image_format',
  'face_detection_error',
  'internal_server_error',
  'generation_timeout',
  'downstream_service_error',
  'downstream_service_unavailable',
  'request_timeout',
  'startup_timeout',
  'runner_scheduling_failure',
  'runner_connection_timeout',
  'runner_connection_refused',
  'runner_connection_error',
  'runner_disconnected',
  'runner_incomplete_response',
  'runner_server_error',
  'internal_error',
  'bad_request',
  'client_disconnected',
  'client_cancelled',
] as const
export type FalErrorCode = (typeof FAL_ERROR_CODES)[number]

/**
 * Codes in the error text of a failed prediction (https://replicate.com/docs/reference/error-codes), and the two
 * states in which Replicate itself may end one.
 */
export const REPLICATE_ERROR_CODES = [
  'E001',
  'E002',
  'E003',
  'E004',
  'E005',
  'PA',
  'E1000',
  'E1001',
  'E4875',
  'E6716',
  'E8367',
  'E8765',
  'E9243',
  'E9825',
  'E9828',
  'canceled',
  'aborted',
] as const
export type ReplicateErrorCode = (typeof REPLICATE_ERROR_CODES)[number]

/** Faults that any single answer can have, whatever it was asked for. */
export const ANSWER_FAULTS = [
  'rate_limited',
  'server_error',
  'stalled_error',
  'unavailable',
  'gateway_timeout',
  'reset_before_answer',
  'reset_inside_answer',
  'hang',
  'slow_drip',
  'malformed_body',
  'truncated_body',
] as const
export type AnswerFault = (typeof ANSWER_FAULTS)[number]

/** What can go wrong with a create request and the work that it asks for. The README says what each looks like. */
export type Fault =
  | AnswerFault
  | 'rate_limited_with_hint'
  | 'quota_exhausted'
  | 'bad_key'
  | 'hang_at_create'
  | 'refusal'
  | 'refusal_output'
  | 'no_image'
  | 'text_only'
  | 'empty_list'
  | 'dead_file'
  | 'bad_file'
  | `job_failed:${FalErrorCode | ReplicateErrorCode}`

/** Kinds of calls, besides creates, whose answers `nextAt` can spoil. */
export type SpoilableCall = 'poll' | 'result' | 'cancel' | 'upload' | 'file' | 'token'

/**
 * How a stream ends before its time:
 * - `after`: behind all drafts; or behind the final image, without the reason of the end and the counts
 * - `how`: with a bare error chunk (503); with a chunk that is no JSON; as if it were complete; with the connection
 *   reset; or never, with the connection left open
 */
export interface StreamBreak {
  readonly after: 'drafts' | 'image'
  readonly how: 'error' | 'malformed' | 'end' | 'reset' | 'silence'
}

/** How a provider behaves. `{}`: every request succeeds at once. All durations are divided by the time scale. */
export interface Scenario {
  /** Duration of a generation: lognormal with this median and 95th percentile, in ms. Absent: 0. */
  readonly latency?: { readonly p50Ms: number; readonly p95Ms: number }
  /** How long a job waits before it is started (fal, Replicate), in ms. Absent: 0. */
  readonly queueMs?: number
  /** How long a refusal that comes before any work takes (429, 503, blocked prompt …), in ms, uniform. Absent: 0. */
  readonly fastFailureMs?: { readonly fromMs: number; readonly toMs: number }
  /** Share of creates that succeed, 0 to 1. Absent: 1. */
  readonly successRate?: number
  /** Weights of the faults of the others. Absent: all are `server_error`. */
  readonly failureMix?: Readonly<Partial<Record<Fault, number>>>
  /** Fates of the next creates, one each, before anything else decides. Only well-formed, authorised creates count. */
  readonly next?: readonly (Fault | 'success')[]
  /** Fate of every create that `next` does not decide. Absent: the success rate decides. */
  readonly always?: Fault
  /** Faults of the next calls of other kinds, one each. */
  readonly nextAt?: Readonly<Partial<Record<SpoilableCall, readonly AnswerFault[]>>>
  /** What `rate_limited_with_hint` asks to wait, in ms before scaling. Absent: 26,000. */
  readonly retryAfterMs?: number
  /** Pause between the pieces of a `slow_drip` answer (20 of them), in ms. Absent: 1,000. */
  readonly dripIntervalMs?: number
  /** Life of an output URL in ms. Absent: for ever on fal, one hour on Replicate. */
  readonly outputUrlTtlMs?: number
  /** Pads PNG and JPEG outputs to this many bytes, for measuring. Absent: not padded. */
  readonly imageSizeBytes?: number
  /** Google: send a draft image before the final one even without HIGH thinking and `includeThoughts`. */
  readonly alwaysDraft?: boolean
  /** Google: how many final images the answer holds. Absent: one. */
  readonly finalImages?: number
  /** Google: type of the images when the request does not choose. Absent: image/png. */
  readonly answerMediaType?: 'image/png' | 'image/jpeg'
  /** Google: how streams (`alt=sse`) break off; other answers do not. Absent: they do not either. */
  readonly streamBreak?: StreamBreak
  /** Replicate: `output` is an array of URLs instead of one string. */
  readonly arrayOutput?: boolean
  /** fal, Replicate: unknown input keys are answered with 422 instead of being ignored. */
  readonly rejectUnknownInput?: boolean
  /** fal: a job that is already running finishes although it was cancelled. */
  readonly cancelKeepsRunning?: boolean
}

const EVERYWHERE: readonly string[] = [
  ...ANSWER_FAULTS,
  'rate_limited_with_hint',
  'quota_exhausted',
  'bad_key',
  'refusal',
  'no_image',
  'empty_list',
]
const GOOGLE = [...EVERYWHERE, 'refusal_output', 'text_only']
const JOBS = [...EVERYWHERE, 'hang_at_create', 'dead_file', 'bad_file']

/** The faults that make sense at each provider. */
export const SUPPORTED_FAULTS: Readonly<Record<ProviderId, readonly string[]>> = {
  gemini: GOOGLE,
  vertex: GOOGLE,
  fal: [...JOBS, ...FAL_ERROR_CODES.map((code) => `job_failed:${code}`)],
  replicate: [...JOBS, ...REPLICATE_ERROR_CODES.map((code) => `job_failed:${code}`)],
}

/** Throws when the scenario names a fault that the provider cannot have, or an impossible rate. */
export const checkScenario = (id: ProviderId, scenario: Scenario): void => {
  const named = [...(scenario.next ?? []), ...Object.keys(scenario.failureMix ?? {})]
  if (scenario.always) named.push(scenario.always)
  const supported = SUPPORTED_FAULTS[id]
  for (const fault of named) {
    if (fault !== 'success' && !supported.includes(fault)) {
      throw new Error(`fault "${fault}" makes no sense at ${id}; allowed: ${supported.join(', ')}`)
    }
  }
  const rate = scenario.successRate ?? 1
  if (!(rate >= 0 && rate <= 1)) throw new Error(`successRate ${rate} is not between 0 and 1`)
}
