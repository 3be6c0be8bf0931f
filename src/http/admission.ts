import type { ByteBudget } from '#src/bytes/byte-budget.ts'
import type { ByteAccount } from '#src/domain/byte-account.ts'
import { GatewayError } from '#src/domain/errors.ts'

/**
 * Why a request for images was turned away: `requests`: as many are under way as may be; `memory`: none is left for its
 * body; `body`: none was left while its body came.
 */
export type RefusalReason = 'requests' | 'memory' | 'body'

export interface AdmissionOptions {
  /** What all requests together may hold in memory. */
  readonly budget: ByteBudget
  /** Requests for images under way at most, those included for which no connection waits. */
  readonly maxRequests: number
  /** Told of each request that is turned away; absent: nobody asks. */
  readonly onRefused?: (reason: RefusalReason) => void
  /** How long room is kept for what a body's header declares, in real ms. */
  readonly declaredHeldMs: number
}

/** A request that was let in, and what it holds until it ends. */
export interface Admission {
  readonly memory: ByteAccount
  /** More of the body has come. Throws `OVERLOADED` when no room was kept for it, and none is left. */
  receive(bytes: number): void
  /** The body has been read; from now on so much of it is held. */
  settle(bytes: number): void
  /** Has the request count as under way, whatever becomes of its connection, until the result is called. */
  outlive(): () => void
}

/** Lets requests for images in, or turns them away before memory is at risk. */
export interface Admissions {
  /**
   * Lets a request in whose body has so many bytes; `undefined`: nobody knows. Throws `OVERLOADED`. It has ended once
   * `leave` was called and nobody outlives it.
   */
  admit(declaredBytes: number | undefined): { readonly admission: Admission; leave(): void }
  /** Requests that were let in and have not ended. */
  underWay(): number
}

/** Bodies up to this, in bytes, are there in an instant: nobody watches them come. */
export const SMALL_BODY_BYTES = 65_536

/** When a refused client is to come back: images take seconds, and not all are to come at once. In ms. */
const RETRY_AFTER = { leastMs: 2_000, spreadMs: 3_000 } as const

const MESSAGES: Readonly<Record<RefusalReason, string>> = {
  requests: 'The gateway has as many requests under way as it takes. Send this one again later.',
  memory: 'The gateway has no memory left for this request. Send it again later.',
  body: 'The gateway has no memory left for the rest of the body. Send the request again later.',
}

const overloaded = (reason: RefusalReason): GatewayError =>
  new GatewayError('OVERLOADED', MESSAGES[reason], {
    retryAfterMs: RETRY_AFTER.leastMs + Math.random() * RETRY_AFTER.spreadMs,
  })

/** Counts a body: room for all of it is kept at first, if it is known, and later for what has come. */
const createBodyCount = (
  memory: ByteAccount,
  declaredBytes: number | undefined,
  { declaredHeldMs, onRefused }: AdmissionOptions,
): (Pick<Admission, 'receive' | 'settle'> & { stop(): void }) | undefined => {
  const room = memory.tryReserve(declaredBytes ?? 0)
  if (!room) return undefined
  let receivedBytes = 0
  const keepWhatCame = (): void => room.shrink(room.bytes - receivedBytes)
  const timer =
    room.bytes > SMALL_BODY_BYTES ? setTimeout(keepWhatCame, declaredHeldMs).unref() : undefined
  const stop = (): void => clearTimeout(timer)
  return {
    stop,
    receive: (bytes) => {
      receivedBytes += bytes
      const missing = receivedBytes - room.bytes
      if (missing <= 0 || room.tryGrow(missing)) return
      onRefused?.('body')
      throw overloaded('body')
    },
    settle: (bytes) => {
      stop()
      room.shrink(room.bytes - bytes)
      room.grow(bytes - room.bytes)
    },
  }
}

export const createAdmissions = (options: AdmissionOptions): Admissions => {
  const { budget, maxRequests, onRefused } = options
  let underWay = 0
  const refuse = (reason: RefusalReason): GatewayError => {
    onRefused?.(reason)
    return overloaded(reason)
  }
  return {
    underWay: () => underWay,
    admit: (declaredBytes) => {
      if (underWay >= maxRequests) throw refuse('requests')
      const memory = budget.openAccount()
      const body = createBodyCount(memory, declaredBytes, options)
      if (!body) throw refuse('memory')
      let users = 0
      const outlive = (): (() => void) => {
        let isUsed = true
        // Also of a request that had ended: who works on it now is under way again, and would else be taken off twice.
        if (users === 0) underWay += 1
        users += 1
        return () => {
          if (!isUsed) return
          isUsed = false
          users -= 1
          if (users > 0) return
          underWay -= 1
          body.stop()
          memory.close()
        }
      }
      const { receive, settle } = body
      return { admission: { memory, receive, settle, outlive }, leave: outlive() }
    },
  }
}
