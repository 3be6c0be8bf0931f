import type { KeyBudget } from './api-key.ts'
import type { MicroUsd } from './money.ts'

const DAY_MS = 24 * 3_600_000

/** What one key spends in one period of its budget. */
export interface SpendAccount {
  readonly keyId: string
  /** `2026-11-21`, `2026-11` or `total`. */
  readonly period: string
  readonly limit: MicroUsd
  /** How long it is kept after it was last written, in ms; absent: for good. */
  readonly keptMs?: number
}

/** The account that a request of this moment is paid from, by UTC. */
export const accountOf = (
  keyId: string,
  { limit, period }: KeyBudget,
  atMs: number,
): SpendAccount => {
  const day = new Date(atMs).toISOString().slice(0, 'yyyy-mm-dd'.length)
  switch (period) {
    case 'day':
      return { keyId, limit, period: day, keptMs: 3 * DAY_MS }
    case 'month':
      return { keyId, limit, period: day.slice(0, 'yyyy-mm'.length), keptMs: 34 * DAY_MS }
    case 'total':
      return { keyId, limit, period }
  }
}

/** Money that is set aside for a request until it is known what it cost. */
export interface Reservation {
  /** Names the request, whichever process works on it. */
  readonly id: string
  readonly amount: MicroUsd
  /** Until when the request has surely ended, from now, in ms: the money is free then if its process has died. */
  readonly lifetimeMs: number
}

export interface ReservationVerdict {
  /** `known`: it was set aside or booked before, by whoever works on the request. */
  readonly kind: 'granted' | 'known' | 'refused'
  /** What was left without it. */
  readonly available: MicroUsd
}

/** What keys have spent. No operation rejects, none waits longer than 200 ms. */
export interface SpendLedger {
  /** Sets money aside if there is as much left. */
  reserve(account: SpendAccount, reservation: Reservation): Promise<ReservationVerdict>
  /** Books what a request cost, in the place of what was set aside for it; once for each id, whoever says it. */
  settle(account: SpendAccount, id: string, cost: MicroUsd): Promise<void>
  /** What is neither spent nor set aside; less than nothing when requests cost more than was set aside for them. */
  available(account: SpendAccount): Promise<MicroUsd>
}
