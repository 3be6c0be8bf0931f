/*
 * Where runs lie in Redis. Unlike what is learnt of providers, each run has a tag of its own: a cluster spreads them.
 * Their times are real, whatever the time scale.
 */

/** What the connection puts before each name. */
export const RUN_PREFIX = 'gw:'

/** All that is known of one run. */
export const runKey = (runId: string): string => `{run:${runId}}`

/** Runs with an order whose process has duties left, by the end of their lease. */
export const WATCH_KEY = '{runs}:watch'

/** How long a run belongs to a process that gave no sign of life, in ms. */
export const LEASE_MS = 30_000
/** How often a process says that it still works on its runs, in ms. */
export const RENEWAL_MS = 10_000
/** How often a process looks whether a run that works elsewhere has ended, in ms. */
export const POLL_MS = 500
/** How long what nobody works on any more is kept, in ms. */
export const UNFINISHED_MS = 86_400_000
/** How long what could not be told waits for Redis to come back, in ms. */
export const BUFFER_MS = 10 * 60_000
/** Most runs that are over and still have to be told. */
export const MAX_UNTOLD = 1_000
/** Most orphans that one look takes on. */
export const MAX_ADOPTED = 20
/** Largest text that is written of a run, in UTF-8 bytes. An answer has some 2 kB. */
export const MAX_TEXT_BYTES = 256 * 1024
