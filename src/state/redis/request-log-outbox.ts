import { positionOf } from '#src/domain/request-position.ts'
import type { RequestRecord } from '#src/domain/request-record.ts'

/** Requests that wait for Redis at most, about 25 MB. Beyond it the oldest are given up. */
const MOST_WAITING = 5_000

/** What Redis is to be told, by position: of each request only the latest. */
export class RequestLogOutbox {
  readonly #waiting = new Map<string, RequestRecord>()
  readonly #most: number

  constructor(most = MOST_WAITING) {
    this.#most = most
  }

  get size(): number {
    return this.#waiting.size
  }

  put(record: RequestRecord): void {
    const position = positionOf(record)
    this.#waiting.delete(position)
    this.#waiting.set(position, record)
    if (this.#waiting.size <= this.#most) return
    const [oldest] = this.#waiting.keys()
    if (oldest !== undefined) this.#waiting.delete(oldest)
  }

  /** What waits or is on its way, as it stands now. */
  waiting(): ReadonlyMap<string, RequestRecord> {
    return new Map(this.#waiting)
  }

  /** The one that was put last, of those that are meant. */
  findLast(isMeant: (record: RequestRecord) => boolean): RequestRecord | undefined {
    return [...this.#waiting.values()].findLast(isMeant)
  }

  /** Those that wait longest. They stay until they have been told. */
  first(count: number): [position: string, record: RequestRecord][] {
    return [...this.#waiting].slice(0, count)
  }

  /** Redis has it, unless something has become of it since. */
  told(position: string, record: RequestRecord): void {
    if (this.#waiting.get(position) === record) this.#waiting.delete(position)
  }

  /** Redis refused it: the others first. */
  refused(position: string, record: RequestRecord): void {
    if (this.#waiting.get(position) !== record) return
    this.#waiting.delete(position)
    this.#waiting.set(position, record)
  }
}
