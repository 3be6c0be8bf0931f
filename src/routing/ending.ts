/** What a timer of Node can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Aborts when one of several signals does, or after a time. */
export interface Ending {
  readonly signal: AbortSignal
  /** What is asked of it is done: nothing aborts it any more. */
  stop(): void
}

/**
 * What `AbortSignal.any` and `AbortSignal.timeout` do together, for what is soon done: those are let go by the garbage
 * collector only, and each request would leave a timer and a dozen objects to it for as long as it might have taken.
 */
export const startEnding = (causes: readonly AbortSignal[], afterMs: number): Ending => {
  const end = new AbortController()
  const stops: (() => void)[] = []
  const stop = (): void => {
    for (const each of stops.splice(0)) each()
  }
  const abort = (reason: unknown): void => {
    stop()
    end.abort(reason)
  }
  for (const cause of causes) {
    if (cause.aborted) {
      abort(cause.reason)
      return { signal: end.signal, stop }
    }
    const follow = (): void => abort(cause.reason)
    cause.addEventListener('abort', follow, { once: true })
    stops.push(() => cause.removeEventListener('abort', follow))
  }
  const endMs = performance.now() + afterMs
  let timer: NodeJS.Timeout | undefined
  // Node's timers count whole milliseconds: they may fire a fraction of one early.
  const waitOn = (): void => {
    const leftMs = endMs - performance.now()
    if (!(leftMs > 0)) abort(new DOMException('The time is up', 'TimeoutError'))
    else timer = setTimeout(waitOn, Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS)).unref()
  }
  stops.push(() => clearTimeout(timer))
  waitOn()
  return { signal: end.signal, stop }
}
