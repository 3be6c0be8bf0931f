/**
 * What can go wrong at a provider, and what each kind means to failover, to the provider's statistics and to the
 * client. One table: nothing else in the code decides these.
 */
export interface FailureRule {
  /** Whether another offering is tried: always, never, or as a policy says. */
  readonly failover: 'yes' | 'no' | 'moderation_policy'
  /**
   * What the statistics make of it (`Outcome` in provider-stats.ts). `answered`: the provider is alive, and nothing else
   * can be learnt. `abandoned`: nothing can.
   */
  readonly outcome:
    | 'outage'
    | 'timeout'
    | 'empty'
    | 'rate_limited'
    | 'refused'
    | 'answered'
    | 'abandoned'
  /** Whether the provider is tried last until an operator has had time to act. */
  readonly takesOut: boolean
  /** Code that the client sees when this failure ends the request; absent: the code for "nothing is left". */
  readonly clientCode?: GatewayErrorCode
}

export const FAILURE_RULES = {
  rate_limited: { failover: 'yes', outcome: 'rate_limited', takesOut: false },
  overloaded: { failover: 'yes', outcome: 'outage', takesOut: false },
  network: { failover: 'yes', outcome: 'outage', takesOut: false },
  bad_response: { failover: 'yes', outcome: 'empty', takesOut: false },
  empty_result: { failover: 'yes', outcome: 'empty', takesOut: false },
  timeout: { failover: 'yes', outcome: 'timeout', takesOut: false },
  auth: { failover: 'yes', outcome: 'answered', takesOut: true },
  quota: { failover: 'yes', outcome: 'answered', takesOut: true },
  content_rejected: {
    failover: 'moderation_policy',
    outcome: 'refused',
    takesOut: false,
    clientCode: 'CONTENT_POLICY_VIOLATION',
  },
  bad_request: {
    failover: 'no',
    outcome: 'answered',
    takesOut: false,
    clientCode: 'INVALID_REQUEST',
  },
  cancelled: { failover: 'no', outcome: 'abandoned', takesOut: false },
} as const satisfies Record<string, FailureRule>

/**
 * - `rate_limited`: 429 or a spent quota that refills by itself; nothing was begun
 * - `overloaded`: the provider says that it cannot serve now (5xx, no runner, high demand)
 * - `network`: no or a broken answer on the connection; `workMayExist` tells whether the request had left
 * - `bad_response`: an answer that cannot be read as the provider's protocol
 * - `empty_result`: a readable answer without an image, with no refusal given
 * - `timeout`: the attempt's time was up
 * - `auth`: the provider does not accept the operator's key, project or region
 * - `quota`: the operator's account at the provider is empty or locked
 * - `content_rejected`: the provider refused prompt, input or output by its content rules
 * - `bad_request`: the provider says that the request itself is wrong
 * - `cancelled`: the client went away
 */
export type FailureKind = keyof typeof FAILURE_RULES

export interface ProviderErrorDetails {
  readonly kind: FailureKind
  /**
   * True when the provider may have begun billable work for this attempt: the request had left and no answer says
   * that nothing was done. Such a failure is ambiguous, and the attempt's price counts as possible cost.
   */
  readonly workMayExist: boolean
  /** What may be shown to the client: no key, prompt, URL or upstream body in it. */
  readonly publicMessage: string
  /** How long the provider asks to be left alone, in real milliseconds; absent: it said nothing. */
  readonly retryAfterMs?: number
  /** HTTP status of the provider's answer; absent: there was none, or the failure came inside a 200. */
  readonly upstreamStatus?: number
  /** The request field that the provider found wrong, under the provider's name; absent: unknown. */
  readonly param?: string
  /** The provider's own id of the job or request, for the operator's log. */
  readonly providerRequestId?: string
}

/** The only error that a provider adapter rejects with. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
  readonly details: ProviderErrorDetails

  constructor(details: ProviderErrorDetails) {
    super(details.publicMessage)
    this.details = details
  }

  get kind(): FailureKind {
    return this.details.kind
  }
}

/** Meaning of each error code that a client sees. `retryable` becomes the header `x-should-retry`. */
export const GATEWAY_ERRORS = {
  AUTHENTICATION_FAILED: { status: 401, type: 'authentication_error', retryable: false },
  INSUFFICIENT_BALANCE: { status: 402, type: 'insufficient_quota', retryable: false },
  INVALID_REQUEST: { status: 400, type: 'invalid_request_error', retryable: false },
  CONTENT_POLICY_VIOLATION: { status: 400, type: 'invalid_request_error', retryable: false },
  MODEL_NOT_FOUND: { status: 404, type: 'invalid_request_error', retryable: false },
  MODEL_DISABLED: { status: 404, type: 'invalid_request_error', retryable: false },
  NOT_FOUND: { status: 404, type: 'invalid_request_error', retryable: false },
  RATE_LIMITED: { status: 429, type: 'rate_limit_error', retryable: true },
  UPSTREAM_ERROR: { status: 502, type: 'upstream_error', retryable: false },
  ALL_PROVIDERS_EXHAUSTED: { status: 502, type: 'upstream_error', retryable: false },
  TIMEOUT: { status: 504, type: 'upstream_error', retryable: false },
  OVERLOADED: { status: 503, type: 'server_error', retryable: true },
  INTERNAL_ERROR: { status: 500, type: 'server_error', retryable: false },
} as const

export type GatewayErrorCode = keyof typeof GATEWAY_ERRORS

/**
 * How a request that ended with this error stands in the log, whose statuses are a closed list: only what could not be
 * served as it was asked, or not now, was rejected. A fault of the gateway itself has no status of its own, and is with
 * those that failed: a request that might have been paid for was no rejection.
 */
export const failureStatusOf = (code: GatewayErrorCode): 'rejected' | 'upstream_failure' =>
  code === 'INTERNAL_ERROR' || GATEWAY_ERRORS[code].type === 'upstream_error'
    ? 'upstream_failure'
    : 'rejected'

export interface GatewayErrorOptions {
  /** Request field that is wrong, under the client's name; absent: none in particular (`param: null`). */
  readonly param?: string
  /** HTTP status, where it differs from the code's own (413, 415, 405, or the upstream's). */
  readonly status?: number
  /** Real milliseconds after which a retry makes sense; becomes `retry-after`. */
  readonly retryAfterMs?: number
  /** Whether the same request may succeed when sent again; absent: as `GATEWAY_ERRORS` says. */
  readonly isRetryable?: boolean
  /** False: it is about another request than the one that the log has under this id. Absent: true. */
  readonly isLogged?: boolean
  /** Answer headers that belong to this error, such as `allow`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A failure as the client sees it. The message is public. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: GatewayErrorCode
  readonly options: GatewayErrorOptions

  constructor(code: GatewayErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message)
    this.code = code
    this.options = options
  }

  get status(): number {
    return this.options.status ?? GATEWAY_ERRORS[this.code].status
  }
}

/** A 400 that names the field. */
export const invalidRequest = (message: string, param?: string): GatewayError =>
  new GatewayError('INVALID_REQUEST', message, param === undefined ? {} : { param })

/** That nothing of a request went out to its provider; `cause` says why. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError'

  constructor(cause: unknown) {
    super('The request was not sent', { cause })
  }
}
