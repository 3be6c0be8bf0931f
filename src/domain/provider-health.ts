/** Why an offering should be left alone for now. */
export type PauseReason = 'rate_limited' | 'taken_out'

export interface Pause {
  readonly reason: PauseReason
  /** When it was learnt, in wall-clock milliseconds. */
  readonly sinceMs: number
  /** Wall-clock milliseconds since the Unix epoch. */
  readonly untilMs: number
}

/**
 * What routing knows of which offerings to leave alone. Keys are config keys, or provider slugs for what concerns all
 * offerings of a provider (its key, its account).
 */
export interface ProviderHealth {
  /** The pause in force for this key, or `undefined`. */
  pauseOf(key: string, nowMs: number): Pause | undefined
  /** Keeps the later of two pauses. */
  pause(key: string, pause: Pause): void
  /** Ends a pause because of an answer to an attempt begun at `begunMs`; a pause learnt since then stays. */
  resume(key: string, begunMs: number): void
}
