import type { ResolutionTier } from '#src/domain/media.ts'

/**
 * Every tunable of routing and failover. Durations are in routing's own milliseconds: real ones times `TIME_SCALE`.
 * Values without another source come from simulation; the README says how much each of them matters.
 */
export interface RoutingPolicy {
  // -- One attempt -----------------------------------------------------------------------------------------------
  /** Shortest and longest time that an attempt is given, whatever its estimate. Range 1 s to the deadline. */
  readonly leastTimeoutMs: number
  /** An offering whose own file says that it is slower gets its p95 instead. */
  readonly longestTimeoutMs: number
  /** An attempt is given `timeoutMargin` times this quantile of the latency of successes (in standard deviations). */
  readonly timeoutSigmas: number
  readonly timeoutMargin: number
  /** No further attempt is started with less time left than this: it could not bring an image. Range 0 to 30 s. */
  readonly leastAttemptMs: number
  /** Nor one that finishes in time with less probability than this. Range 0 to 0.5. */
  readonly leastFinishProbability: number
  /**
   * How long a provider is waited for after an attempt was aborted: to confirm the cancellation, or to hand over what
   * it had just finished. Adapters need up to 7 s: 3 for a create under way, 4 to cancel and read. Range 0 to 10 s.
   */
  readonly cancelGraceMs: number

  // -- One request -----------------------------------------------------------------------------------------------
  /** Attempts of one chain, rate limits not counted. Range 1 to 20. */
  readonly maxAttempts: number
  /** Calls of one chain, rate limits included. Range 1 to 50. */
  readonly maxCalls: number
  /** Tries of one provider in one chain. Range 1 to 3. */
  readonly maxTriesPerProvider: number
  /** Probability of success of a second try, relative to a first. */
  readonly retryFactor: number
  /**
   * After a failure that may have left billable work behind, at a provider without a job to poll: `retry` tries the
   * next offering and counts the possible cost; `stop` gives up. An offering's own `ambiguous` wins.
   */
  readonly ambiguous: 'retry' | 'stop'
  /** `one_other`: after a content refusal one other provider is tried. */
  readonly moderationFailover: 'off' | 'one_other'

  // -- Estimates -------------------------------------------------------------------------------------------------
  /** The fast window's half-life is the time of `fastArrivals` requests, within these. */
  readonly fastArrivals: number
  readonly shortestFastHalfLifeMs: number
  readonly longestFastHalfLifeMs: number
  readonly slowHalfLifeMs: number
  /** Half-life of the estimate of a model's arrival rate. */
  readonly arrivalHalfLifeMs: number
  /** Pseudo-trials that the model file's figures are worth at most. */
  readonly maxPriorTrials: number
  /** What is believed of an offering without figures: success rate, latency, and their weights in pseudo-trials. */
  readonly unknownSuccess: number
  readonly unknownSuccessTrials: number
  readonly unknownLatencyMs: number
  readonly unknownLatencyTrials: number
  readonly unknownSigma: number
  readonly sigmaRange: readonly [number, number]
  /** Weights of the slow window in the fast estimates, in pseudo-trials. */
  readonly slowSuccessTrials: number
  readonly slowLatencyTrials: number
  readonly slowFailureTrials: number
  /** Time to a failure that is believed before one was seen. */
  readonly priorFailureMs: number
  /** Most pseudo-trials that other cells of the same model and provider lend a cell. */
  readonly pooledTrials: number
  /** Time of a picture relative to 1K, before any was seen, and that belief's weight in observations. */
  readonly tierFactor: Readonly<Record<ResolutionTier, number>>
  readonly tierFactorTrials: number
  /** An attempt in flight counts as a failure once it is older than this quantile (in standard deviations). */
  readonly lateSigmas: number
  /** Without an exchange for so long, only what this gateway sees itself is evidence. Range 5 s to 10 min. */
  readonly aloneAfterMs: number

  // -- Breaker ---------------------------------------------------------------------------------------------------
  /**
   * Evidence (sum of log likelihood ratios) that opens it at one request per second, that much more for each e-fold of
   * the model's traffic, and at least. So false alarms per hour stay as few, and an outage is found with few requests.
   */
  readonly openEvidence: number
  readonly trafficEvidence: number
  readonly leastOpenEvidence: number
  /** What other gateways saw longer ago is no evidence of what is now. */
  readonly evidenceMs: number
  /** Least evidence of a time-out. */
  readonly timeoutEvidence: number
  /** How likely an attempt fails at a provider that is down; at one that is up it succeeds with 0.7 of its rate. */
  readonly downFailureProbability: number
  readonly upSuccessFactor: number
  /** Silence: at least so many in flight, none finished for so long, and so much evidence from their ages. */
  readonly silenceInFlight: number
  readonly silenceMs: number
  readonly silenceEvidence: number
  /** First and longest time open; doubled each time. */
  readonly firstOpenMs: number
  readonly longestOpenMs: number
  /** Relative jitter of the time open. */
  readonly openJitter: number
  /** Who tries an open provider: a paid copy of a request, a real request, or nobody (time alone closes it). */
  readonly probe: 'duplicate' | 'live' | 'off'
  /** Least time between two probes of all gateways together, and most of them under way. */
  readonly probeIntervalMs: number
  readonly maxProbes: number

