/** Something that happens at a moment of virtual time. */
interface Event {
  readonly atMs: number
  /** Events of one moment happen in the order in which they were planned. */
  readonly place: number
  readonly run: (nowMs: number) => void
}

const isBefore = (left: Event, right: Event): boolean =>
  left.atMs < right.atMs || (left.atMs === right.atMs && left.place < right.place)

/** Virtual time: a binary heap of what is to happen. Nothing waits for a real clock. */
export class EventQueue {
  readonly #heap: Event[] = []
  #planned = 0

  plan(atMs: number, run: (nowMs: number) => void): void {
    const event: Event = { atMs, place: this.#planned++, run }
    const heap = this.#heap
    let index = heap.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = heap[parent]
      if (!above || !isBefore(event, above)) break
      heap[index] = above
      index = parent
    }
    heap[index] = event
  }

  #take(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      let below = heap[child]
      const right = heap[child + 1]
      if (below && right && isBefore(right, below)) {
        child += 1
        below = right
      }
      if (!below || !isBefore(below, last)) break
      heap[index] = below
      index = child
    }
    heap[index] = last
    return first
  }

  /** Lets everything happen, in order of time, until nothing is left. */
  run(): void {
    for (let event = this.#take(); event; event = this.#take()) event.run(event.atMs)
  }
}
