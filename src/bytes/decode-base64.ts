import { setImmediate } from 'node:timers/promises'
import { bytesIn, slicesOf } from './base64-characters.ts'
import { lengthOf, takePieces } from './pieces.ts'

/** Bytes that are decoded before other work gets its turn. */
const STEP_BYTES = 768 * 1024

/** Longest end of a text that has to wait for more: less than a group, and less than an escape behind it. */
const MAX_REST = 5

/** Line breaks (as in MIME) and percent escapes (as in URIs) of what stands in base64. */
const withoutNoise = (text: string): string =>
  text
    .replace(/%2b/gi, '+')
    .replace(/%2f/gi, '/')
    .replace(/%3d/gi, '=')
    .replace(/%0[ad]|%20|\s+/gi, '')

interface Decoded {
  readonly written: number
  /** Characters that belong to what comes next. */
  readonly rest: string
}

const decodeInto = (target: Buffer, offset: number, text: string): Decoded => {
  const grouped = text.length - (text.length % 4)
  const written = target.write(text.slice(0, grouped), offset, 'base64')
  if (written === bytesIn(grouped)) return { written, rest: text.slice(grouped) }
  // Something was skipped: what is noise is taken out, so that the groups begin where they should.
  const clean = withoutNoise(text)
  const cut = clean.indexOf('%', clean.length - 2)
  const settled = cut === -1 ? clean.length : cut
  const end = settled - (settled % 4)
  return { written: target.write(clean.slice(0, end), offset, 'base64'), rest: clean.slice(end) }
}

/** The bytes that the begin of a base64 text stands for, as far as its groups are whole. */
export const decodeBegin = (characters: Buffer): Buffer => {
  const bytes = Buffer.allocUnsafe(bytesIn(characters.length))
  return bytes.subarray(0, decodeInto(bytes, 0, characters.toString('latin1')).written)
}

/** First what makes the rest of the last piece a whole group: joined with all that follows, that would be copied again. */
const slicesBehind = function* (rest: string, piece: Buffer): Generator<string> {
  const missing = rest === '' ? 0 : 4 - (rest.length % 4)
  if (missing > 0) yield piece.toString('latin1', 0, missing)
  yield* slicesOf(piece.subarray(missing))
}

/**
 * Decodes base64 (or base64url), emptying the list of its pieces, and lets other work run in between: 27 MB in one go
 * hold the event loop for 10 ms. What is no base64 decodes to nonsense, which the check for an image then finds.
 */
export const decodeBase64 = async function* (pieces: Uint8Array[]): AsyncGenerator<Buffer> {
  let left = lengthOf(pieces)
  const newRoom = (): Buffer =>
    Buffer.allocUnsafe(Math.min(STEP_BYTES, bytesIn(left + MAX_REST)) + MAX_REST)
  let room = newRoom()
  let filled = 0
  let rest = ''
  for (const piece of takePieces(pieces)) {
    for (const slice of slicesBehind(rest, piece)) {
      const text = rest + slice
      if (filled + bytesIn(text.length) + MAX_REST > room.length) {
        if (filled > 0) yield room.subarray(0, filled)
        await setImmediate()
        room = newRoom()
        filled = 0
      }
      left -= slice.length
      const decoded = decodeInto(room, filled, text)
      filled += decoded.written
      rest = decoded.rest
    }
  }
  filled += room.write(rest, filled, 'base64')
  if (filled > 0) yield room.subarray(0, filled)
}
