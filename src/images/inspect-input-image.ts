import { TAIL_BYTES } from '#src/bytes/byte-source.ts'
import { headOf, tailOf } from '#src/bytes/pieces.ts'
import { invalidRequest } from '#src/domain/errors.ts'
import type { InputBytes } from '#src/domain/image-request.ts'
import {
  formatPixelSize,
  INPUT_FORMATS,
  type InputFormat,
  type PixelSize,
} from '#src/domain/media.ts'
import { canDecode, hasCompleteEnd } from './completeness.ts'
import { readHeadOf } from './recognise-image.ts'
import { MAX_DECODED_PIXELS } from './sharp-library.ts'
import { describeForeign, type ImageHeader, readImageHeader, sniffFormat } from './sniff.ts'
import { withWhole } from './whole-input.ts'

export interface InputImageLimits {
  /** Largest file in bytes. */
  readonly maxBytes: number
  /** Most pixels, all frames of an animation counted, that the picture may decode to. */
  readonly maxPixels: number
}

/** Pixel limit where none is configured: 50 megapixels. */
export const DEFAULT_MAX_INPUT_PIXELS = MAX_DECODED_PIXELS

export interface InspectedImage {
  /** True format by the bytes. */
  readonly format: InputFormat
  /** True size, EXIF orientation applied; of one frame when animated. */
  readonly size: PixelSize
}

const ALLOWED = 'allowed: PNG, JPEG, WebP, GIF'

const requireByteCount = ({ sizeBytes }: InputBytes, param: string, maxBytes: number): void => {
  if (sizeBytes === 0) throw invalidRequest(`${param} is empty (0 bytes); ${ALLOWED}`, param)
  if (sizeBytes > maxBytes) {
    throw invalidRequest(`${param} has ${sizeBytes} bytes; at most ${maxBytes}`, param)
  }
}

const requireInputFormat = (head: Buffer, param: string): InputFormat => {
  const found = sniffFormat(head)
  const format = INPUT_FORMATS.find((allowed) => allowed === found)
  if (format) return format
  const what = found === undefined ? describeForeign(head) : `an ${found.toUpperCase()} image`
  throw invalidRequest(`${param} is ${what}; ${ALLOWED}`, param)
}

/** Of a PNG or JPEG nothing behind its first bytes is needed, unless there is much before its picture. */
const readHeader = async (
  format: InputFormat,
  bytes: InputBytes,
  head: Buffer,
): Promise<ImageHeader> => {
  const fromHead =
    format === 'png' || format === 'jpeg'
      ? await readImageHeader(format, head).catch(() => undefined)
      : undefined
  return fromHead ?? withWhole('header', bytes, (whole) => readImageHeader(format, whole))
}

const requireHeader = async (
  format: InputFormat,
  bytes: InputBytes,
  head: Buffer,
  param: string,
): Promise<ImageHeader> => {
  try {
    return await readHeader(format, bytes, head)
  } catch {
    throw invalidRequest(
      `${param} is a truncated or damaged ${format.toUpperCase()} image: its header cannot be read`,
      param,
    )
  }
}

const isCompleteInput = async (
  format: InputFormat,
  bytes: InputBytes,
  head: Buffer,
  maxPixels: number,
): Promise<boolean> => {
  const { pieces, sizeBytes } = bytes
  const ends = { head, tail: tailOf(pieces, TAIL_BYTES), sizeBytes }
  return (
    hasCompleteEnd(format, ends) ||
    withWhole('decode', bytes, (whole) => canDecode(whole, maxPixels))
  )
}

const requirePixelCount = (header: ImageHeader, param: string, maxPixels: number): void => {
  const pixels = header.size.width * header.size.height * header.pages
  if (pixels <= maxPixels) return
  const frames = header.pages > 1 ? ` in ${header.pages} frames` : ''
  throw invalidRequest(
    `${param} decodes to ${formatPixelSize(header.size)}${frames}, ${pixels} pixels; at most ${maxPixels}`,
    param,
  )
}

/**
 * Makes sure that a client's image is one that providers can be sent, before anything is sent. The bytes decide;
 * names and declared types are not looked at. Throws INVALID_REQUEST naming `param`, such as `image[2]`.
 */
export const inspectInputImage = async (
  bytes: InputBytes,
  param: string,
  limits: InputImageLimits,
): Promise<InspectedImage> => {
  requireByteCount(bytes, param, limits.maxBytes)
  const head = readHeadOf((wished) => headOf(bytes.pieces, wished))
  const format = requireInputFormat(head, param)
  const header = await requireHeader(format, bytes, head, param)
  requirePixelCount(header, param, limits.maxPixels)
  if (!(await isCompleteInput(format, bytes, head, limits.maxPixels))) {
    throw invalidRequest(`${param} is a truncated or damaged ${format.toUpperCase()} image`, param)
  }
  return { format, size: header.size }
}
