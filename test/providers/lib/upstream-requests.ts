import { Readable } from 'node:stream'
import type { UpstreamRequest } from '#src/domain/provider-adapter.ts'

/** A POST without a body to a server, as far as nothing else is said. */
export const requestTo = (
  { url }: { readonly url: string },
  changes: Partial<UpstreamRequest> = {},
): UpstreamRequest => ({
  method: 'POST',
  url: new URL(`${url}/path?a=b`),
  headers: {},
  signal: new AbortController().signal,
  ...changes,
})

/** A stream in pieces of which none is asked for before the one before was taken. */
export const streamedPieces = (count: number, sizeBytes: number) => {
  const taken = { count: 0 }
  const stream = Readable.from(
    (function* () {
      for (; taken.count < count; taken.count += 1) yield Buffer.alloc(sizeBytes, 'x')
    })(),
    { objectMode: false },
  )
  return { stream, taken }
}
