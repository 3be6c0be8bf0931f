import { setTimeout as sleep } from 'node:timers/promises'
import { ProviderError } from '#src/domain/errors.ts'
import { scaledLimitMs } from './request-limit.ts'

export interface ReadLimits {
  /** Ends the reading. */
  readonly signal: AbortSignal
  /** Divides every time of the reading. */
  readonly timeScale: number
}

/** How often a read is repeated over one kind of fault: until the limits end it, a few times, or never. */
export type Patience = 'endless' | 'short' | 'none'

export interface ReadOptions {
  /** How long to put up with an error; absent: `patienceOf`. */
  readonly patience?: (error: ProviderError) => Patience
  /** Milliseconds for one read, before scaling; absent: 15000. */
  readonly oneReadMs?: number
}

/** Milliseconds for one read. Reading again is free, so a stuck connection is given up early. */
const ONE_READ_MS = 15_000

/** Back-off after a failed read, in milliseconds: 500, 1000, 2000, then 4000. */
const BACK_OFF_MS = 500
const BACK_OFF_MAX_MS = 4_000

/** Repetitions out of short patience: after four answers of a kind, a fifth will not be better. */
const SHORT_PATIENCE = 3

/**
 * Repeats a free read over passing faults. Rejects with the last error when patience is over, and with the signal's
 * reason when the signal ends it.
 */
export const readPatiently = async <T>(
  read: (signal: AbortSignal) => Promise<T>,
  limits: ReadLimits,
  { patience = patienceOf, oneReadMs = ONE_READ_MS }: ReadOptions = {},
): Promise<T> => {
  const { signal, timeScale } = limits
  let repeated = 0
  for (let waitMs = BACK_OFF_MS; ; waitMs = Math.min(waitMs * 2, BACK_OFF_MAX_MS)) {
    signal.throwIfAborted()
    const limit = AbortSignal.timeout(scaledLimitMs(oneReadMs, timeScale))
    try {
      return await read(AbortSignal.any([signal, limit]))
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      const kind = patience(error)
      if (kind === 'short') repeated += 1
      if (kind === 'none' || repeated > SHORT_PATIENCE) throw error
    }
    await pause(waitMs, limits)
  }
}

/** Lost connections, time-outs, 408, 429 and 5xx pass; an answer that cannot be read may; anything else stays. */
export const patienceOf = ({ kind, details }: ProviderError): Patience => {
  const { upstreamStatus: status } = details
  if (status === undefined) return kind === 'bad_response' ? 'short' : 'endless'
  return status === 408 || status === 429 || status >= 500 ? 'endless' : 'none'
}

/** Waits, or less when the signal ends it; never rejects. */
export const pause = async (waitMs: number, { signal, timeScale }: ReadLimits): Promise<void> => {
  await sleep(waitMs / timeScale, undefined, { signal }).catch(() => {})
}
