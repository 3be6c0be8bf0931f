import type { SyncResult } from './redis/redis-sync.ts'
import { NOT_CONNECTED, type Trouble } from './redis/trouble.ts'
import type { SharingStatus } from './stats-sharing.ts'

/** Tells of changes between shared and not shared. */
export interface StatusTeller {
  learn(result: SyncResult): void
  /** An exchange failed by the gateway's own fault. */
  failed(error: unknown): void
  /** From now on it is told that there is no connection, even if nothing went wrong. */
  started(): void
}

/** One exchange that fails between two that do not is nothing to tell. */
const FAILURES_TO_TELL = 2

/** Tells the first status and every change, once: what kind of trouble it is counts, not its words. */
export const createStatusTeller = (onStatus: (status: SharingStatus) => void): StatusTeller => {
  let told: string | undefined
  let failures = 0
  let last: Trouble | undefined
  let isStarted = false

  const tell = (trouble: Trouble | undefined): void => {
    const kind = trouble?.kind ?? 'shared'
    if (kind === told) return
    told = kind
    onStatus(trouble ? { isShared: false, reason: trouble.reason } : { isShared: true })
  }

  const learnTrouble = (trouble: Trouble): void => {
    failures += 1
    last = trouble
    if (told !== 'shared' || failures >= FAILURES_TO_TELL) tell(trouble)
  }

  return {
    learn: (result) => {
      if (result === 'pending') {
        // Between two connections: what is known of the last one holds.
        if (isStarted) learnTrouble(last ?? NOT_CONNECTED)
        return
      }
      if (result.trouble) return learnTrouble(result.trouble)
      failures = 0
      last = undefined
      tell(undefined)
    },
    failed: (error) => {
      const name = error instanceof Error ? error.name : 'unknown'
      learnTrouble({ kind: 'failed', reason: `the exchange failed in the gateway (${name})` })
    },
    started: () => {
      isStarted = true
      if (told === undefined) learnTrouble(NOT_CONNECTED)
    },
  }
}
