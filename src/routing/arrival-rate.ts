/** How often requests come: a count that loses half its weight every half-life. */
export class ArrivalRate {
  readonly #startMs: number
  readonly #halfLifeMs: number
  #count = 0
  #atMs: number

  constructor(nowMs: number, halfLifeMs: number) {
    this.#startMs = nowMs
    this.#atMs = nowMs
    this.#halfLifeMs = halfLifeMs
  }

  #decay(nowMs: number): void {
    this.#count *= 2 ** (-Math.max(0, nowMs - this.#atMs) / this.#halfLifeMs)
    this.#atMs = Math.max(this.#atMs, nowMs)
  }

  add(nowMs: number): void {
    this.#decay(nowMs)
    this.#count += 1
  }

  /** Arrivals per ms; what was not yet watched is not taken for silence. */
  perMs(nowMs: number): number {
    this.#decay(nowMs)
    const watched = 1 - 2 ** (-(nowMs - this.#startMs) / this.#halfLifeMs)
    return watched > 0 ? (this.#count * Math.LN2) / this.#halfLifeMs / watched : 0
  }
}
