import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import {
  createRedisRunStore,
  type RedisRunStoreOptions,
  type SharedRunStore,
} from '#src/state/redis-run-store.ts'

/** Of stores on a bench: a lease is short enough to be waited for. */
export const LEASE_MS = 500
export const RENEWAL_MS = 50

/** Stores of runs, as of so many gateways; `close` ends them all. */
export const createRunBench = () => {
  const stores: SharedRunStore[] = []

  /** One that may not be connected yet. */
  const create = (url: string, options: Partial<RedisRunStoreOptions> = {}): SharedRunStore => {
    const times = { leaseMs: LEASE_MS, renewalMs: RENEWAL_MS, pollMs: 10 }
    const store = createRedisRunStore({ url, clock: systemClock, ...times, ...options })
    stores.push(store)
    return store
  }

  return {
    create,
    /** One that shares. */
    start: async (
      url: string,
      options?: Partial<RedisRunStoreOptions>,
    ): Promise<SharedRunStore> => {
      const store = create(url, options)
      await expect.poll(() => store.isShared(), { timeout: 5_000, interval: 2 }).toBe(true)
      return store
    },
    close: async (): Promise<void> => {
      await Promise.all(stores.splice(0).map((store) => store.close()))
    },
  }
}

/** Time within which whoever works on nothing has lost it, and whoever renews has not. */
export const leaseEnds = (): Promise<void> => pause(LEASE_MS + 30)
