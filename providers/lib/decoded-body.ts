import { pipeline, type Readable, type Transform } from 'node:stream'
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib'

const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
  ['zstd', createZstdDecompress],
])

/**
 * The bytes behind a `content-encoding`. We ask for none, but something on the way may pack an answer that has been
 * paid for all the same. An encoding that nobody knows is left as it is: what cannot be read is found out later.
 */
export const decodedBody = (body: Readable, contentEncoding: string | undefined): Readable => {
  if (contentEncoding === undefined) return body
  const names = contentEncoding
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  const decoders = names.filter((name) => name !== '' && name !== 'identity').reverse()
  return decoders.reduce<Readable>((packed, name) => {
    const decoder = DECODERS.get(name)?.()
    if (decoder === undefined) return packed
    // Errors come out of the last of them, and destroying that one destroys all.
    return pipeline(packed, decoder, () => {})
  }, body)
}
