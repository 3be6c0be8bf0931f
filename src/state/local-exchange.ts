import type { Clock } from '#src/domain/clock.ts'
import { createRoutingClock } from '#src/domain/routing-clock.ts'
import { createMemoryHistory } from './memory/memory-performance-history.ts'
import { NOBODY, type StatsSharing, syncIntervalMs } from './stats-sharing.ts'

/** How a gateway that is alone "shares". */
export interface LocalSharing extends StatsSharing {
  /** Grants the probes that are wanted. `start` has it called about once a second. */
  tick(nowMs: number): void
}

/** For a gateway that is alone: remembers what it saw, and lets itself probe. */
export const createLocalExchange = ({
  clock,
  timeScale,
}: {
  readonly clock: Clock
  /** Routing's milliseconds per real one. */
  readonly timeScale: number
}): LocalSharing => {
  const history = createMemoryHistory()
  const { nowMs } = createRoutingClock(clock, timeScale)
  let receiver = NOBODY
  let timer: NodeJS.Timeout | undefined
  const tick = (atMs: number): void => {
    for (const key of receiver.wantedProbes(atMs)) receiver.grantProbe(key, atMs)
  }
  return {
    exchange: { share: history.record, shareHealth: () => undefined },
    history,
    attach: (attached) => {
      receiver = attached
    },
    tick,
    // Nobody knows more than it has seen itself.
    follow: () => undefined,
    start: async () => {
      timer = setInterval(() => tick(nowMs()), syncIntervalMs(timeScale)).unref()
    },
    close: async () => clearInterval(timer),
  }
}
