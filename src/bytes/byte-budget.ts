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

interface Account {
  heldBytes: number
  /** How many of its reservations wait. */
  waiting: number
  isClosed: boolean
  readonly reservations: Set<Reservation>
}

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

const change = (pool: Pool, account: Account, bytes: number): void => {
  pool.heldBytes += bytes
  account.heldBytes += bytes
  if (account.heldBytes > 0) pool.holders.add(account)
  else pool.holders.delete(account)
  if (bytes < 0) letWaitersIn(pool)
}

const hold = (pool: Pool, account: Account, begun: number): Reservation => {
  let bytes = 0
  const add = (more: number): void => {
    if (!account.reservations.has(reservation)) return
    bytes += more
    change(pool, account, more)
  }
  const reservation: Reservation = {
    get bytes() {
      return bytes
    },
    grow: add,
    tryGrow: (more) => {
      const may = mayBegin(pool, account, more)
      if (may) add(more)
      return may
    },
    shrink: (fewer) => add(-Math.min(fewer, bytes)),
    release: () => {
      add(-bytes)
      account.reservations.delete(reservation)
    },
  }
  if (!account.isClosed) account.reservations.add(reservation)
  add(begun)
  return reservation
}

const reserve = (
  pool: Pool,
  account: Account,
  bytes: number,
  signal: AbortSignal,
): Promise<Reservation> => {
  if (signal.aborted) return Promise.reject(signal.reason)
  if (account.isClosed) return Promise.resolve(hold(pool, account, bytes))
  const { promise, resolve, reject } = Promise.withResolvers<Reservation>()
  const giveUp = (): void => {
    leave(pool, waiter)
    reject(signal.reason)
    letWaitersIn(pool)
  }
  const letIn = (): void => {
    signal.removeEventListener('abort', giveUp)
    resolve(hold(pool, account, bytes))
  }
  const waiter: Waiter = { account, bytes, letIn }
  signal.addEventListener('abort', giveUp, { once: true })
  pool.waiters.push(waiter)
  account.waiting += 1
  letWaitersIn(pool)
  return promise
}

const openAccount = (pool: Pool): ByteAccount => {
  const account: Account = { heldBytes: 0, waiting: 0, isClosed: false, reservations: new Set() }
  return {
    get heldBytes() {
      return account.heldBytes
    },
    tryReserve: (bytes) =>
      mayBegin(pool, account, bytes) ? hold(pool, account, bytes) : undefined,
    reserve: (bytes, signal) => reserve(pool, account, bytes, signal),
    hold: (bytes) => hold(pool, account, bytes),
    close: () => {
      account.isClosed = true
      for (const reservation of [...account.reservations]) reservation.release()
    },
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
    openAccount: () => openAccount(pool),
    tryReserve: (bytes) => openAccount(pool).tryReserve(bytes),
    reserve: (bytes, signal) => openAccount(pool).reserve(bytes, signal),
    figures: () => ({
      limitBytes,
      heldBytes: pool.heldBytes,
      waitingBytes: pool.waiters.reduce((sum, { bytes }) => sum + bytes, 0),
      waiting: pool.waiters.length,
    }),
  }
}
