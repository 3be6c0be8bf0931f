import type { MicroUsd } from '#src/domain/money.ts'
import type { Reservation, SpendAccount } from '#src/domain/spending.ts'
import type { SharedSpend } from './redis/spend-link.ts'

/** Requests of one account that are known to have been booked here, where no Redis remembers them. */
const MAX_BOOKED = 10_000

/** One request in the book of this process, or what many of them cost that have ended. */
export interface SpendEntry {
  readonly reservation: Reservation
  /** Whether Redis has the reservation. */
  isShared: boolean
  /** Whether Redis may have heard of it under its id: it has to be told again under the same then. */
  mayBeHeard: boolean
  /** Whether Redis is being told its cost: it must not change then. */
  isBeingTold: boolean
  /** Requests that it stands for. */
  requests: number
  /** What it cost; absent: it has not ended. */
  cost?: MicroUsd
}

/** An entry that Redis has not heard of. */
export const newEntry = (
  reservation: Reservation,
  part: Partial<Omit<SpendEntry, 'reservation'>> = {},
): SpendEntry => ({
  reservation,
  isShared: false,
  mayBeHeard: false,
  isBeingTold: false,
  requests: 1,
  ...part,
})

/** What an entry changes of what Redis had last. */
const differenceOf = ({ reservation: { amount }, isShared, cost }: SpendEntry): MicroUsd =>
  (cost ?? amount) - (isShared ? amount : 0)

/** Costs that Redis has not confirmed. */
export interface WaitingSpend {
  readonly requests: number
  readonly cost: MicroUsd
}

/** An account as this process knows it. */
export class SpendPage {
  readonly account: SpendAccount
  /** As Redis had it last; alone: all that this process has booked. */
  #shared: SharedSpend = { spent: 0, held: 0 }
  /** Requests that have not ended, or of whose end Redis has not heard, by id. */
  readonly #entries = new Map<string, SpendEntry>()
  /** The latest requests that were booked without Redis, which else remembers them. */
  readonly #booked = new Set<string>()
  /** What those cost together that ended while Redis could not hear of them; absent: none did. */
  #sum: SpendEntry | undefined

  constructor(account: SpendAccount) {
    this.account = account
  }

  /** What is known to have been spent by all gateways. */
  get spent(): MicroUsd {
    return this.#shared.spent
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  find(id: string): SpendEntry | undefined {
    return this.#entries.get(id)
  }

  add(entry: SpendEntry): void {
    this.#entries.set(entry.reservation.id, entry)
  }

  /** Whether the request was booked here, and its entry is gone. */
  isBooked(id: string): boolean {
    return this.#booked.has(id)
  }

  /** What is neither spent nor set aside, as far as it is known here. */
  left(limit: MicroUsd): MicroUsd {
    let left = limit - this.#shared.spent - this.#shared.held
    for (const entry of this.#entries.values()) left -= differenceOf(entry)
    return left
  }

  /**
   * Takes in what Redis has. `heldBefore`: what it held before that. Whether it has lost what was set aside here: it is
   * to be told again then.
   */
  learn(shared: SharedSpend, heldBefore: MicroUsd = shared.held): boolean {
    this.#shared = shared
    const under = [...this.#entries.values()].filter(
      ({ isShared, cost }) => isShared && cost === undefined,
    )
    const known = under.reduce((sum, { reservation: { amount } }) => sum + amount, 0)
    if (known <= heldBefore) return false
    for (const entry of under) entry.isShared = false
    return true
  }

  /** Books without Redis. */
  bookAlone({ reservation: { id }, cost = 0 }: SpendEntry): void {
    this.#remember(id)
    this.#shared = { spent: this.#shared.spent + cost, held: 0 }
    this.#entries.delete(id)
  }

  /** Redis has heard of its end. */
  drop({ reservation: { id } }: SpendEntry): void {
    this.#entries.delete(id)
  }

  /** Redis is about to be told its cost. */
  beginTelling(entry: SpendEntry): void {
    entry.isBeingTold = true
    if (this.#sum === entry) this.#sum = undefined
  }

  /**
   * Puts an entry that has ended into one sum with the others of which Redis cannot know under their ids: so an outage
   * takes no more memory the longer it lasts, and is told in one go.
   */
  sumUp(entry: SpendEntry): void {
    const { cost, isShared, mayBeHeard, isBeingTold } = entry
    if (cost === undefined || isShared || mayBeHeard || isBeingTold || entry === this.#sum) return
    this.#remember(entry.reservation.id)
    if (!this.#sum) {
      this.#sum = entry
      return
    }
    this.#sum.cost = (this.#sum.cost ?? 0) + cost
    this.#sum.requests += entry.requests
    this.#entries.delete(entry.reservation.id)
  }

  /** What Redis is to be told. */
  untold(): readonly SpendEntry[] {
    return [...this.#entries.values()].filter(
      ({ cost, isShared, isBeingTold }) => (cost !== undefined || !isShared) && !isBeingTold,
    )
  }

  /** What those cost that have ended, of which Redis has not confirmed that it heard. */
  waiting(): WaitingSpend {
    let [requests, waitingCost] = [0, 0]
    for (const { cost, ...entry } of this.#entries.values()) {
      if (cost === undefined) continue
      requests += entry.requests
      waitingCost += cost
    }
    return { requests, cost: waitingCost }
  }

  #remember(id: string): void {
    this.#booked.add(id)
    const [oldest] = this.#booked
    if (oldest !== undefined && this.#booked.size > MAX_BOOKED) this.#booked.delete(oldest)
  }
}
