import { availableParallelism } from 'node:os'
import sharp from 'sharp'

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

/** Most pixels, all frames counted, that are ever decoded: 6 times a 4K picture, 400 MB as RGBA. */
export const MAX_DECODED_PIXELS = 100_000_000
