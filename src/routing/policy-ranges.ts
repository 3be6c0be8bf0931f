import type { RoutingPolicy } from './policy.ts'

/** What a knob may be set to: a number from `least` to `most`, in the knob's own unit, or one of some words. */
export type KnobRange =
  | { readonly least: number; readonly most: number | 'deadline' }
  | { readonly words: readonly string[] }

/** Knobs that are several numbers at once. They have no range. */
type CompoundKnob = 'sigmaRange' | 'tierFactor'
export type Knob = Exclude<keyof RoutingPolicy, CompoundKnob>

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const within = (least: number, most: number | 'deadline'): KnobRange => ({ least, most })
const oneOf = (...words: readonly string[]): KnobRange => ({ words })

/**
 * The range of every knob of the policy, as the README's table has it. Outside of it a value has no meaning, or was never
 * simulated. `deadline`: the time that a request has.
 */
export const POLICY_RANGES: Readonly<Record<Knob, KnobRange>> = {
  leastTimeoutMs: within(SECOND, 'deadline'),
  longestTimeoutMs: within(SECOND, 'deadline'),
  timeoutSigmas: within(0, 5),
  timeoutMargin: within(1, 3),
  leastAttemptMs: within(0, 30 * SECOND),
  leastFinishProbability: within(0, 0.5),
  cancelGraceMs: within(0, 10 * SECOND),

  maxAttempts: within(1, 20),
  maxCalls: within(1, 50),
  maxTriesPerProvider: within(1, 3),
  retryFactor: within(0, 1),
  ambiguous: oneOf('retry', 'stop'),
  moderationFailover: oneOf('off', 'one_other'),

  fastArrivals: within(5, 100),
  shortestFastHalfLifeMs: within(10 * SECOND, HOUR),
  longestFastHalfLifeMs: within(MINUTE, HOUR),
  slowHalfLifeMs: within(HOUR, 7 * DAY),
  arrivalHalfLifeMs: within(MINUTE, HOUR),
  maxPriorTrials: within(0, 1_000),
  unknownSuccess: within(0, 1),
  unknownSuccessTrials: within(0.1, 10),
  unknownLatencyMs: within(SECOND, 5 * MINUTE),
  unknownLatencyTrials: within(0.1, 10),
  unknownSigma: within(0.1, 1),
  slowSuccessTrials: within(1, 50),
  slowLatencyTrials: within(1, 50),
  slowFailureTrials: within(1, 50),
  priorFailureMs: within(0, 2 * MINUTE),
  pooledTrials: within(0, 20),
  tierFactorTrials: within(1, 50),
  lateSigmas: within(1, 4),
  aloneAfterMs: within(5 * SECOND, 10 * MINUTE),

  openEvidence: within(2, 20),
  trafficEvidence: within(0, 5),
  leastOpenEvidence: within(2, 20),
  evidenceMs: within(5 * SECOND, 10 * MINUTE),
  timeoutEvidence: within(0.5, 5),
  downFailureProbability: within(0.8, 0.99),
  upSuccessFactor: within(0.3, 1),
  silenceInFlight: within(2, 20),
  silenceMs: within(SECOND, MINUTE),
  silenceEvidence: within(5, 50),
  firstOpenMs: within(SECOND, 5 * MINUTE),
  longestOpenMs: within(SECOND, HOUR),
  openJitter: within(0, 0.5),
  probe: oneOf('duplicate', 'live', 'off'),
  probeIntervalMs: within(SECOND, 5 * MINUTE),
  maxProbes: within(1, 10),

  slowStartBase: within(1, 100),
  slowStartFactor: within(1, 20),
  freeInFlight: within(0, 1_000),
  loadMargin: within(1, 5),
  loadHalfLifeMs: within(5 * SECOND, 5 * MINUTE),
  rateLimitPauseMs: within(0, MINUTE),
  longestGuessedPauseMs: within(0, MINUTE),
  longestRateLimitPauseMs: within(SECOND, HOUR),
  pauseJitter: within(0, 1),
  resumeStepMs: within(0, 5 * SECOND),
  longestWaitMs: within(0, 'deadline'),
  leastLeftAfterWaitMs: within(0, 'deadline'),
  takeOutMs: within(0, HOUR),

  staleMs: within(MINUTE, DAY),
  exploreFirst: within(0, 0.1),
  exploreFailover: within(0, 0.5),

  hedgeSigmas: within(0, 4),
  hedgeEarned: within(0, 1),
  hedgeSavings: within(1, 100),
  loserGraceMs: within(0, 10 * SECOND),
}

export const isKnob = (name: string): name is Knob => Object.hasOwn(POLICY_RANGES, name)

/** A number written out as a knob's value, if it is one within `least` and `most`. */
const readNumber = (name: Knob, text: string, least: number, most: number): number => {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new Error(`${name} must be a number`)
  if (value < least || value > most) {
    throw new Error(`${name} ${value} is out of range; allowed: ${least} to ${most}`)
  }
  return value
}

/** The policy with one knob set to what was written, for requests that have `deadlineMs`. Throws outside of its range. */
export const withKnob = (
  policy: RoutingPolicy,
  name: Knob,
  text: string,
  deadlineMs: number,
): RoutingPolicy => {
  const range = POLICY_RANGES[name]
  if ('least' in range) {
    const most = range.most === 'deadline' ? deadlineMs : range.most
    return { ...policy, [name]: readNumber(name, text, range.least, most) }
  }
  if (range.words.includes(text)) return { ...policy, [name]: text }
  throw new Error(`${name} "${text}" is unknown; allowed: ${range.words.join(', ')}`)
}
