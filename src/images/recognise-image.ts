import type { WantedImages } from '#src/domain/image-result.ts'
import type { OutputFormat, PixelSize } from '#src/domain/media.ts'
import { isComplete, isTooLargeToDecode } from './completeness.ts'
import { badImage } from './output-errors.ts'
import {
  describeForeign,
  needsNoMore,
  readImageHeader,
  readSizeFromHead,
  sniffFormat,
} from './sniff.ts'

/** First bytes that tell the size of nearly every image. */
export const HEAD_BYTES = 65_536

/** First bytes that tell the format, and the size where that has a fixed place. */
const FIXED_HEAD_BYTES = 256

/** The first bytes of an image that is held, as far as they are needed. `firstBytes`: gives so many. */
export const readHeadOf = (firstBytes: (wished: number) => Buffer): Buffer => {
  const head = firstBytes(FIXED_HEAD_BYTES)
  const format = sniffFormat(head)
  return format && needsNoMore(format, head) ? head : firstBytes(HEAD_BYTES)
}

/** The format of a provider's image by its first bytes. Throws when they are no image's. */
export const recogniseFormat = (head: Buffer): OutputFormat => {
  const format = sniffFormat(head)
  if (!format) throw badImage(`is not an image but ${describeForeign(head)}`)
  return format
}

export const tooLarge = (maxImageBytes: number): Error =>
  badImage(`is larger than ${maxImageBytes} bytes`)

/** The format to encode; `undefined`: the bytes stay as they are. */
export const conversionTarget = (
  format: OutputFormat,
  wanted: WantedImages,
): OutputFormat | undefined => {
  const to = wanted.outputFormat ?? format
  const isLossy = to === 'jpeg' || to === 'webp' || to === 'avif'
  const isRecompressed = wanted.outputCompression !== undefined && isLossy
  return to !== format || isRecompressed ? to : undefined
}

/**
 * The size of an image whose ends left a doubt. Rejects when it is not whole. One that is too large to be decoded is
 * believed: it was paid for, and that nobody here can look at it is not its provider's fault.
 */
export const requireComplete = async (
  format: OutputFormat,
  bytes: Buffer,
  signal: AbortSignal,
): Promise<PixelSize> => {
  const isGood =
    (await isComplete(format, bytes, undefined, signal)) || (await isTooLargeToDecode(bytes))
  if (!isGood) throw badImage('is truncated or damaged')
  const known = await readSizeFromHead(format, bytes)
  if (known) return known
  return readImageHeader(format, bytes).then(
    (header) => header.size,
    () => {
      throw badImage('is damaged')
    },
  )
}
