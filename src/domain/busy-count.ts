/** Counts what is under way, for whoever has to wait until nothing is. */
export interface BusyCount {
  readonly count: number
  /** Counts one more; the result, called once, counts it off again. */
  enter(): () => void
  /** Resolves as soon as nothing is under way. */
  untilNone(): Promise<void>
}

export const createBusyCount = (): BusyCount => {
  let count = 0
  let waiting: (() => void)[] = []
  const leave = (): void => {
    count -= 1
    if (count > 0) return
    for (const resolve of waiting) resolve()
    waiting = []
  }
  return {
    get count() {
      return count
    },
    enter: () => {
      count += 1
      return leave
    },
    untilNone: () =>
      count === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
  }
}
