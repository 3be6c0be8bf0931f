import { createRequire } from 'node:module'
import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import { once } from '#src/domain/once.ts'
import type { KeyLink } from './redis/key-link.ts'
import { minuteKey } from './redis/key-names.ts'

const load = createRequire(import.meta.url)

/** Loaded by the first key with such a limit: it brings one limiter for each database that there is, 20 ms. */
const limiters = (): typeof import('rate-limiter-flexible') => load('rate-limiter-flexible')

const MINUTE_MS = 60_000

/** The library only counts: each key has a limit of its own, which may change within the minute. */
const OPTIONS = {
  points: Number.MAX_SAFE_INTEGER,
  duration: MINUTE_MS / 1000,
  keyPrefix: '',
}

/**
 * Requests of each key within a minute that begins with the first of them: at all gateways where they share a Redis,
 * else, or while it is gone, at this one.
 */
export class KeyMinutes {
  readonly #link: KeyLink | undefined
  readonly #own = once(() => new (limiters().RateLimiterMemory)(OPTIONS))
  readonly #shared: () => RateLimiterAbstract | undefined

  constructor(link: KeyLink | undefined) {
    this.#link = link
    this.#shared = once(
      () => link && new (limiters().RateLimiterRedis)({ ...OPTIONS, storeClient: link.client }),
    )
  }

  /** Counts one more. Resolves to how long to wait in ms, as it is one too many; `undefined`: it is not. */
  async count(keyId: string, most: number): Promise<number | undefined> {
    const name = minuteKey(keyId)
    const said: RateLimiterRes | undefined = await this.#ask((shared) => shared.consume(name))
    const { consumedPoints, msBeforeNext } = said ?? (await this.#own().consume(name))
    if (consumedPoints <= most) return undefined
    // The library reckons by the wall clock: one that was set back makes the wait an hour.
    return Math.min(MINUTE_MS, Math.max(1, msBeforeNext))
  }

  /** Counts one off that was refused for another reason; in the background. */
  uncount(keyId: string): void {
    const name = minuteKey(keyId)
    void this.#ask((shared) => shared.reward(name)).then((said) => said ?? this.#own().reward(name))
  }

  async #ask(
    count: (shared: RateLimiterAbstract) => Promise<RateLimiterRes>,
  ): Promise<RateLimiterRes | undefined> {
    const shared = this.#shared()
    return shared && this.#link?.ask(() => count(shared))
  }
}
