import { setImmediate } from 'node:timers/promises'
import type { InputBytes } from '#src/domain/image-request.ts'
import type { HeldBytes } from '#src/domain/image-result.ts'
import { bytesIn } from './base64-characters.ts'
import type { ByteSource } from './byte-source.ts'
import { decodeBase64, decodeBegin } from './decode-base64.ts'
import { encodeBase64 } from './encode-base64.ts'
import { headOf, lengthOf, tailOf, takePieces } from './pieces.ts'
import { tidyBase64 } from './tidy-base64.ts'

/** Holds bytes as they are. */
export const holdBytes = (pieces: Uint8Array[]): HeldBytes => ({
  form: 'bytes',
  pieces,
  sizeBytes: lengthOf(pieces),
})

/**
 * Base64 as somebody sent it: with line breaks, escapes or no padding, of another alphabet, or no base64 at all. The
 * size is the most that it can be.
 */
export const holdRawBase64 = (pieces: Uint8Array[]): HeldBytes => ({
  form: 'base64',
  pieces,
  sizeBytes: bytesIn(lengthOf(pieces)),
})

/** Holds base64 as it is, or, where that is not fit to be given to anybody, the bytes that it stands for. */
export const holdBase64 = async (pieces: Uint8Array[]): Promise<HeldBytes> => {
  const sizeBytes = await tidyBase64(pieces)
  if (sizeBytes !== undefined) return { form: 'base64', pieces, sizeBytes }
  const decoded: Uint8Array[] = []
  for await (const piece of decodeBase64(pieces)) decoded.push(piece)
  return holdBytes(decoded)
}

/** The same bytes, to be taken without the others being emptied. */
export const sameBytes = (held: HeldBytes): HeldBytes => ({ ...held, pieces: [...held.pieces] })

/** The bytes one piece after another; what has been given is not held any longer. */
export const takeBytes = ({ form, pieces }: HeldBytes): ByteSource =>
  form === 'base64' ? decodeBase64(pieces) : sourceOf(takePieces(pieces))

const sourceOf = async function* (pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces
}

/** The base64 of the bytes one piece after another; what has been given is not held any longer. */
export const takeBase64 = ({
  form,
  pieces,
}: HeldBytes): AsyncIterable<Buffer> | Iterable<Buffer> =>
  form === 'base64' ? takePieces(pieces) : encodeBase64(pieces)

/** Bytes that are copied before other work gets its turn: 1 ms, as the memory is new. */
const STEP_BYTES = 1024 * 1024

/** All bytes in one piece, which empties the list. */
export const takeWhole = async (held: HeldBytes): Promise<Buffer> => {
  const [first, second] = held.pieces
  if (held.form === 'bytes' && first && !second) {
    held.pieces.length = 0
    return Buffer.from(first.buffer, first.byteOffset, first.byteLength)
  }
  const whole = Buffer.allocUnsafeSlow(held.sizeBytes)
  let filled = 0
  let turnAt = STEP_BYTES
  for await (const piece of takeBytes(held)) {
    whole.set(piece, filled)
    filled += piece.length
    if (filled < turnAt) continue
    turnAt += STEP_BYTES
    await setImmediate()
  }
  return whole.subarray(0, filled)
}

/** A client's bytes in one piece, for who cannot read them otherwise. What is one piece already is not copied. */
export const wholeOf = ({ pieces, sizeBytes }: InputBytes): Promise<Buffer> =>
  takeWhole({ form: 'bytes', pieces: [...pieces], sizeBytes })

/** Characters of whole groups that hold at least so many bytes, padding or not. */
const charactersFor = (bytes: number): number => (Math.ceil(bytes / 3) + 1) * 4

/** The first bytes, at least as many as wished unless there are fewer, or unless most of the base64 is noise. */
export const firstBytes = ({ form, pieces }: HeldBytes, wished: number): Buffer => {
  if (form === 'bytes') return headOf(pieces, wished)
  const characters = charactersFor(wished)
  const head = headOf(pieces, characters)
  const bytes = decodeBegin(head)
  const isEnough = bytes.length >= wished || head.length < characters
  return isEnough ? bytes : decodeBegin(headOf(pieces, 2 * characters))
}

/** The last bytes, at least as many as wished unless there are fewer. Not of raw base64. */
export const lastBytes = ({ form, pieces }: HeldBytes, wished: number): Buffer =>
  form === 'bytes' ? tailOf(pieces, wished) : decodeBegin(tailOf(pieces, charactersFor(wished)))
