/** Why a provider should be left alone for now: it asked for that, or it does not accept the operator's account. */
export type PauseReason = 'rate_limited' | 'taken_out'

/** A time during which nothing should be sent there, in routing's own milliseconds since the Unix epoch. */
export interface Pause {
  readonly reason: PauseReason
  /** When it was learnt. */
  readonly sinceMs: number
  readonly untilMs: number
}
