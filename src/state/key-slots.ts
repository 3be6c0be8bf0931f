import { randomUUID } from 'node:crypto'
import type { KeyLink } from './redis/key-link.ts'
import { slotsKey } from './redis/key-names.ts'

/** How long a request counts as under way whose process gives no sign of life, in ms. */
const LEASE_MS = 30_000
/** How often the leases of this process's requests are renewed, in ms. */
export const SLOT_RENEWAL_MS = 10_000

/** Requests of each key that are under way, at all gateways where they share a Redis, else at this one. */
export class KeySlots {
  readonly #link: KeyLink | undefined
  readonly #leaseMs: number
  /** This process's own, by key. */
  readonly #own = new Map<string, Set<string>>()

  constructor(link: KeyLink | undefined, leaseMs: number = LEASE_MS) {
    this.#link = link
    this.#leaseMs = leaseMs
  }

  /** Resolves to the end of the request's stay; `undefined`: there are as many as may be. */
  async enter(keyId: string, most: number): Promise<(() => void) | undefined> {
    const own = this.#own.get(keyId) ?? new Set<string>()
    if (own.size >= most) return undefined
    const slot = randomUUID()
    // Taken at once: those that come while Redis is asked see it.
    own.add(slot)
    this.#own.set(keyId, own)
    const leave = (): void => this.#leave(keyId, slot)
    const said = await this.#link?.ask((client) =>
      client.enterSlot(slotsKey(keyId), slot, most, this.#leaseMs),
    )
    if (said !== 0) return leave
    this.#forget(keyId, slot)
    return undefined
  }

  /** Says that this process's requests are still under way. */
  async renew(): Promise<void> {
    const all = [...this.#own].flatMap(([keyId, own]) => [...own].map((slot) => ({ keyId, slot })))
    await Promise.all(
      all.map(async ({ keyId, slot }) => {
        await this.#link?.ask((client) => client.enterSlot(slotsKey(keyId), slot, 0, this.#leaseMs))
        // It may have left while it was renewed.
        if (!this.#own.get(keyId)?.has(slot)) this.#free(keyId, slot)
      }),
    )
  }

  #leave(keyId: string, slot: string): void {
    if (this.#forget(keyId, slot)) this.#free(keyId, slot)
  }

  /** In the background: who hears nothing of it counts it in until its lease has run out. */
  #free(keyId: string, slot: string): void {
    void this.#link?.ask((client) => client.zrem(slotsKey(keyId), slot))
  }

  #forget(keyId: string, slot: string): boolean {
    const own = this.#own.get(keyId)
    const wasIn = own?.delete(slot) ?? false
    if (own?.size === 0) this.#own.delete(keyId)
    return wasIn
  }
}
