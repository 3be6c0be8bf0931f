/**
 * Where time comes from. Everything that measures, waits or expires takes a clock, so that tests and
 * simulations set the time instead of sleeping.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch; may jump. */
  now(): number
  /** Monotonic time in milliseconds from an arbitrary start; for durations. */
  monotonicMs(): number
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}
