import type { Base64Lift } from '#src/bytes/lift-base64.ts'
import type { AnswerAccount, Reservation } from '#src/domain/byte-account.ts'
import type { UpstreamAnswer } from '#src/domain/provider-adapter.ts'
import { readAhead } from './read-ahead.ts'

/** Bytes up to which an answer is not counted: looks at jobs, by far the most. */
const NOT_COUNTED_BYTES = 65_536

/** Bytes that an answer is taken for which does not tell its length: most images. */
const USUAL_BYTES = 4 * 1024 * 1024

/** Most bytes that are read, unpacked: ten of the largest images as base64. What is more is an attack or a fault. */
const MAX_BYTES = 512 * 1024 * 1024

/** Counts what of an answer is held. */
export interface AnswerCount {
  /** That more has come. Throws when it is more than any answer should have. */
  add(bytes: number): void
  /** That all but so many bytes are not held any longer. */
  keepOnly(bytes: number): void
  /** That so many bytes are not held any longer. */
  release(bytes: number): void
}

/** Bytes that an answer is taken for at first. What is packed tells the length of the pack only. */
const expectedBytes = ({ headers }: UpstreamAnswer): number => {
  const { 'content-encoding': encoding = 'identity', 'content-length': length } = headers
  return encoding === 'identity' && length !== undefined ? Number(length) : USUAL_BYTES
}

/**
 * Waits until there is room for an answer: its body is not read before, and the provider has to wait. Rejects with the
 * signal's reason, and at once when the answer says that it is more than any should have: room for that would be kept
 * from all others.
 */
export const countAnswer = async (
  answer: UpstreamAnswer,
  signal: AbortSignal,
  memory: AnswerAccount | undefined,
): Promise<AnswerCount> => {
  const expected = expectedBytes(answer)
  if (expected > MAX_BYTES) {
    answer.body.destroy()
    throw tooLong()
  }
  const reservation =
    expected > NOT_COUNTED_BYTES ? await memory?.reserve(expected, signal) : undefined
  return countIn(reservation)
}

const countIn = (reservation: Reservation | undefined): AnswerCount => {
  let readBytes = 0
  let heldBytes = 0
  const release = (bytes: number): void => {
    heldBytes -= bytes
    reservation?.shrink(reservation.bytes - heldBytes)
  }
  return {
    add: (bytes) => {
      readBytes += bytes
      heldBytes += bytes
      if (readBytes > MAX_BYTES) throw tooLong()
      if (reservation && heldBytes > reservation.bytes)
        reservation.grow(heldBytes - reservation.bytes)
    },
    keepOnly: (bytes) => release(heldBytes - bytes),
    release,
  }
}

const tooLong = (): Error => Object.assign(new Error('Too long'), { code: 'ANSWER_TOO_LONG' })

/** What an SDK is given of a whole answer: all but long base64. */
export const readWhole = (
  { body }: UpstreamAnswer,
  lift: Base64Lift,
  count: AnswerCount,
): Promise<Buffer<ArrayBuffer>> =>
  new Promise((resolve, reject) => {
    const passed: Buffer[] = []
    body.read({
      onBytes: (chunk) => {
        count.add(chunk.length)
        passed.push(...lift.write(chunk))
      },
      onEnd: () => resolve(Buffer.concat([...passed, ...lift.end()])),
      onFailure: reject,
    })
  })

/** The same of an answer that is passed on as it comes. `asFailure` as of `readAhead`. */
export const readStreamed = async function* (
  { body }: UpstreamAnswer,
  lift: Base64Lift,
  count: AnswerCount,
  asFailure: (error: unknown) => Error,
): AsyncGenerator<Buffer> {
  for await (const chunk of readAhead(body, asFailure)) {
    count.add(chunk.length)
    yield* lift.write(chunk)
  }
  yield* lift.end()
}
