import sharp from 'sharp'
import { createSeededRandom } from '#test/emulators/seeded-random.ts'

/** What is wrapped around the pixels of a PNG, about. */
const PNG_OVERHEAD_BYTES = 100

/** A tile of noise that is repeated: drawing each byte of 20 MB would take longer than a round. */
const TILE_BYTES = 65_521

const noise = (length: number): Buffer => {
  const random = createSeededRandom(7)
  const tile = Buffer.from(
    Array.from({ length: TILE_BYTES }, () => Math.floor(random.uniform() * 256)),
  )
  return Buffer.alloc(length, tile)
}

/**
 * A real PNG of about so many bytes. Noise, and stored without compression, so that its size is that of its pixels;
 * base64 and PNG do not care what they carry.
 */
export const drawNoisePicture = (sizeBytes: number): Promise<Buffer> => {
  const side = Math.max(1, Math.floor(Math.sqrt((sizeBytes - PNG_OVERHEAD_BYTES) / 3)))
  return sharp(noise(side * side * 3), { raw: { width: side, height: side, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer()
}

/** Pixels a side of what Gemini calls 4K. */
const SIDE_4K = 4_096

/** A PNG of 4096² pixels and about so many bytes: noise above, and one colour below, which takes next to nothing. */
const draw4kPicture = (sizeBytes: number): Promise<Buffer> => {
  const pixels = Buffer.alloc(SIDE_4K * SIDE_4K * 3, 128)
  noise(sizeBytes - PNG_OVERHEAD_BYTES).copy(pixels)
  return sharp(pixels, { raw: { width: SIDE_4K, height: SIDE_4K, channels: 3 } })
    .png({ compressionLevel: 2 })
    .toBuffer()
}

/** The sizes that answers are measured with, in bytes: a placeholder's, a small JPEG's, a 1K PNG's, a 4K PNG's. */
export const PICTURE_BYTES = {
  tiny: 200,
  small: 200_000,
  usual: 1_500_000,
  large: 20_000_000,
} as const

export type PictureSize = keyof typeof PICTURE_BYTES

export const PICTURE_NAMES: Readonly<Record<PictureSize, string>> = {
  tiny: 'tiny',
  small: '200 kB',
  usual: '1.5 MB',
  large: '20 MB',
}

/** The picture that answers of this size carry, the same each time. */
export const drawPicture = (size: PictureSize): Promise<Buffer> =>
  (size === 'large' ? draw4kPicture : drawNoisePicture)(PICTURE_BYTES[size])
