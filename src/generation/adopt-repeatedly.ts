import type { AcceptedRequests } from './accepted-requests.ts'

/** Looks for requests of processes that have died. */
export interface Adopting {
  /** No look begins any more; resolves once none is under way, so that what it has found is known. */
  stop(): Promise<void>
}

/** Looks now and every so many ms. A look that fails is told, and the next one comes. */
export const adoptRepeatedly = (
  { adoptOrphans }: Pick<AcceptedRequests, 'adoptOrphans'>,
  everyMs: number,
  onError: (error: Error) => void,
): Adopting => {
  const looks = new Set<Promise<void>>()
  const look = (): void => {
    const looking: Promise<void> = adoptOrphans()
      .catch(onError)
      .finally(() => looks.delete(looking))
    looks.add(looking)
  }
  look()
  const timer = setInterval(look, everyMs).unref()
  return {
    stop: async () => {
      clearInterval(timer)
      await Promise.all(looks)
    },
  }
}
