import type { OutputFormat } from '#src/domain/media.ts'
import { runInImageQueue } from './image-queue.ts'
import { BYTES_PER_PIXEL, MAX_DECODED_PIXELS, sharp } from './sharp-library.ts'
import { readImageHeader, sniffFormat } from './sniff.ts'

/** What is known of an image's bytes without holding them all. */
export interface ImageEnds {
  /** The first bytes, at least 12 of them unless the image is shorter. */
  readonly head: Buffer
  /** The last bytes, at least 12 of them unless the image is shorter. */
  readonly tail: Buffer
  readonly sizeBytes: number
}

const PNG_END = Buffer.from([0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82])
const JPEG_END = Buffer.from([0xff, 0xd9])
const GIF_END = Buffer.from([0x3b])

const endsWith = (tail: Buffer, end: Buffer): boolean => tail.subarray(-end.length).equals(end)

/**
 * Whether an image ends as its format has to. False proves nothing yet: bytes after the end are legal and common, so
 * a decode has to decide. AVIF has no end mark and is always false.
 */
export const hasCompleteEnd = (format: OutputFormat, ends: ImageEnds): boolean => {
  switch (format) {
    case 'png':
      return endsWith(ends.tail, PNG_END)
    case 'jpeg':
      return endsWith(ends.tail, JPEG_END)
    case 'gif':
      return endsWith(ends.tail, GIF_END)
    case 'webp':
      return ends.head.length >= 8 && ends.sizeBytes >= ends.head.readUInt32LE(4) + 8
    case 'avif':
      return false
  }
}

const decodedPixelsOf = async (bytes: Uint8Array): Promise<number | undefined> => {
  const format = sniffFormat(bytes)
  if (format === undefined) return undefined
  // Only the first frame of an animation is decoded.
  return readImageHeader(format, bytes).then(
    ({ size }) => size.width * size.height,
    () => undefined,
  )
}

/** Whether an image has a sound header, by which it is larger than may be decoded. */
export const isTooLargeToDecode = async (
  bytes: Uint8Array,
  maxPixels: number = MAX_DECODED_PIXELS,
): Promise<boolean> => ((await decodedPixelsOf(bytes)) ?? 0) > maxPixels

/** Whether an image can be decoded to its last row. */
export const canDecode = async (
  bytes: Uint8Array,
  maxPixels: number = MAX_DECODED_PIXELS,
  signal?: AbortSignal,
): Promise<boolean> => {
  const pixels = await decodedPixelsOf(bytes)
  if (pixels === undefined || pixels > maxPixels) return false
  return runInImageQueue(
    async () => {
      const picture = sharp(bytes, { failOn: 'truncated', limitInputPixels: maxPixels })
      // Shrinking by averages reads every row; a load-time shrink could skip some.
      const shrunk = picture.resize(8, 8, { fit: 'fill', fastShrinkOnLoad: false }).raw()
      return shrunk.toBuffer().then(
        () => true,
        () => false,
      )
    },
    { bytes: pixels * BYTES_PER_PIXEL.png, signal },
  )
}

/** Whether held bytes are a whole image: the end mark says so, or else a decode. */
export const isComplete = async (
  format: OutputFormat,
  bytes: Buffer,
  maxPixels?: number,
  signal?: AbortSignal,
): Promise<boolean> =>
  hasCompleteEnd(format, { head: bytes, tail: bytes, sizeBytes: bytes.length }) ||
  canDecode(bytes, maxPixels, signal)
