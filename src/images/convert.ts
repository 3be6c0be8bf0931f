import type { Sharp } from 'sharp'
import { inPieces } from '#src/bytes/pieces.ts'
import { invalidRequest } from '#src/domain/errors.ts'
import type { InputBytes } from '#src/domain/image-request.ts'
import type { InputFormat, OutputFormat, PixelSize } from '#src/domain/media.ts'
import { isImageQueueBusy, runInImageQueue } from './image-queue.ts'
import {
  BYTES_PER_PIXEL,
  LARGEST_PICTURE_BYTES,
  MAX_DECODED_PIXELS,
  sharp,
} from './sharp-library.ts'
import { readImageHeader, sniffFormat } from './sniff.ts'
import { withWhole } from './whole-input.ts'

export interface ConversionOptions {
  /** Format to encode. */
  readonly to: OutputFormat
  /** Encoder quality 0–100 for jpeg, webp and avif; absent: 90, 80 and 50. Other formats have none. */
  readonly quality?: number
  /** Once aborted, work that waits is not begun; absent: it always is. */
  readonly signal?: AbortSignal
}

export interface ConvertedImage {
  readonly bytes: Buffer
  /** Of one frame when animated. */
  readonly size: PixelSize
}

/** Encoder settings that trade processor time for bytes. */
export interface EncoderEffort {
  /** 0 (fast) to 6. */
  readonly webp: number
  /** 0 (fast) to 9. */
  readonly avif: number
  /** Colour at half resolution: saves 45 % of the time, and only tiny coloured text shows it. */
  readonly avifChroma: '4:4:4' | '4:2:0'
}

/** A picture of 512×512 with some room: even slow settings take under 100 ms. */
const SMALL_PIXELS = 400_000
/** A picture of 1024×1024 with some room, and every 1K ratio. */
const MEDIUM_PIXELS = 2_000_000

/**
 * Effort by picture size, and the least when others wait. Processor ms on a noisy picture, sharp 0.35.5, 2026-11:
 * webp 512² effort 4 33; 1024² effort 1 52 (effort 4 125, 1.5 % smaller); 4096² effort 0 756 (effort 4 2262).
 * avif 512² effort 1 80; 1024² effort 0 96 (effort 1 219); 4096² effort 0 4:2:0 1258 (4:4:4 2306).
 */
export const chooseEffort = (pixels: number, isBusy: boolean): EncoderEffort => {
  if (pixels > MEDIUM_PIXELS) return { webp: 0, avif: 0, avifChroma: '4:2:0' }
  if (pixels > SMALL_PIXELS || isBusy) {
    return { webp: isBusy ? 0 : 1, avif: 0, avifChroma: '4:4:4' }
  }
  return { webp: 4, avif: 1, avifChroma: '4:4:4' }
}

/**
 * Rows as differences from those before them: a photo of 4096² has 35 MB after 1.50 s, without 55 after 1.43; a drawing as
 * many bytes as before, after 0.44 s instead of 0.18. Level 1 takes a sixth less time for half as many bytes again, of
 * drawings up to eight times as many; level 6 twice the time for a tenth less (sharp 0.35.5, 2026-11).
 */
const PNG = { compressionLevel: 2, adaptiveFiltering: true } as const

const encode = (
  picture: Sharp,
  { to, quality }: ConversionOptions,
  effort: EncoderEffort,
): Sharp => {
  // sharp takes 1–100, OpenAI's output_compression 0–100.
  const atQuality = (standard: number) => ({ quality: Math.max(1, quality ?? standard) })
  switch (to) {
    case 'jpeg':
      return picture.flatten({ background: '#ffffff' }).jpeg(atQuality(90))
    case 'webp':
      return picture.webp({ ...atQuality(80), effort: effort.webp })
    case 'avif':
      return picture.avif({
        ...atQuality(50),
        effort: effort.avif,
        chromaSubsampling: effort.avifChroma,
      })
    case 'png':
      return picture.png(PNG)
    case 'gif':
      // The default, 7, takes 1.5 times as long for 7 % fewer bytes.
      return picture.gif({ effort: 1 })
  }
}

const canAnimate = (format: OutputFormat): boolean => format === 'gif' || format === 'webp'

/**
 * Decodes and encodes anew: oriented by EXIF, colours brought to sRGB from whatever profile was embedded, metadata
 * dropped, transparency on white for jpeg. An animation stays one in gif and webp; other formats get its first frame,
 * as does one too large to hold. Rejects when the bytes cannot be decoded, or would take more memory than
 * `LARGEST_PICTURE_BYTES`.
 */
export const convertImage = async (
  bytes: Uint8Array,
  options: ConversionOptions,
): Promise<ConvertedImage> => {
  options.signal?.throwIfAborted()
  const format = sniffFormat(bytes)
  if (format === undefined) throw new Error('Not an image of a known format')
  const { size, pages } = await readImageHeader(format, bytes)
  const pixels = size.width * size.height
  const mostPixels = LARGEST_PICTURE_BYTES / BYTES_PER_PIXEL[options.to]
  const animated = pages > 1 && canAnimate(options.to) && pixels * pages <= mostPixels
  const decodedPixels = animated ? pixels * pages : pixels
  if (decodedPixels > mostPixels) throw new Error('The picture is too large to be converted')
  return runInImageQueue(
    async () => {
      const picture = sharp(bytes, {
        animated,
        autoOrient: !animated,
        limitInputPixels: MAX_DECODED_PIXELS,
        failOn: 'truncated',
      })
      const effort = chooseEffort(decodedPixels, isImageQueueBusy())
      const encoded = await encode(picture, options, effort).toBuffer({ resolveWithObject: true })
      const { width, height, pageHeight } = encoded.info
      return { bytes: encoded.data, size: { width, height: pageHeight ?? height } }
    },
    { bytes: decodedPixels * BYTES_PER_PIXEL[options.to], signal: options.signal },
  )
}

/** A client's image, as the bytes say it is. */
export interface FormattedImage {
  readonly bytes: InputBytes
  readonly format: InputFormat
}

/**
 * Brings an inspected input image into a format that the offering takes: unchanged when `accepted` has its own, else
 * as the first of them. Throws INVALID_REQUEST naming `param` when it cannot be decoded.
 */
export const convertInputImage = async (
  image: FormattedImage,
  accepted: readonly InputFormat[],
  param: string,
): Promise<FormattedImage> => {
  const to = accepted[0]
  if (to === undefined || accepted.includes(image.format)) return image
  try {
    const converted = await withWhole('decode', image.bytes, (bytes) => convertImage(bytes, { to }))
    return { bytes: inPieces([converted.bytes]), format: to }
  } catch {
    throw invalidRequest(`${param} is a damaged ${image.format.toUpperCase()} image`, param)
  }
}
