/**
 * Characters that become one text on the way, whole groups of four. A text of up to 64 kB is born and dies in the
 * collector's young generation; with larger ones everything here takes three times as long.
 */
export const SLICE_CHARACTERS = 32 * 1024

/** Whole bytes that so many characters hold, padding not among them. */
export const bytesIn = (characters: number): number => Math.floor((characters * 3) / 4)

const PIECE_CHARACTERS = 256 * 1024

/** Text as pieces of its characters. */
export const charactersOf = (text: string): Uint8Array[] => {
  const pieces: Uint8Array[] = []
  for (let start = 0; start < text.length; start += PIECE_CHARACTERS) {
    pieces.push(Buffer.from(text.slice(start, start + PIECE_CHARACTERS), 'latin1'))
  }
  return pieces
}

/** Characters as text, in slices of whole groups but for the last. */
export const slicesOf = function* (piece: Buffer): Generator<string> {
  for (let start = 0; start < piece.length; start += SLICE_CHARACTERS) {
    yield piece.toString('latin1', start, start + SLICE_CHARACTERS)
  }
}
