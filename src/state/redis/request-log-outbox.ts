import type { KeptRecord } from '#src/domain/kept-record.ts'
import { positionOf } from '#src/domain/request-position.ts'

/** Requests that wait for Redis at most, about 15 MB. Beyond it the oldest are given up. */
const MOST_WAITING = 5_000

/** What Redis is to be told, by position: of each request only the latest. */
export class RequestLogOutbox {
  readonly #waiting = new Map<string, KeptRecord>()
  readonly #most: number

  constructor(most = MOST_WAITING) {
    this.#most = most
  }

  get size(): number {
    return this.#waiting.size
  }

  put(record: KeptRecord): void {
    const position = positionOf(record)
    this.#waiting.delete(position)
    this.#waiting.set(position, record)
    if (this.#waiting.size <= this.#most) return
    const [oldest] = this.#waiting.keys()
    if (oldest !== undefined) this.#waiting.delete(oldest)
  }

  /** What waits or is on its way, as it stands now. */
  waiting(): ReadonlyMap<string, KeptRecord> {
    return new Map(this.#waiting)
  }

  /** The one that was put last, of those that are meant. */
  findLast(isMeant: (record: KeptRecord) => boolean): KeptRecord | undefined {
    return [...this.#waiting.values()].findLast(isMeant)
  }

  /** Those that wait longest. They stay until they have been told. */
  first(count: number): [position: string, record: KeptRecord][] {
    return [...this.#waiting].slice(0, count)
  }

  /** Redis has it, unless something has become of it since. */
  told(position: string, record: KeptRecord): void {
    if (this.#waiting.get(position) === record) this.#waiting.delete(position)
  }

  /** Redis refused it: the others first. */
  refused(position: string, record: KeptRecord): void {
    if (this.#waiting.get(position) !== record) return
    this.#waiting.delete(position)
    this.#waiting.set(position, record)
  }
}
