/** Bytes that are held in memory, from when they begin to be until `release`. */
export interface Reservation {
  readonly bytes: number
  /** More bytes than were thought. Never refused: whoever has begun has to be able to end. */
  grow(bytes: number): void
  /** As `grow`, but only where new work may still be begun: false, and nothing is counted, where not. */
  tryGrow(bytes: number): boolean
  /** Fewer bytes than were thought, or some are not needed any more. Never below 0. */
  shrink(bytes: number): void
  /** All of it; further calls do nothing. */
  release(): void
}

/** The bytes that belong together and end together: everything that one request holds. */
export interface ByteAccount {
  /** Of all its reservations together. */
  readonly heldBytes: number
  /**
   * For work that can still be refused: `undefined` when memory is short, which is when more than the share for new
   * work would be held, or when others wait. Whoever would be alone is let in with any size.
   */
  tryReserve(bytes: number): Reservation | undefined
  /**
   * For bytes that have been paid for: resolves when there is room, in order of asking. Rejects with the signal's
   * reason when it is aborted before.
   */
  reserve(bytes: number, signal: AbortSignal): Promise<Reservation>
  /** For bytes that are there already and could not be refused, such as a picture that was converted. */
  hold(bytes: number): Reservation
  /** Releases whatever is still held. What is asked for afterwards is let in and not counted. */
  close(): void
}

/** Where an adapter counts what it reads of an answer. */
export type AnswerAccount = Pick<ByteAccount, 'reserve'>
