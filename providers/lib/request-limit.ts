/**
 * Milliseconds below which no limit on a request is scaled: a local network and a busy process do not get faster
 * with the time scale.
 */
const REQUEST_LIMIT_MIN_MS = 250

/** A limit on one request or a few, divided by the time scale but never too short to be kept. */
export const scaledLimitMs = (limitMs: number, timeScale: number): number =>
  Math.max(REQUEST_LIMIT_MIN_MS, Math.ceil(limitMs / timeScale))
