import { bufferOf } from '#src/bytes/pieces.ts'
import type { OutputFormat, PixelSize } from '#src/domain/media.ts'
import { sharp } from './sharp-library.ts'

/** How many first bytes are enough for `sniffFormat`. */
export const SNIFF_BYTES = 32

const textAt = (bytes: Uint8Array, start: number, end: number): string =>
  bufferOf(bytes).toString('latin1', start, end)

const isAvif = (head: Uint8Array): boolean =>
  textAt(head, 4, 8) === 'ftyp' && /avi[fs]/.test(textAt(head, 8, SNIFF_BYTES))

/** The format by its magic bytes; `undefined`: none that the gateway handles, whatever its name or type said. */
export const sniffFormat = (head: Uint8Array): OutputFormat | undefined => {
  if (textAt(head, 0, 8) === '\x89PNG\r\n\x1a\n') return 'png'
  if (textAt(head, 0, 3) === '\xff\xd8\xff') return 'jpeg'
  if (/^GIF8[79]a/.test(textAt(head, 0, 6))) return 'gif'
  if (textAt(head, 0, 4) === 'RIFF' && textAt(head, 8, 12) === 'WEBP') return 'webp'
  return isAvif(head) ? 'avif' : undefined
}

const FOREIGN_TYPES: readonly (readonly [RegExp, string])[] = [
  [/^.{4}ftyp(hei|hev|mif1|msf1)/s, 'a HEIC image'],
  [/^.{4}ftyp/s, 'a video'],
  [/^BM/, 'a BMP image'],
  [/^(II\*\0|MM\0\*)/, 'a TIFF image'],
  [/^%PDF-/, 'a PDF document'],
  [/^\s*(<\?xml[^>]*>\s*)?<svg/i, 'an SVG image'],
  [/^\s*<(!doctype html|html|head|body)/i, 'an HTML page'],
  [/^\s*[{[]/, 'JSON'],
  [/^\s*</, 'XML or HTML'],
]

/** What bytes are that `sniffFormat` does not know, in words for an error message. */
export const describeForeign = (head: Uint8Array): string => {
  if (head.length === 0) return 'empty'
  const text = textAt(head, 0, 256)
  return FOREIGN_TYPES.find(([pattern]) => pattern.test(text))?.[1] ?? 'no known image type'
}

export interface ImageHeader {
  readonly format: OutputFormat
  /** As the picture is shown, EXIF orientation applied; of one frame when it is animated. */
  readonly size: PixelSize
  /** Frames of an animation; 1 for a still picture. */
  readonly pages: number
}

/**
 * Reads format, size and frames from a whole image without decoding it: from memory, or from a file by its path.
 * Rejects when the header is damaged.
 */
export const readImageHeader = async (
  format: OutputFormat,
  source: Uint8Array | string,
): Promise<ImageHeader> => {
  // The pixel limit is the caller's to apply: a header is cheap whatever it claims.
  const metadata = await sharp(source, { limitInputPixels: false }).metadata()
  const size = { width: metadata.autoOrient.width, height: metadata.autoOrient.height }
  const height = metadata.pageHeight ?? size.height
  return { format, size: { ...size, height }, pages: metadata.pages ?? 1 }
}

/** In the flags of an extended WebP: there is an EXIF chunk, which lies behind the picture. */
const WEBP_EXIF_FLAG = 0x08

const webpSize = (head: Buffer): PixelSize | undefined => {
  const chunk = head.toString('latin1', 12, 16)
  if (chunk === 'VP8X') {
    if (head.readUInt8(20) & WEBP_EXIF_FLAG) return undefined
    return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 }
  }
  if (chunk === 'VP8L') {
    const bits = head.readUInt32LE(21)
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (chunk !== 'VP8 ') return undefined
  return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff }
}

/** Behind the signature and IHDR, which is always first. */
const PNG_CHUNKS_BEGIN = 33

/** Whether a PNG's picture begins in these bytes with no EXIF before it, which might turn it. */
const isPlainPng = (head: Buffer): boolean => {
  let start = PNG_CHUNKS_BEGIN
  while (start + 8 <= head.length) {
    const type = head.toString('latin1', start + 4, start + 8)
    if (type === 'IDAT') return true
    if (type === 'eXIf') return false
    start += head.readUInt32BE(start) + 12
  }
  return false
}

const pngSize = (head: Buffer): PixelSize | undefined =>
  isPlainPng(head) ? { width: head.readUInt32BE(16), height: head.readUInt32BE(20) } : undefined

const sizeAtFixedPlace = (format: OutputFormat, head: Buffer): PixelSize | undefined => {
  if (format === 'png') return pngSize(head)
  if (format === 'gif') return { width: head.readUInt16LE(6), height: head.readUInt16LE(8) }
  return format === 'webp' ? webpSize(head) : undefined
}

/** Whether more of the first bytes would not tell more of the size: of GIF and WebP never, of a PNG once its picture begins. */
export const needsNoMore = (format: OutputFormat, head: Buffer): boolean =>
  format === 'gif' || format === 'webp' || (format === 'png' && isPlainPng(head))

/**
 * The size as shown, from the first bytes of a longer image; `undefined` when they do not tell it (a JPEG may carry any
 * amount of metadata before it, a WebP its orientation at the end). PNG, GIF and WebP have it at fixed places (PNG specification §11.2.1; GIF89a §18; WebP
 * container specification, RFC 9649 §2.5–2.7), which libvips would not read from a cut GIF or WebP.
 */
export const readSizeFromHead = async (
  format: OutputFormat,
  head: Buffer,
): Promise<PixelSize | undefined> => {
  if (head.length < SNIFF_BYTES) return undefined
  const size = sizeAtFixedPlace(format, head)
  // A side of 0 is no image: whoever reads the whole header then says so.
  if (size) return size.width > 0 && size.height > 0 ? size : undefined
  return readImageHeader(format, head).then(
    (header) => header.size,
    () => undefined,
  )
}
