import { pipeline, type Readable, type Transform } from 'node:stream'
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib'
import type { UpstreamBody } from '#src/domain/provider-adapter.ts'
import { type ArrivingBody, bodyOfStream, streamOfBody } from './arriving-body.ts'

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
export const decodedBody = (
  body: ArrivingBody,
  contentEncoding: string | undefined,
): UpstreamBody => {
  const decoders = decodersOf(contentEncoding ?? '')
  if (decoders.length === 0) return body
  // Errors come out of the last of them, and destroying that one destroys all.
  const decoded = decoders.reduce<Readable>(
    (packed, decoder) => pipeline(packed, decoder, () => {}),
    streamOfBody(body),
  )
  return bodyOfStream(decoded)
}

/** In the order in which they are needed. */
const decodersOf = (contentEncoding: string): readonly Transform[] =>
  contentEncoding
    .toLowerCase()
    .split(',')
    .reverse()
    .flatMap((name) => DECODERS.get(name.trim())?.() ?? [])
