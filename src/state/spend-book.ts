import type { MicroUsd } from '#src/domain/money.ts'
import type {
  Reservation,
  ReservationVerdict,
  SpendAccount,
  SpendLedger,
} from '#src/domain/spending.ts'
import type { SharedReservation, SharedSpend, SpendLink } from './redis/spend-link.ts'

/** How long an account is remembered that nobody asks for, in ms. */
const IDLE_MS = 25 * 3_600_000
/** Requests of one account that are known to have been booked, where no Redis remembers them. */
const MAX_BOOKED = 10_000
/** Entries that are told at once. */
const BATCH = 100

/** One request in the book of this process. */
interface Entry {
  readonly reservation: Reservation
  /** Whether Redis has the reservation. */
  isShared: boolean
  /** What it cost; absent: it has not ended. */
  cost?: MicroUsd
}

/** An account as this process knows it. */
interface Page {
  readonly account: SpendAccount
  /** As Redis had it last; alone: all that this process has booked. */
  shared: SharedSpend
  /** Requests that have not ended, or of whose end Redis has not heard. */
  readonly entries: Map<string, Entry>
  /** The latest requests that were booked without Redis, which else remembers them. */
  readonly booked: Set<string>
  usedMs: number
}

/** What an entry changes of what Redis had last. */
const differenceOf = ({ reservation: { amount }, isShared, cost }: Entry): MicroUsd =>
  (cost ?? amount) - (isShared ? amount : 0)

const leftOf = ({ shared: { spent, held }, entries }: Page, limit: MicroUsd): MicroUsd => {
  let left = limit - spent - held
  for (const entry of entries.values()) left -= differenceOf(entry)
  return left
}

const bookAlone = ({ shared, booked }: Page, id: string, cost: MicroUsd): SharedSpend => {
  booked.add(id)
  const [oldest] = booked
  if (oldest !== undefined && booked.size > MAX_BOOKED) booked.delete(oldest)
  return { spent: shared.spent + cost, held: 0 }
}

/** A ledger that tells Redis what it could not tell it at once. */
export interface SpendBook extends SpendLedger {
  /** Tells Redis, when it is there, what it has not heard of. Never rejects. */
  tell(): Promise<void>
}

export interface SpendBookOptions {
  /** Absent: this process is alone, and forgets what was spent when it ends. */
  readonly link?: SpendLink
  readonly monotonicMs: () => number
}

class Book implements SpendBook {
  readonly #link: SpendLink | undefined
  readonly #monotonicMs: () => number
  readonly #pages = new Map<string, Page>()

  constructor({ link, monotonicMs }: SpendBookOptions) {
    this.#link = link
    this.#monotonicMs = monotonicMs
  }

  async reserve(account: SpendAccount, reservation: Reservation): Promise<ReservationVerdict> {
    const page = this.#pageOf(account)
    const said = await this.#share(page, account, reservation, false)
    if (said?.kind === 'granted') page.entries.set(reservation.id, { reservation, isShared: true })
    if (said) {
      const { spent, held } = said.before
      return { kind: said.kind, available: account.limit - spent - held }
    }
    return this.#reserveAlone(page, account, reservation)
  }

  #reserveAlone(page: Page, account: SpendAccount, reservation: Reservation): ReservationVerdict {
    // What was left when Redis was last heard, less what came since.
    const available = leftOf(page, account.limit)
    const { id } = reservation
    if (page.entries.has(id) || page.booked.has(id)) return { kind: 'known', available }
    if (reservation.amount > available) return { kind: 'refused', available }
    page.entries.set(id, { reservation, isShared: false })
    return { kind: 'granted', available }
  }

  async settle(account: SpendAccount, id: string, cost: MicroUsd): Promise<void> {
    const page = this.#pageOf(account)
    const entry = page.entries.get(id) ?? {
      reservation: { id, amount: 0, lifetimeMs: 0 },
      isShared: false,
    }
    if (entry.cost !== undefined || page.booked.has(id)) return
    entry.cost = cost
    page.entries.set(id, entry)
    await this.#book(page, entry)
  }

  async available(account: SpendAccount): Promise<MicroUsd> {
    const page = this.#pageOf(account)
    const said = await this.#link?.read(account, page.shared.spent)
    if (said) page.shared = said
    return leftOf(page, account.limit)
  }

  async tell(): Promise<void> {
    for (const [name, page] of this.#pages) {
      const untold = [...page.entries.values()].filter(
        ({ cost, isShared }) => cost !== undefined || !isShared,
      )
      for (let index = 0; index < untold.length; index += BATCH) {
        const batch = untold.slice(index, index + BATCH)
        await Promise.all(batch.map((entry) => this.#tellEntry(page, entry)))
      }
      const isIdle = page.entries.size === 0 && this.#monotonicMs() - page.usedMs > IDLE_MS
      // Alone, nobody else remembers what was spent.
      if (isIdle && (this.#link || page.account.keptMs !== undefined)) this.#pages.delete(name)
    }
  }

  async #tellEntry(page: Page, entry: Entry): Promise<void> {
    if (entry.cost !== undefined) return this.#book(page, entry)
    const said = await this.#share(page, page.account, entry.reservation, true)
    // It may have ended meanwhile: what was booked first takes no reservation.
    if (said && entry.cost === undefined) entry.isShared = true
  }

  async #share(
    page: Page,
    account: SpendAccount,
    reservation: Reservation,
    isSure: boolean,
  ): Promise<SharedReservation | undefined> {
    const knownSpent = page.shared.spent
    const said = await this.#link?.reserve(account, reservation, { knownSpent, isSure })
    if (said) page.shared = said.after
    return said
  }

  async #book(page: Page, entry: Entry): Promise<void> {
    const { reservation, cost = 0 } = entry
    const { spent } = page.shared
    const said = this.#link
      ? await this.#link.settle(page.account, reservation.id, cost, spent)
      : bookAlone(page, reservation.id, cost)
    if (!said) return
    page.shared = said
    page.entries.delete(reservation.id)
  }

  #pageOf(account: SpendAccount): Page {
    const name = `${account.keyId} ${account.period}`
    const page = this.#pages.get(name) ?? {
      account,
      shared: { spent: 0, held: 0 },
      entries: new Map<string, Entry>(),
      booked: new Set<string>(),
      usedMs: 0,
    }
    page.usedMs = this.#monotonicMs()
    this.#pages.set(name, page)
    return page
  }
}

/** What keys spend, with Redis where gateways share one: without it, or while it is gone, as far as this process knows. */
export const createSpendBook = (options: SpendBookOptions): SpendBook => new Book(options)
