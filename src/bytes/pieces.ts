/** The same memory as a Buffer. */
export const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

/** Bytes of all pieces together. */
export const lengthOf = (pieces: readonly Uint8Array[]): number =>
  pieces.reduce((sum, { length }) => sum + length, 0)

/** All pieces as one. Does not copy what is one piece already. */
export const joinPieces = (pieces: readonly Uint8Array[]): Buffer =>
  pieces.length === 1 && pieces[0] ? bufferOf(pieces[0]) : Buffer.concat(pieces)

/** Takes the pieces out of a list one after another, so that nothing holds them any longer. */
export const takePieces = function* (pieces: Uint8Array[]): Generator<Buffer> {
  for (let piece = pieces.shift(); piece; piece = pieces.shift()) yield bufferOf(piece)
}

/** The first pieces that have so many bytes together, or all. */
const enough = (pieces: Iterable<Uint8Array>, wishedBytes: number): Uint8Array[] => {
  const found: Uint8Array[] = []
  let sizeBytes = 0
  for (const piece of pieces) {
    if (sizeBytes >= wishedBytes) break
    found.push(piece)
    sizeBytes += piece.length
  }
  return found
}

/** The first bytes, or all when there are fewer. */
export const headOf = (pieces: readonly Uint8Array[], wishedBytes: number): Buffer =>
  joinPieces(enough(pieces, wishedBytes)).subarray(0, wishedBytes)

/** The last bytes, or all when there are fewer. */
export const tailOf = (pieces: readonly Uint8Array[], wishedBytes: number): Buffer =>
  joinPieces(enough(pieces.toReversed(), wishedBytes).reverse()).subarray(-wishedBytes)
