/** Every tunable of routing and failover. Durations are in milliseconds before `TIME_SCALE` divides them. */
export interface RoutingPolicy {
  /** Longest time of one attempt. Default 120 s: the first model's slowest p95 is 101 s. Range 1 s to the deadline. */
  readonly attemptTimeoutMs: number
  /** No further attempt is started with less time left than this: it could not bring an image. Range 0 to 30 s. */
  readonly leastAttemptMs: number
  /**
   * How long a provider is waited for after an attempt was aborted: to confirm the cancellation, or to hand over what
   * it had just finished. Adapters need up to 7 s: 3 for a create under way, 4 to cancel and read. Range 0 to 10 s.
   */
  readonly cancelGraceMs: number
  /** Pause after a 429 that names no time. Range 0 to 60 s. */
  readonly rateLimitPauseMs: number
  /** Longest pause that a provider's own hint can cause. Range 1 s to 1 h. */
  readonly longestRateLimitPauseMs: number
  /** How long an offering is tried last after its key, project or account was refused. Range 0 to 1 h. */
  readonly takeOutMs: number
  /**
   * After a failure that may have left billable work behind, at a provider without a job to poll: `retry` tries the
   * next offering and counts the possible cost; `stop` gives up. An offering's own `ambiguous` wins.
   */
  readonly ambiguous: 'retry' | 'stop'
  /** `one_other`: after a content refusal one other provider is tried. */
  readonly moderationFailover: 'off' | 'one_other'
}

export const DEFAULT_ROUTING_POLICY: RoutingPolicy = {
  attemptTimeoutMs: 120_000,
  leastAttemptMs: 1_000,
  cancelGraceMs: 7_000,
  rateLimitPauseMs: 2_000,
  longestRateLimitPauseMs: 60_000,
  takeOutMs: 300_000,
  ambiguous: 'retry',
  moderationFailover: 'off',
}

const DURATIONS = [
  'attemptTimeoutMs',
  'leastAttemptMs',
  'cancelGraceMs',
  'rateLimitPauseMs',
  'longestRateLimitPauseMs',
  'takeOutMs',
] as const

/** The policy with all durations divided by `timeScale`. */
export const scalePolicy = (policy: RoutingPolicy, timeScale: number): RoutingPolicy => ({
  ...policy,
  ...Object.fromEntries(DURATIONS.map((name) => [name, policy[name] / timeScale])),
})
