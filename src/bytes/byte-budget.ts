import type { ByteAccount, Reservation } from '#src/domain/byte-account.ts'

export interface ByteFigures {
  readonly limitBytes: number
  readonly heldBytes: number
  /** Asked for by those who wait. */
  readonly waitingBytes: number
  readonly waiting: number
}

/** How many bytes all requests together may hold. */
export interface ByteBudget {
  openAccount(): ByteAccount
  /** As in an account of its own. */
  tryReserve(bytes: number): Reservation | undefined
  /** As in an account of its own: only for who holds nothing else meanwhile. */
  reserve(bytes: number, signal: AbortSignal): Promise<Reservation>
  figures(): ByteFigures
}

/**
 * The part of the limit up to which new work is begun. The rest is for the answers to what was begun: these have been
 * paid for and should seldom have to wait.
 */
export const NEW_WORK_SHARE = 0.5

interface Waiter {
  readonly account: Account
  readonly bytes: number
  readonly letIn: () => void
}

/** Who holds how much, and who waits. */
interface Pool {
  readonly limitBytes: number
  heldBytes: number
  readonly holders: Set<Account>
  readonly waiters: Waiter[]
}

const hasRoom = (pool: Pool, account: Account, bytes: number, limit: number): boolean =>
  pool.heldBytes + bytes <= limit || pool.heldBytes === account.heldBytes

const mayBegin = (pool: Pool, account: Account, bytes: number): boolean =>
  pool.waiters.length === 0 && hasRoom(pool, account, bytes, pool.limitBytes * NEW_WORK_SHARE)

/** Of those who wait, the first of whoever holds most: it is nearest to its end, and frees most then. */
const heaviest = ({ waiters }: Pool): Waiter | undefined =>
  waiters.reduce<Waiter | undefined>(
    (best, waiter) => (best && best.account.heldBytes >= waiter.account.heldBytes ? best : waiter),
    undefined,
  )

/** Who is let in next; `undefined`: nobody can be. */
const nextOf = (pool: Pool): Waiter | undefined => {
  const [first] = pool.waiters
  if (!first || hasRoom(pool, first.account, first.bytes, pool.limitBytes)) return first
  for (const { waiting } of pool.holders) if (waiting === 0) return undefined
  return heaviest(pool)
}

const leave = ({ waiters }: Pool, waiter: Waiter): void => {
  waiters.splice(waiters.indexOf(waiter), 1)
  waiter.account.waiting -= 1
}

const letWaitersIn = (pool: Pool): void => {
  for (let next = nextOf(pool); next; next = nextOf(pool)) {
    leave(pool, next)
    next.letIn()
  }
}

/*
 * Classes, as every request opens several: a getter in an object that is made anew is dear.
 */

class Hold implements Reservation {
  bytes = 0
  readonly #account: Account

  /** In an account that is closed it counts nothing. */
  constructor(account: Account, bytes: number) {
    this.#account = account
    if (!account.isClosed) account.reservations.add(this)
    this.grow(bytes)
  }

  grow(bytes: number): void {
    if (!this.#account.reservations.has(this)) return
    this.bytes += bytes
    this.#account.change(bytes)
  }

  tryGrow(bytes: number): boolean {
    const may = mayBegin(this.#account.pool, this.#account, bytes)
    if (may) this.grow(bytes)
    return may
  }

  shrink(bytes: number): void {
    this.grow(-Math.min(bytes, this.bytes))
  }

  release(): void {
    this.grow(-this.bytes)
    this.#account.reservations.delete(this)
  }
}

class Account implements ByteAccount {
  readonly pool: Pool
  heldBytes = 0
  /** How many of its reservations wait. */
  waiting = 0
  isClosed = false
  readonly reservations = new Set<Reservation>()

  constructor(pool: Pool) {
    this.pool = pool
  }

  change(bytes: number): void {
    this.pool.heldBytes += bytes
    this.heldBytes += bytes
    if (this.heldBytes > 0) this.pool.holders.add(this)
    else this.pool.holders.delete(this)
    if (bytes < 0) letWaitersIn(this.pool)
  }

  hold(bytes: number): Reservation {
    return new Hold(this, bytes)
  }

  tryReserve(bytes: number): Reservation | undefined {
    return mayBegin(this.pool, this, bytes) ? this.hold(bytes) : undefined
  }

  reserve(bytes: number, signal: AbortSignal): Promise<Reservation> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (this.isClosed) return Promise.resolve(this.hold(bytes))
    const { promise, resolve, reject } = Promise.withResolvers<Reservation>()
    const giveUp = (): void => {
      leave(this.pool, waiter)
      reject(signal.reason)
      letWaitersIn(this.pool)
    }
    const letIn = (): void => {
      signal.removeEventListener('abort', giveUp)
      resolve(this.hold(bytes))
    }
    const waiter: Waiter = { account: this, bytes, letIn }
    signal.addEventListener('abort', giveUp, { once: true })
    this.pool.waiters.push(waiter)
    this.waiting += 1
    letWaitersIn(this.pool)
    return promise
  }

  close(): void {
    this.isClosed = true
    for (const reservation of [...this.reservations]) reservation.release()
  }
}

/**
 * Bounds what is held by letting starts wait, or by refusing them; what has begun is never held up. So the limit is
 * passed only by what grows, and in two cases in which nothing would go on otherwise: who is alone is let in with any
 * size, and when everybody who holds bytes waits for more, whoever holds most is let in.
 */
export const createByteBudget = ({ limitBytes }: { readonly limitBytes: number }): ByteBudget => {
  const pool: Pool = { limitBytes, heldBytes: 0, holders: new Set(), waiters: [] }
  return {
    openAccount: () => new Account(pool),
    tryReserve: (bytes) => new Account(pool).tryReserve(bytes),
    reserve: (bytes, signal) => new Account(pool).reserve(bytes, signal),
    figures: () => ({
      limitBytes,
      heldBytes: pool.heldBytes,
      waitingBytes: pool.waiters.reduce((sum, { bytes }) => sum + bytes, 0),
      waiting: pool.waiters.length,
    }),
  }
}
