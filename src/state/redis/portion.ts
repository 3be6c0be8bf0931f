/** Fields that are asked for at once: answered well within a command's time-out, and taken in within milliseconds. */
const MOST_FIELDS = 16_000

/** Before the first was read: so many are asked for at once. */
const FIRST_HASHES = 2

/** How many hashes to ask for at once, by the size of those that came: nobody knows it before. */
export class Portion {
  readonly #mostHashes: number
  #largest: number | undefined

  constructor(mostHashes: number) {
    this.#mostHashes = mostHashes
  }

  /** At least one. */
  get hashes(): number {
    if (this.#largest === undefined) return FIRST_HASHES
    const fitting = Math.floor(MOST_FIELDS / Math.max(1, this.#largest))
    return Math.min(this.#mostHashes, Math.max(1, fitting))
  }

  /** One of so many fields came. */
  learn(fields: number): void {
    this.#largest = Math.max(fields, this.#largest ?? 0)
  }
}
