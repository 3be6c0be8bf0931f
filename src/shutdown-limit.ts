import type { Config } from './config.ts'

/** What the last request may leave to be done: jobs to be cancelled, a webhook to be posted. In ms before `TIME_SCALE`. */
const DRAIN_MARGIN_MS = 15_000

/** How long a shutdown may take, in ms: as the slowest request that may have been taken on, and what it leaves to be done. */
export const shutdownLimitMs = ({
  requestTimeoutMs,
  asyncTimeoutMs,
  timeScale,
}: Pick<Config, 'requestTimeoutMs' | 'asyncTimeoutMs' | 'timeScale'>): number =>
  Math.max(requestTimeoutMs, asyncTimeoutMs) + DRAIN_MARGIN_MS / timeScale
