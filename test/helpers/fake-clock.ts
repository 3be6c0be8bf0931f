import type { Clock } from '#src/domain/clock.ts'

/** A clock that a test moves. */
export interface FakeClock extends Clock {
  advance(ms: number): void
}

export const createFakeClock = (startMs = 1_000_000): FakeClock => {
  let nowMs = startMs
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    advance: (ms) => {
      nowMs += ms
    },
  }
}
