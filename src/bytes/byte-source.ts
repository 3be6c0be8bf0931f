import { joinPieces } from './pieces.ts'

/** Bytes that come piece by piece: any Readable is one. */
export type ByteSource = AsyncIterable<Uint8Array>

/** Holds a source whole. Does not copy bytes that came in one piece. */
export const collect = async (source: ByteSource | Iterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return joinPieces(chunks)
}

/** Bytes that are held already, as a source. */
export const sourceOf = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

export interface BegunSource {
  /** At least the wished number of first bytes, unless the source is shorter. */
  readonly head: Buffer
  /** Everything, the head included; to be read once. */
  readonly all: ByteSource
}

/** Looks at the first bytes of a source without losing them. */
export const readHead = async (source: ByteSource, wishedBytes: number): Promise<BegunSource> => {
  const iterator = source[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let received = 0
  while (received < wishedBytes) {
    const next = await iterator.next()
    if (next.done) break
    chunks.push(next.value)
    received += next.value.length
  }
  const all = async function* () {
    yield* chunks
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { head: joinPieces(chunks), all: all() }
}

/** How many last bytes a meter remembers: a PNG's last chunk. */
export const TAIL_BYTES = 12

/** Counts what passes and remembers its last bytes. */
export interface ByteMeter {
  readonly source: ByteSource
  sizeBytes(): number
  /** The last `TAIL_BYTES` that passed. */
  tail(): Buffer
}

/** Measures a source while it is read; fails with `tooLarge()` as soon as more than `maxBytes` have come. */
export const measure = (source: ByteSource, maxBytes: number, tooLarge: () => Error): ByteMeter => {
  let sizeBytes = 0
  let tail: Buffer = Buffer.alloc(0)
  const read = async function* () {
    for await (const chunk of source) {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes) throw tooLarge()
      // Copied: a view would keep the whole chunk alive.
      tail = Buffer.concat([tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES)
      yield chunk
    }
  }
  return { source: read(), sizeBytes: () => sizeBytes, tail: () => tail }
}
