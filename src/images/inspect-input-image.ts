import { invalidRequest } from '#src/domain/errors.ts'
import {
  formatPixelSize,
  INPUT_FORMATS,
  type InputFormat,
  type PixelSize,
} from '#src/domain/media.ts'
import { isComplete } from './completeness.ts'
import { MAX_DECODED_PIXELS } from './sharp-library.ts'
import { describeForeign, type ImageHeader, readImageHeader, sniffFormat } from './sniff.ts'

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

const requireByteCount = (bytes: Buffer, param: string, maxBytes: number): void => {
  if (bytes.length === 0) throw invalidRequest(`${param} is empty (0 bytes); ${ALLOWED}`, param)
  if (bytes.length > maxBytes) {
    throw invalidRequest(`${param} has ${bytes.length} bytes; at most ${maxBytes}`, param)
  }
}

const requireInputFormat = (bytes: Buffer, param: string): InputFormat => {
  const found = sniffFormat(bytes)
  const format = INPUT_FORMATS.find((allowed) => allowed === found)
  if (format) return format
  const what = found === undefined ? describeForeign(bytes) : `an ${found.toUpperCase()} image`
  throw invalidRequest(`${param} is ${what}; ${ALLOWED}`, param)
}

const requireHeader = async (
  format: InputFormat,
  bytes: Buffer,
  param: string,
): Promise<ImageHeader> => {
  try {
    return await readImageHeader(format, bytes)
  } catch {
    throw invalidRequest(
      `${param} is a truncated or damaged ${format.toUpperCase()} image: its header cannot be read`,
      param,
    )
  }
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
  bytes: Buffer,
  param: string,
  limits: InputImageLimits,
): Promise<InspectedImage> => {
  requireByteCount(bytes, param, limits.maxBytes)
  const format = requireInputFormat(bytes, param)
  const header = await requireHeader(format, bytes, param)
  requirePixelCount(header, param, limits.maxPixels)
  if (!(await isComplete(format, bytes, limits.maxPixels))) {
    throw invalidRequest(`${param} is a truncated or damaged ${format.toUpperCase()} image`, param)
  }
  return { format, size: header.size }
}
