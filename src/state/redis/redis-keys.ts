import { HOUR_MS } from '#src/domain/provider-stats.ts'

/*
 * Where what lies in Redis. Names stand after the prefix, which the connection puts before each; times in them are
 * routing's own, by Redis' clock.
 */

/**
 * What all names begin with. They share the tag {rt}, so that a cluster keeps them in one place and one script or
 * pipeline may touch several. Times of another scale mean nothing here, so each scale has names of its own.
 */
export const keyPrefix = (timeScale: number): string =>
  timeScale === 1 ? 'gw:{rt}:' : `gw:{rt}:x${timeScale}:`

/** Moments of one exchange, in routing's ms. */
export interface Moment {
  /** By this gateway's clock. */
  readonly nowMs: number
  /** How far Redis' clock is ahead. */
  readonly aheadMs: number
}

export const BUCKET_MS = 10_000
export const DAY_MS = 24 * HOUR_MS

/** Number of the 10-second bucket that a time lies in. */
export const bucketOf = (atMs: number): number => Math.floor(atMs / BUCKET_MS)

/** Counts of 10 s. */
export const bucketKey = (bucket: number): string => `b:${bucket}`
/** Counts of one offering on one day, by the hour. */
export const historyKey = (configKey: string, day: number): string => `h:${configKey}:${day}`
/** Breakers and pauses. */
export const HEALTH_KEY = 'st'
/** Which gateways live. */
export const REPLICAS_KEY = 'reps'
/** Buckets that got counts after their time, by number. */
export const LATE_KEY = 'late'
/** Who may probe. */
export const leaseKey = (healthKey: string): string => `lease:${healthKey}`

/** How far back buckets are read at the start. */
export const WINDOW_MS = 30 * 60_000
/** How long counts wait for Redis to come back. */
export const BUFFER_MS = 10 * 60_000

/** How long each key lives after it was last written, in real milliseconds. */
export interface KeyLifetimes {
  readonly bucketMs: number
  readonly historyMs: number
  readonly sharedMs: number
  readonly leaseMs: number
}

export const keyLifetimes = (timeScale: number): KeyLifetimes => {
  const real = (ms: number): number => Math.max(1, Math.ceil(ms / timeScale))
  return {
    bucketMs: real(31 * 60_000),
    historyMs: real(32 * DAY_MS),
    sharedMs: real(HOUR_MS),
    leaseMs: real(5_000),
  }
}
