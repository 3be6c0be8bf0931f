import { randomUUID } from 'node:crypto'
import type { HeldBytes } from '#src/domain/image-result.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { base64Length } from './encode-base64.ts'
import { takeBase64 } from './held-bytes.ts'

/** A JSON text, to be sent. */
export interface RenderedJson {
  /** Its pieces, made as they are taken; to be read once. What was placed is held no longer than until then. */
  readonly pieces: Iterable<Buffer> | AsyncIterable<Buffer>
  readonly sizeBytes: number
}

/** A JSON body some of whose strings are the base64 of bytes that are written only as they are sent. */
export interface JsonWithBytes {
  /** Puts bytes into the body: the result stands for their base64. */
  place(bytes: HeldBytes): string
  /** The body, placed bytes and all. To be called once. */
  render(body: JsonObject): RenderedJson
}

/** A part of the text, or bytes that stand between two. */
type Part = Buffer | HeldBytes

type Pieces = RenderedJson['pieces']

const piecesOf = (part: Part): Pieces => (Buffer.isBuffer(part) ? [part] : takeBase64(part))

const chain = function* (parts: readonly Iterable<Buffer>[]): Generator<Buffer> {
  for (const pieces of parts) yield* pieces
}

const chainSlowly = async function* (parts: readonly Pieces[]): AsyncGenerator<Buffer> {
  for (const pieces of parts) yield* pieces
}

const isThere = (pieces: Pieces): pieces is Iterable<Buffer> => Symbol.iterator in pieces

/** One after another. Of those that are there nobody has to wait for each. */
const writePieces = (parts: readonly Part[]): Pieces => {
  const written = parts.map(piecesOf)
  return written.every(isThere) ? chain(written) : chainSlowly(written)
}

const sizeOf = (part: Part): number =>
  Buffer.isBuffer(part) ? part.length : base64Length(part.sizeBytes)

const MARK_END = '-'

/** What begins with the number of what was placed. */
const partsBehindMark = (text: string, placed: readonly HeldBytes[]): Part[] => {
  const end = text.indexOf(MARK_END)
  const bytes = placed[Number(text.slice(0, end))]
  return [...(bytes ? [bytes] : []), Buffer.from(text.slice(end + MARK_END.length))]
}

/**
 * Ten pictures of 27 MB as one JSON text block the event loop for seconds, and text of 512 M characters cannot exist at
 * all. So the bytes are left out of the text and written between its parts, with back-pressure.
 */
export const createJsonWithBytes = (): JsonWithBytes => {
  const mark = `placed-${randomUUID()}-`
  const placed: HeldBytes[] = []
  return {
    place: (bytes) => `${mark}${placed.push(bytes) - 1}${MARK_END}`,
    render: (body) => {
      const [begin = '', ...behindMarks] = JSON.stringify(body).split(mark)
      const behind = behindMarks.flatMap((text) => partsBehindMark(text, placed))
      const parts = [Buffer.from(begin), ...behind]
      const sizeBytes = parts.reduce((sum, part) => sum + sizeOf(part), 0)
      return { pieces: writePieces(parts), sizeBytes }
    },
  }
}
