/** Counts what is under way, for whoever has to wait until nothing is. */
export interface BusyCount {
  readonly count: number
  /** What is under way and has a name, such as a request's id; each name once. */
  names(): readonly string[]
  /** Counts one more; the result, called once, counts it off again. */
  enter(name?: string): () => void
  /** Resolves as soon as nothing is under way. */
  untilNone(): Promise<void>
}

export const createBusyCount = (): BusyCount => {
  const underWay = new Set<{ readonly name: string | undefined }>()
  let waiting: (() => void)[] = []
  return {
    get count() {
      return underWay.size
    },
    names: () => [...new Set([...underWay].flatMap(({ name }) => name ?? []))],
    enter: (name) => {
      const entry = { name }
      underWay.add(entry)
      return () => {
        underWay.delete(entry)
        if (underWay.size > 0) return
        for (const resolve of waiting) resolve()
        waiting = []
      }
    },
    untilNone: () =>
      underWay.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
  }
}
