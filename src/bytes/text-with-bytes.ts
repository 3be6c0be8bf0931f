import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { InputBytes } from '#src/domain/image-request.ts'
import { base64Length, inGroups } from './encode-base64.ts'
import { bufferOf } from './pieces.ts'

/** Bytes that are written as they are in one go: more are encrypted in one go, too. A converted picture is one piece. */
const SLICE_BYTES = 192 * 1024

/** Characters, or bytes, that are written before other work gets its turn: 0.1 ms. */
const STEP_LENGTH = 256 * 1024

/**
 * Bytes that become one text of base64 on the way. A text of up to 64 kB costs its collector next to nothing; with larger
 * ones encoding takes three times as long. A multiple of 3, so that they join without padding.
 */
const ENCODED_BYTES = 48 * 1024

/** How bytes stand in the text: as they are, or as base64. */
export type Writing = 'base64' | 'plain'

/** A text some parts of which are bytes that are written only as it is sent. */
export interface TextWithBytes {
  /** A mark that stands for the bytes wherever it gets into the text; plain letters, digits, dashes and dots. */
  place(bytes: InputBytes, writing?: Writing): string
  /**
   * The text ready to be sent, with the bytes in the place of their marks; `undefined`: there are none in it.
   * `encoding`: of what stands between them, absent: UTF-8.
   */
  render(text: string, encoding?: 'utf8' | 'latin1'): RenderedText | undefined
}

export interface RenderedText {
  /** Of buffers, and of texts that are all ASCII. */
  readonly stream: Readable
  readonly sizeBytes: number
}

interface Placed {
  readonly bytes: InputBytes
  readonly writing: Writing
}

const lengthOf = (part: Buffer | Placed): number => {
  if (Buffer.isBuffer(part)) return part.length
  const { sizeBytes } = part.bytes
  return part.writing === 'plain' ? sizeBytes : base64Length(sizeBytes)
}

/**
 * Base64 as texts: each dies young in the collector's heap, where a buffer waits for a collection of everything: 70 MB
 * sent on take 6 MB and 40 ms less (`npm run bench -- upload`, 2026-11).
 */
const encode = function* (slices: Iterable<Buffer>): Generator<string> {
  for (const { group, bytes } of inGroups(slices)) {
    const first = bytes.toString('base64', 0, ENCODED_BYTES)
    yield group.toString('base64') + first
    for (let start = ENCODED_BYTES; start < bytes.length; start += ENCODED_BYTES) {
      yield bytes.toString('base64', start, start + ENCODED_BYTES)
    }
  }
}

const slicesOf = function* ({ pieces }: InputBytes): Generator<Buffer> {
  for (const piece of pieces) {
    for (let start = 0; start < piece.length; start += SLICE_BYTES) {
      yield bufferOf(piece).subarray(start, start + SLICE_BYTES)
    }
  }
}

const write = (part: Buffer | Placed): Iterable<Buffer | string> => {
  if (Buffer.isBuffer(part)) return [part]
  const slices = slicesOf(part.bytes)
  return part.writing === 'plain' ? slices : encode(slices)
}

const writeParts = async function* (
  parts: readonly (Buffer | Placed)[],
): AsyncGenerator<Buffer | string> {
  let sinceTurn = 0
  for (const part of parts) {
    for (const piece of write(part)) {
      // Not behind the last piece: who has all of it must not be thought to wait for more.
      if (sinceTurn >= STEP_LENGTH) {
        sinceTurn = 0
        await setImmediate()
      }
      yield piece
      sinceTurn += piece.length
    }
  }
}

/**
 * Keeps pictures out of texts that others write, such as the JSON of a provider's SDK: as a part of it a picture is
 * copied and encoded several times over, and holds the event loop each time. The SDK is given a mark instead.
 */
export const createTextWithBytes = (): TextWithBytes => {
  // Nobody can guess it: what a client writes is never taken for one.
  const secret = randomUUID()
  const placed: Placed[] = []
  return {
    place: (bytes, writing = 'base64') => {
      placed.push({ bytes, writing })
      return `${secret}.${placed.length - 1}.`
    },
    render: (text, encoding = 'utf8') => {
      if (!text.includes(secret)) return undefined
      // Every second piece is what the marks have captured.
      const pieces = text.split(new RegExp(`${secret}\\.(\\d+)\\.`))
      const parts = pieces.flatMap((piece, index) =>
        index % 2 === 0 ? Buffer.from(piece, encoding) : (placed[Number(piece)] ?? []),
      )
      return {
        // In object mode texts are passed on as they are.
        stream: Readable.from(writeParts(parts), { objectMode: true, highWaterMark: 1 }),
        sizeBytes: parts.reduce((sum, part) => sum + lengthOf(part), 0),
      }
    },
  }
}
