import type { RoutingPolicy } from './policy.ts'

/**
 * How many gateways there are, and how many of them this one hears. Who is no longer heard still sends requests, so that
 * the shares of what a provider is given stay what they were; but nothing can be concluded from what is not heard.
 */
export class GatewayCount {
  readonly #aloneAfterMs: number
  #total = 1
  #heardMs: number
  /** Whether anything was exchanged since the last tick. */
  #isNews = false
  #isAlone = false

  constructor({ aloneAfterMs }: Pick<RoutingPolicy, 'aloneAfterMs'>, nowMs: number) {
    this.#aloneAfterMs = aloneAfterMs
    this.#heardMs = nowMs
  }

  /** Gateways that send requests, this one included: the last number that was told. */
  get total(): number {
    return this.#total
  }

  /** Gateways whose observations are known here, this one included: `total` as long as they are exchanged, else 1. */
  get heard(): number {
    return this.#isAlone ? 1 : this.#total
  }

  /** Observations were exchanged just now, and so many gateways take part. */
  exchanged(total: number): void {
    this.#total = Math.max(1, total)
    this.#isNews = true
    this.#isAlone = false
  }

  /** To be called about once a second. */
  tick(nowMs: number): void {
    if (this.#isNews) this.#heardMs = nowMs
    this.#isNews = false
    this.#isAlone = nowMs - this.#heardMs > this.#aloneAfterMs
  }
}
