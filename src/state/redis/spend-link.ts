import type { MicroUsd } from '#src/domain/money.ts'
import type { Reservation, ReservationVerdict, SpendAccount } from '#src/domain/spending.ts'
import type { KeyLink, Told } from './key-link.ts'
import { spendKeys } from './key-names.ts'

/** How long it is known that a request was booked, in ms: as long as a run lives that another process may take over. */
const BOOKED_MS = 86_400_000

/** An account as Redis has it. */
export interface SharedSpend {
  readonly spent: MicroUsd
  /** Set aside for requests that have not ended. */
  readonly held: MicroUsd
}

export interface SharedReservation {
  readonly kind: ReservationVerdict['kind']
  readonly before: SharedSpend
  readonly after: SharedSpend
}

const asNumbers = (answer: unknown): readonly number[] =>
  Array.isArray(answer) ? answer.map(Number) : []

const spendOf = (spent: number | undefined, held: number | undefined): SharedSpend => ({
  spent: spent ?? 0,
  held: held ?? 0,
})

const mapTold = <From, To>(told: Told<From>, read: (answer: From) => To): Told<To> =>
  told.kind === 'answered' ? { kind: 'answered', answer: read(told.answer) } : told

const readReservation = (answer: unknown): SharedReservation => {
  const [granted, spent, heldBefore, heldAfter] = asNumbers(answer)
  return {
    kind: granted === 1 ? 'granted' : granted === 2 ? 'known' : 'refused',
    before: spendOf(spent, heldBefore),
    after: spendOf(spent, heldAfter),
  }
}

const readSpend = (answer: unknown): SharedSpend => {
  const [spent, held] = asNumbers(answer)
  return spendOf(spent, held)
}

/** What keys spend, as all gateways see it. */
export class SpendLink {
  readonly #link: KeyLink

  constructor(link: KeyLink) {
    this.#link = link
  }

  /** `knownSpent`: what this process knows to have been spent. `isSure`: it is granted whatever is left. */
  async reserve(
    account: SpendAccount,
    { id, amount, lifetimeMs }: Reservation,
    { knownSpent, isSure }: { readonly knownSpent: MicroUsd; readonly isSure: boolean },
  ): Promise<Told<SharedReservation>> {
    const { limit, keptMs = 0 } = account
    const life = Math.ceil(lifetimeMs)
    const told = await this.#link.tell((client) =>
      client.reserveSpend(
        ...spendKeys(account.keyId, account.period),
        ...[id, amount, isSure ? '' : limit, life, knownSpent, keptMs],
      ),
    )
    return mapTold(told, readReservation)
  }

  /** `undefined`: no answer came. */
  async read(account: SpendAccount, knownSpent: MicroUsd): Promise<SharedSpend | undefined> {
    const nothing = { id: '', amount: 0, lifetimeMs: 0 }
    const told = await this.reserve(account, nothing, { knownSpent, isSure: false })
    return told.kind === 'answered' ? told.answer.before : undefined
  }

  async settle(
    { keyId, period, keptMs = 0 }: SpendAccount,
    id: string,
    cost: MicroUsd,
    knownSpent: MicroUsd,
  ): Promise<Told<SharedSpend>> {
    const told = await this.#link.tell((client) =>
      client.settleSpend(...spendKeys(keyId, period), ...[id, cost, BOOKED_MS, knownSpent, keptMs]),
    )
    return mapTold(told, readSpend)
  }
}
