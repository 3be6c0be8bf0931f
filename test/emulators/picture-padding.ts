import { crc32 } from 'node:zlib'
import type { PictureFormat } from './picture.ts'

/** Length, type and check sum around the content of a PNG chunk. */
const PNG_CHUNK_OVERHEAD = 12
/** A PNG ends with an empty IEND chunk. */
const PNG_TAIL = 12
/** A JPEG comment segment holds at most 65,533 bytes besides its marker and length. */
const JPEG_SEGMENT_MAX = 65_533
const JPEG_SEGMENT_OVERHEAD = 4

const pngChunk = (contentBytes: number): Buffer => {
  const chunk = Buffer.alloc(contentBytes + PNG_CHUNK_OVERHEAD)
  chunk.writeUInt32BE(contentBytes, 0)
  // Lower-case first letter: ancillary, so that every reader skips it.
  chunk.write('paDs', 4, 'latin1')
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + contentBytes)), 8 + contentBytes)
  return chunk
}

const padPng = (bytes: Buffer, missing: number): Buffer => {
  const chunk = pngChunk(Math.max(0, missing - PNG_CHUNK_OVERHEAD))
  const end = bytes.length - PNG_TAIL
  return Buffer.concat([bytes.subarray(0, end), chunk, bytes.subarray(end)])
}

const jpegSegments = (missing: number): Buffer[] => {
  const segments: Buffer[] = []
  for (let left = missing; left > 0; ) {
    const content = Math.min(JPEG_SEGMENT_MAX, Math.max(0, left - JPEG_SEGMENT_OVERHEAD))
    const segment = Buffer.alloc(content + JPEG_SEGMENT_OVERHEAD)
    segment.writeUInt16BE(0xfffe, 0)
    segment.writeUInt16BE(content + 2, 2)
    segments.push(segment)
    left -= segment.length
  }
  return segments
}

/** Makes a picture as large as wanted without changing what it shows. WebP and large enough ones stay as they are. */
export const padPicture = (bytes: Buffer, format: PictureFormat, wantedBytes: number): Buffer => {
  const missing = wantedBytes - bytes.length
  if (missing <= 0 || format === 'webp') return bytes
  if (format === 'png') return padPng(bytes, missing)
  return Buffer.concat([bytes.subarray(0, 2), ...jpegSegments(missing), bytes.subarray(2)])
}
