/**
 * How far Redis' clock is ahead of this gateway's, in routing's milliseconds: all gateways write times by Redis' clock,
 * so that a clock that is wrong harms nobody. An answer took until it arrived, so it only says within what the lead
 * lies; the lead is moved no further than into there, and so stands still as long as both clocks run alike.
 */
export class RedisClock {
  readonly #timeScale: number
  #aheadMs: number | undefined

  constructor(timeScale: number) {
    this.#timeScale = timeScale
  }

  /** `undefined`: not known yet. */
  get aheadMs(): number | undefined {
    return this.#aheadMs
  }

  /** Takes in an answer to `TIME` that was asked for at `askedMs` and here at `answeredMs`, by this gateway's clock. */
  learn(answer: unknown, askedMs: number, answeredMs: number): void {
    if (!Array.isArray(answer)) return
    const redisMs = (Number(answer[0]) * 1000 + Number(answer[1]) / 1000) * this.#timeScale
    if (!Number.isFinite(redisMs)) return
    const [least, most] = [redisMs - answeredMs, redisMs - askedMs]
    const present = this.#aheadMs ?? (least + most) / 2
    this.#aheadMs = Math.min(most, Math.max(least, present))
  }
}
