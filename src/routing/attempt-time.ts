import type { Clock } from '#src/domain/clock.ts'

/** Does something while an attempt's time stands still. */
export type Untimed = <Result>(work: () => Promise<Result>) => Promise<Result>

/** The time that a provider has for an attempt. */
export interface AttemptTime {
  /** Aborted with a `TimeoutError` when it is up. */
  readonly signal: AbortSignal
  readonly untimed: Untimed
  /** How long it has stood still, in real ms. */
  standstillMs(): number
  /** Nobody asks any more. */
  stop(): void
}

const timeIsUp = (): DOMException => new DOMException('The time is up', 'TimeoutError')

/**
 * Starts an attempt's time. It stands still while an answer that is there waits for room in the gateway's memory: it was
 * paid for, and asking the next provider would pay for it again and blame this one.
 */
export const startAttemptTime = (timeoutMs: number, clock: Clock): AttemptTime => {
  const end = new AbortController()
  let leftMs = Math.max(0, timeoutMs)
  let standstillMs = 0
  let standing = 0
  let changedMs = clock.monotonicMs()
  let timer: NodeJS.Timeout | undefined
  const run = (): void => {
    timer = setTimeout(() => end.abort(timeIsUp()), Math.ceil(leftMs)).unref()
  }
  /** Since the last change, which this one is then. */
  const lap = (): number => {
    const beforeMs = changedMs
    changedMs = clock.monotonicMs()
    return changedMs - beforeMs
  }
  const halt = (): void => {
    clearTimeout(timer)
    leftMs = Math.max(0, leftMs - lap())
  }
  let isOver = false
  run()
  return {
    signal: end.signal,
    untimed: async (work) => {
      if (standing === 0) halt()
      standing += 1
      try {
        return await work()
      } finally {
        standing -= 1
        if (standing === 0) {
          standstillMs += lap()
          if (!isOver) run()
        }
      }
    },
    standstillMs: () => standstillMs + (standing > 0 ? clock.monotonicMs() - changedMs : 0),
    stop: () => {
      isOver = true
      clearTimeout(timer)
    },
  }
}
