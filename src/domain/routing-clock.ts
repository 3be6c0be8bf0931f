import type { Clock } from './clock.ts'

/**
 * Routing's own time: real time multiplied by the time scale, so that every half-life and pause of the policy stands as
 * it is written. Never runs backwards: it is the wall clock at the start and the monotonic clock since.
 */
export interface RoutingClock {
  /** Routing's milliseconds since the Unix epoch. */
  nowMs(): number
  /** Real milliseconds → routing's. */
  fromReal(ms: number): number
  /** Routing's milliseconds → real. */
  toReal(ms: number): number
}

export const createRoutingClock = (clock: Clock, timeScale: number): RoutingClock => {
  const startMs = clock.now() - clock.monotonicMs()
  return {
    nowMs: () => (startMs + clock.monotonicMs()) * timeScale,
    fromReal: (ms) => ms * timeScale,
    toReal: (ms) => ms / timeScale,
  }
}
