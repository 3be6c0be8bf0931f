import { HOUR_MS } from '#src/domain/provider-stats.ts'

/*
 * Where what lies in Redis. All names share the tag {rt}, so that a cluster keeps them in one place and one script or
 * pipeline may touch several. Times in names are routing's own, by Redis' clock.
 */

export const BUCKET_MS = 10_000
export const DAY_MS = 24 * HOUR_MS

/** Number of the 10-second bucket that a time lies in. */
export const bucketOf = (atMs: number): number => Math.floor(atMs / BUCKET_MS)

/** Counts of 10 s. */
export const bucketKey = (bucket: number): string => `gw:{rt}:b:${bucket}`
/** Counts of one offering on one day, by the hour. */
export const historyKey = (configKey: string, day: number): string =>
  `gw:{rt}:h:${configKey}:${day}`
/** Breakers and pauses. */
export const HEALTH_KEY = 'gw:{rt}:st'
/** Which gateways live. */
export const REPLICAS_KEY = 'gw:{rt}:reps'
/** Buckets that got counts after their time, by number. */
export const LATE_KEY = 'gw:{rt}:late'
/** Who may probe. */
export const leaseKey = (healthKey: string): string => `gw:{rt}:lease:${healthKey}`

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
