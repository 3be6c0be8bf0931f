import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { JsonObject } from '#src/domain/json.ts'

/** Bytes that become base64 in one go: under 1 ms. A multiple of 3, so that the pieces join without padding. */
const SLICE_BYTES = 768 * 1024

/** A JSON body some of whose strings are the base64 of bytes that are written only as they are sent. */
export interface JsonWithBytes {
  /** Puts bytes into the body: the result stands for their base64. */
  place(bytes: Buffer): string
  /** The body, placed bytes and all, ready to be sent. */
  render(body: JsonObject): { readonly stream: Readable; readonly sizeBytes: number }
}

const base64Length = (bytes: Buffer): number => Math.ceil(bytes.length / 3) * 4

const writePieces = async function* (texts: readonly string[], placed: readonly Buffer[]) {
  for (const [index, text] of texts.entries()) {
    yield Buffer.from(text)
    const bytes = placed[index]
    for (let start = 0; bytes && start < bytes.length; start += SLICE_BYTES) {
      yield Buffer.from(bytes.toString('base64', start, start + SLICE_BYTES), 'latin1')
      await setImmediate()
    }
  }
}

/**
 * Ten pictures of 27 MB as one JSON text block the event loop for seconds, and text of 512 M characters cannot exist at
 * all. So the bytes are left out of the text and written between its parts, with back-pressure.
 */
export const createJsonWithBytes = (): JsonWithBytes => {
  const mark = randomUUID()
  const placed: Buffer[] = []
  return {
    place: (bytes) => {
      placed.push(bytes)
      return mark
    },
    render: (body) => {
      const texts = JSON.stringify(body).split(mark)
      const textBytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
      const sizeBytes = placed.reduce((sum, bytes) => sum + base64Length(bytes), textBytes)
      return { stream: Readable.from(writePieces(texts, placed), { objectMode: false }), sizeBytes }
    },
  }
}
