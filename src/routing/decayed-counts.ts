import { addCounts, noCounts, type OutcomeCounts } from '#src/domain/provider-stats.ts'

/** Counts that lose half their weight every half-life; kept as of one moment. */
export class DecayedCounts {
  #counts: OutcomeCounts = noCounts()
  #atMs: number

  constructor(nowMs: number) {
    this.#atMs = nowMs
  }

  /** The sums as of `nowMs`. */
  at(nowMs: number, halfLifeMs: number): Readonly<OutcomeCounts> {
    const elapsedMs = nowMs - this.#atMs
    if (elapsedMs > 0) {
      const decayed = noCounts()
      addCounts(decayed, this.#counts, 2 ** (-elapsedMs / halfLifeMs))
      this.#counts = decayed
      this.#atMs = nowMs
    }
    return this.#counts
  }

  /** Adds what was observed at `observedMs`, with the weight that it has by now. */
  add(
    counts: Readonly<OutcomeCounts>,
    observedMs: number,
    nowMs: number,
    halfLifeMs: number,
  ): void {
    const sums = { ...this.at(nowMs, halfLifeMs) }
    addCounts(sums, counts, 2 ** (-Math.max(0, nowMs - observedMs) / halfLifeMs))
    this.#counts = sums
  }

  clear(nowMs: number): void {
    this.#counts = noCounts()
    this.#atMs = nowMs
  }
}
