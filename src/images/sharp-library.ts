import { availableParallelism } from 'node:os'
import sharp from 'sharp'
import type { OutputFormat } from '#src/domain/media.ts'

/**
 * How many pictures are decoded or encoded at once. libuv has 4 threads by default, which files and DNS need too, so
 * pictures never take the last one (Node.js docs, "UV_THREADPOOL_SIZE", read 2026-11).
 */
export const PICTURES_AT_ONCE = Math.max(1, Math.min(availableParallelism(), 3))

// Every picture here is worked on once: libvips' cache of operations would only hold memory. With it 36 pictures of up to
// 4096² took as long and 90 MB more (sharp 0.35.5, 2026-11).
sharp.cache(false)
// One picture then uses the cores that the other slots leave over (sharp docs, "concurrency", read 2026-11). More threads
// cost neither memory nor, but for 3 %, processor time.
sharp.concurrency(Math.ceil(availableParallelism() / PICTURES_AT_ONCE))

/** The one configured instance. Hand it only bytes that `sniffFormat` knows: it has SVG and other loaders too. */
export { sharp }

/** Most pixels, all frames counted, that are ever decoded: 3 times a 4K picture. */
export const MAX_DECODED_PIXELS = 50_000_000

/**
 * Bytes that the work on one pixel takes at most, by the format that is made of it; what comes of it is among them.
 * Measured beyond the process and the encoded picture, noisy, sharp 0.35.5, 2026-11, for 50 and 17 megapixels: interlaced
 * PNG to JPEG 9 and 8, to WebP 8 and 6; WebP to PNG 8 and 10; GIF to WebP 9; to GIF 16; to AVIF 24 and 21.
 */
export const BYTES_PER_PIXEL: Readonly<Record<OutputFormat, number>> = {
  png: 9.6,
  jpeg: 9.6,
  webp: 9.6,
  gif: 16,
  avif: 24,
}

/** What the work on the largest picture takes, in bytes. Larger ones are not converted: 30 megapixels to GIF, 20 to AVIF. */
export const LARGEST_PICTURE_BYTES = MAX_DECODED_PIXELS * BYTES_PER_PIXEL.png
