import type { KeyLimits } from './api-key.ts'

/** Whether a request is within its key's limits. */
export type LimitVerdict =
  | {
      readonly kind: 'admitted'
      /** To be called once the request is done; further calls do nothing. */
      readonly leave: () => void
    }
  | {
      readonly kind: 'refused'
      /** The limit that it would break. */
      readonly limit: keyof KeyLimits
      /** After which it may be admitted, in real ms. */
      readonly retryAfterMs: number
    }

/** Counts the requests of each key. */
export interface KeyLimiter {
  /** Counts a request in. Waits for 200 ms at most; never rejects. */
  enter(keyId: string, limits: KeyLimits): Promise<LimitVerdict>
}
