import type {
  PerformanceHistory,
  StatsExchange,
  StatsReceiver,
} from '#src/domain/provider-stats.ts'

/** Whether gateways tell each other what they learn. */
export interface SharingStatus {
  readonly isShared: boolean
  /** Why not, for operators; names no address and no password. Absent: it is shared. */
  readonly reason?: string
}

/** How one gateway shares what it learns of providers; the same to its owner whether it is alone or not. */
export interface StatsSharing {
  readonly exchange: StatsExchange
  readonly history: PerformanceHistory
  /** Who is told what the others know. To be called once, before `start`. */
  attach(receiver: StatsReceiver): void
  /** Takes in, in the background, what is known of these offerings, as far as it was not asked about them before. */
  follow(configKeys: readonly string[]): void
  /** Takes in what is known already, for 2 s at most, then keeps on in the background. Never rejects. */
  start(): Promise<void>
  /** Tells the others the last of it and ends. Never rejects, takes less than a second. */
  close(): Promise<void>
}

/** Tells nobody, wants nothing: stands in until somebody is attached. */
export const NOBODY: StatsReceiver = {
  absorb: () => undefined,
  adoptHealth: () => undefined,
  setReplicas: () => undefined,
  wantedProbes: () => [],
  grantProbe: () => undefined,
}

/** How often gateways tell each other, in routing's milliseconds. */
const SYNC_INTERVAL_MS = 1_000

/** Never more often than this, in real milliseconds: at a large time scale the machine would do nothing else. */
const LEAST_INTERVAL_MS = 20

/** Real milliseconds between two exchanges. */
export const syncIntervalMs = (timeScale: number): number =>
  Math.max(LEAST_INTERVAL_MS, SYNC_INTERVAL_MS / timeScale)
