import type { KeyLimiter } from '#src/domain/key-limiter.ts'
import { KeyMinutes } from './key-minutes.ts'
import { KeySlots } from './key-slots.ts'
import type { KeyLink } from './redis/key-link.ts'

/** When a request that was one too many at a time is worth trying again, in ms: nobody knows when another will end. */
const SLOT_RETRY_MS = 1_000

/** A limiter that keeps alive what it has counted in. */
export interface RunningKeyLimiter extends KeyLimiter {
  /** To be called from time to time: says that this process's requests are still under way. Never rejects. */
  renew(): Promise<void>
}

const nothing = (): void => undefined

/** `link`: absent, this process is alone. */
export const createKeyLimiter = (link: KeyLink | undefined): RunningKeyLimiter => {
  const minutes = new KeyMinutes(link)
  const slots = new KeySlots(link)
  return {
    enter: async (keyId, { requestsPerMinute, concurrent }) => {
      // Side by side: both together wait no longer than one.
      const [waitMs, leave] = await Promise.all([
        requestsPerMinute === undefined ? undefined : minutes.count(keyId, requestsPerMinute),
        concurrent === undefined ? nothing : slots.enter(keyId, concurrent),
      ])
      if (waitMs !== undefined) {
        leave?.()
        return { kind: 'refused', limit: 'requestsPerMinute', retryAfterMs: waitMs }
      }
      if (leave) return { kind: 'admitted', leave }
      if (requestsPerMinute !== undefined) minutes.uncount(keyId)
      return { kind: 'refused', limit: 'concurrent', retryAfterMs: SLOT_RETRY_MS }
    },
    renew: () => slots.renew(),
  }
}