  // -- Load ------------------------------------------------------------------------------------------------------
  /** First tries in flight: at most `slowStartBase + slowStartFactor × recent successes`, over all gateways. */
  readonly slowStartBase: number
  readonly slowStartFactor: number
  /**
   * More attempts in flight than `freeInFlight` and than end in the usual time there, times `loadMargin`, mean that they
   * queue: a try is taken to be slower in that proportion. How often attempts end is counted with this half-life.
   */
  readonly freeInFlight: number
  readonly loadMargin: number
  readonly loadHalfLifeMs: number
  /** Least pause, and the first after a 429 that names no time, doubled up to the longest. Range 0 to 60 s. */
  readonly rateLimitPauseMs: number
  readonly longestGuessedPauseMs: number
  /** Longest pause that a provider's own hint can cause. Range 1 s to 1 h. */
  readonly longestRateLimitPauseMs: number
  /** A pause is up to this much longer than asked, so that not all gateways come back at once. */
  readonly pauseJitter: number
  /**
   * After a pause one attempt may begin, after this time a second, then two more, four more …, until an answer shows that
   * it is over. Longer than a rate limit takes to be answered. Range 0 to 5 s.
   */
  readonly resumeStepMs: number
  /** When every candidate is rate limited: longest wait for one, and time that must be left after it. */
  readonly longestWaitMs: number
  readonly leastLeftAfterWaitMs: number
  /** How long an offering is tried last after its key, project or account was refused. Range 0 to 1 h. */
  readonly takeOutMs: number

  // -- Exploration -----------------------------------------------------------------------------------------------
  /** A candidate that nobody tried for this long may be tried out of turn, with these probabilities. */
  readonly staleMs: number
  readonly exploreFirst: number
  readonly exploreFailover: number

  // -- Hedging (only for requests that ask for it) ---------------------------------------------------------------
  /** A second attempt is begun once the first is older than this quantile (in standard deviations). */
  readonly hedgeSigmas: number
  /** Hedges earned by each request, and most that can be saved up. */
  readonly hedgeEarned: number
  readonly hedgeSavings: number
  /** How long the winner's image waits for the loser to confirm that it was cancelled. Range 0 to 10 s. */
  readonly loserGraceMs: number
}

export const DEFAULT_ROUTING_POLICY: RoutingPolicy = {
  leastTimeoutMs: 20_000,
  longestTimeoutMs: 120_000,
  timeoutSigmas: 2.576,
  timeoutMargin: 1.1,
  leastAttemptMs: 1_000,
  leastFinishProbability: 0.02,
  cancelGraceMs: 7_000,

  maxAttempts: 6,
  maxCalls: 10,
  maxTriesPerProvider: 2,
  retryFactor: 0.5,
  ambiguous: 'retry',
  moderationFailover: 'off',

  fastArrivals: 20,
  shortestFastHalfLifeMs: 120_000,
  longestFastHalfLifeMs: 600_000,
  slowHalfLifeMs: 6 * 3_600_000,
  arrivalHalfLifeMs: 900_000,
  maxPriorTrials: 30,
  unknownSuccess: 0.7,
  unknownSuccessTrials: 1.5,
  unknownLatencyMs: 35_000,
  unknownLatencyTrials: 0.5,
  unknownSigma: 0.5,
  sigmaRange: [0.15, 1],
  slowSuccessTrials: 6,
  slowLatencyTrials: 3,
  slowFailureTrials: 3,
  priorFailureMs: 15_000,
  pooledTrials: 3,
  tierFactor: { '0.5K': 0.85, '1K': 1, '2K': 1.25, '4K': 1.6 },
  tierFactorTrials: 4,
  lateSigmas: 1.96,
  aloneAfterMs: 10_000,

  openEvidence: 5,
  trafficEvidence: 1.5,
  leastOpenEvidence: 5,
  evidenceMs: 30_000,
  timeoutEvidence: 2,
  downFailureProbability: 0.95,
  upSuccessFactor: 0.7,
  silenceInFlight: 3,
  silenceMs: 5_000,
  silenceEvidence: 15,
  firstOpenMs: 10_000,
  longestOpenMs: 30_000,
  openJitter: 0.1,
  probe: 'duplicate',
  probeIntervalMs: 5_000,
  maxProbes: 3,

  slowStartBase: 2,
  slowStartFactor: 4,
  freeInFlight: 20,
  loadMargin: 1.15,
  loadHalfLifeMs: 45_000,
  rateLimitPauseMs: 1_000,
  longestGuessedPauseMs: 4_000,
  longestRateLimitPauseMs: 60_000,
  pauseJitter: 0.5,
  resumeStepMs: 500,
  longestWaitMs: 30_000,
  leastLeftAfterWaitMs: 15_000,
  takeOutMs: 300_000,

  staleMs: 600_000,
  exploreFirst: 0.01,
  exploreFailover: 0.1,

  hedgeSigmas: 1.645,
  hedgeEarned: 0.1,
  hedgeSavings: 10,
  loserGraceMs: 1_000,
}
