import type { MicroUsd } from '#src/domain/money.ts'
import type {
  Reservation,
  ReservationVerdict,
  SpendAccount,
  SpendLedger,
} from '#src/domain/spending.ts'
import type { Told } from './redis/key-link.ts'
import type { SharedReservation, SpendLink } from './redis/spend-link.ts'
import { newEntry, type SpendEntry, SpendPage, type WaitingSpend } from './spend-page.ts'

/** How long an account is remembered that nobody asks for, in ms. */
const IDLE_MS = 25 * 3_600_000
/** Entries that are told at once. */
const BATCH = 100

/** A ledger that tells Redis what it could not tell it at once. */
export interface SpendBook extends SpendLedger {
  /** Tells Redis, when it is there, what it has not heard of. Never rejects. */
  tell(): Promise<void>
  /** What was spent of which Redis has not confirmed that it heard; nothing where there is no Redis. */
  waiting(): WaitingSpend
}

export interface SpendBookOptions {
  /** Absent: this process is alone, and forgets what was spent when it ends. */
  readonly link?: SpendLink
  readonly monotonicMs: () => number
}

interface Opened {
  readonly page: SpendPage
  /** When it was last asked for, on the monotonic scale. */
  usedMs: number
}

const NEVER_ASKED = { kind: 'undone' } as const

class Book implements SpendBook {
  readonly #link: SpendLink | undefined
  readonly #monotonicMs: () => number
  readonly #pages = new Map<string, Opened>()

  constructor({ link, monotonicMs }: SpendBookOptions) {
    this.#link = link
    this.#monotonicMs = monotonicMs
  }

  async reserve(account: SpendAccount, reservation: Reservation): Promise<ReservationVerdict> {
    const page = this.#pageOf(account)
    const { told, hasLost } = await this.#share(page, account, reservation, false)
    if (told.kind !== 'answered') {
      return this.#reserveAlone(page, account, reservation, told.kind === 'unknown')
    }
    const { kind, before } = told.answer
    const available = account.limit - before.spent - before.held
    if (kind === 'granted') page.add(newEntry(reservation, { isShared: true, mayBeHeard: true }))
    // It has granted what it had set aside for others before it lost that.
    if (kind === 'granted' && hasLost && page.left(account.limit) < 0) {
      const left = page.left(account.limit) + reservation.amount
      await this.settle(account, reservation.id, 0)
      return { kind: 'refused', available: left }
    }
    return { kind, available }
  }

  #reserveAlone(
    page: SpendPage,
    account: SpendAccount,
    reservation: Reservation,
    mayBeHeard: boolean,
  ): ReservationVerdict {
    // What was left when Redis was last heard, less what came since.
    const available = page.left(account.limit)
    const { id } = reservation
    if (page.find(id) || page.isBooked(id)) return { kind: 'known', available }
    const isRefused = reservation.amount > available
    if (!isRefused) page.add(newEntry(reservation, { mayBeHeard }))
    // Redis may grant it when it comes to it: then it is told that nothing came of it.
    else if (mayBeHeard) page.add(newEntry(reservation, { mayBeHeard, cost: 0, requests: 0 }))
    return { kind: isRefused ? 'refused' : 'granted', available }
  }

  async settle(account: SpendAccount, id: string, cost: MicroUsd): Promise<void> {
    const page = this.#pageOf(account)
    const entry = page.find(id) ?? newEntry({ id, amount: 0, lifetimeMs: 0 })
    if (entry.cost !== undefined || page.isBooked(id)) return
    entry.cost = cost
    page.add(entry)
    await this.#book(page, entry)
  }

  async available(account: SpendAccount): Promise<MicroUsd> {
    const page = this.#pageOf(account)
    const said = await this.#link?.read(account, page.spent)
    if (said) page.learn(said)
    return page.left(account.limit)
  }

  async tell(): Promise<void> {
    for (const [name, { page, usedMs }] of this.#pages) {
      if (this.#link) await this.#tellPage(page)
      const isIdle = page.isEmpty && this.#monotonicMs() - usedMs > IDLE_MS
      // Alone, nobody else remembers what was spent.
      if (isIdle && (this.#link || page.account.keptMs !== undefined)) this.#pages.delete(name)
    }
  }

  waiting(): WaitingSpend {
    let [requests, cost] = [0, 0]
    for (const { page } of this.#pages.values()) {
      const waiting = page.waiting()
      requests += waiting.requests
      cost += waiting.cost
    }
    return { requests, cost }
  }

  async #tellPage(page: SpendPage): Promise<void> {
    const untold = page.untold()
    for (let index = 0; index < untold.length; index += BATCH) {
      const batch = untold.slice(index, index + BATCH)
      await Promise.all(batch.map((entry) => this.#tellEntry(page, entry)))
    }
  }

  async #tellEntry(page: SpendPage, entry: SpendEntry): Promise<void> {
    if (entry.cost !== undefined) return this.#book(page, entry)
    const before = entry.mayBeHeard
    // It may end while Redis is told: from now on it goes by its id.
    entry.mayBeHeard = true
    const { told } = await this.#share(page, page.account, entry.reservation, true)
    if (told.kind === 'undone') entry.mayBeHeard = before
    // It may have ended meanwhile: what was booked first takes no reservation.
    if (told.kind === 'answered' && entry.cost === undefined) entry.isShared = true
  }

  async #share(
    page: SpendPage,
    account: SpendAccount,
    reservation: Reservation,
    isSure: boolean,
  ): Promise<{ readonly told: Told<SharedReservation>; readonly hasLost: boolean }> {
    const terms = { knownSpent: page.spent, isSure }
    const told = (await this.#link?.reserve(account, reservation, terms)) ?? NEVER_ASKED
    if (told.kind !== 'answered') return { told, hasLost: false }
    const { before, after } = told.answer
    return { told, hasLost: page.learn(after, before.held) }
  }

  async #book(page: SpendPage, entry: SpendEntry): Promise<void> {
    if (!this.#link) return page.bookAlone(entry)
    const { reservation, cost = 0, isBeingTold } = entry
    if (isBeingTold) return
    page.beginTelling(entry)
    const told = await this.#link.settle(page.account, reservation.id, cost, page.spent)
    entry.isBeingTold = false
    if (told.kind === 'answered') {
      page.drop(entry)
      page.learn(told.answer)
      return
    }
    if (told.kind === 'unknown') entry.mayBeHeard = true
    page.sumUp(entry)
  }

  #pageOf(account: SpendAccount): SpendPage {
    const name = `${account.keyId} ${account.period}`
    const opened = this.#pages.get(name) ?? { page: new SpendPage(account), usedMs: 0 }
    opened.usedMs = this.#monotonicMs()
    this.#pages.set(name, opened)
    return opened.page
  }
}

/** What keys spend, with Redis where gateways share one: without it, or while it is gone, as far as this process knows. */
export const createSpendBook = (options: SpendBookOptions): SpendBook => new Book(options)
