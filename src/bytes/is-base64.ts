import { bytesIn, SLICE_CHARACTERS, slicesOf } from './base64-characters.ts'

const scratch = Buffer.allocUnsafeSlow(bytesIn(SLICE_CHARACTERS))

/**
 * Whether these are characters of base64 or base64url and nothing else, padding included. The decoder skips what it
 * does not know, so what it writes is less then. 0.2 ms for 2 MB, a loop takes 3.
 */
export const isBase64 = (piece: Buffer): boolean => {
  for (const slice of slicesOf(piece)) {
    // A single character of a group holds no byte that could be missed.
    const text = slice.length % 4 === 1 ? `${slice}AAA` : slice
    if (scratch.write(text, 'base64') !== bytesIn(text.length)) return false
  }
  return true
}

const MINUS = 0x2d
const UNDERSCORE = 0x5f

/** Whether these are characters of the standard's alphabet (RFC 4648 §4) and nothing else, padding included. */
export const isStandardBase64 = (piece: Buffer): boolean =>
  !piece.includes(MINUS) && !piece.includes(UNDERSCORE) && isBase64(piece)
