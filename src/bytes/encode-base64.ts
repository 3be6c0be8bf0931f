import { setImmediate } from 'node:timers/promises'
import { SLICE_CHARACTERS } from './base64-characters.ts'
import { takePieces } from './pieces.ts'

/** Bytes that become base64 before other work gets its turn: under 1 ms. */
const STEP_BYTES = 768 * 1024

/** Bytes that become one text on the way, whole groups of three. */
const SLICE_BYTES = (SLICE_CHARACTERS / 4) * 3

/** Bytes that become one piece of characters at most. */
const PIECE_BYTES = 4 * SLICE_BYTES

/** Characters that so many bytes become, padding included. */
export const base64Length = (sizeBytes: number): number => Math.ceil(sizeBytes / 3) * 4

const slicesOf = function* (pieces: Uint8Array[]): Generator<Buffer> {
  for (const piece of takePieces(pieces)) {
    for (let start = 0; start < piece.length; start += PIECE_BYTES) {
      yield piece.subarray(start, start + PIECE_BYTES)
    }
  }
}

/** Whole groups of three, and the one before them that began in the slice before. The last may be no whole group. */
export interface Groups {
  readonly group: Buffer
  readonly bytes: Buffer
}

const NOTHING = Buffer.alloc(0)

/** The same bytes with borders only where base64 can be cut. */
export const inGroups = function* (slices: Iterable<Buffer>): Generator<Groups> {
  let rest: Buffer = NOTHING
  for (const slice of slices) {
    const missing = rest.length === 0 ? 0 : Math.min(3 - rest.length, slice.length)
    const group = Buffer.concat([rest, slice.subarray(0, missing)])
    const end = slice.length - ((slice.length - missing) % 3)
    const isGroup = group.length % 3 === 0
    rest = isGroup ? Buffer.from(slice.subarray(end)) : group
    if (isGroup && end > 0) yield { group, bytes: slice.subarray(missing, end) }
  }
  if (rest.length > 0) yield { group: rest, bytes: NOTHING }
}

const encodeGroups = ({ group, bytes }: Groups): Buffer => {
  const characters = Buffer.allocUnsafe(base64Length(group.length + bytes.length))
  let written = characters.write(group.toString('base64'), 'latin1')
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    const text = bytes.toString('base64', start, start + SLICE_BYTES)
    written += characters.write(text, written, 'latin1')
  }
  return characters
}

/**
 * Encodes bytes as the pieces of one base64 text, emptying the list of theirs, and lets other work run in between: of
 * ten pictures of 27 MB in one go the event loop would hear again after seconds.
 */
export const encodeBase64 = async function* (pieces: Uint8Array[]): AsyncGenerator<Buffer> {
  let sinceTurnBytes = 0
  for (const groups of inGroups(slicesOf(pieces))) {
    yield encodeGroups(groups)
    sinceTurnBytes += groups.group.length + groups.bytes.length
    if (sinceTurnBytes < STEP_BYTES) continue
    sinceTurnBytes = 0
    await setImmediate()
  }
}
