import { randomBytes } from 'node:crypto'
import sharp from 'sharp'

/** Bytes of each picture: what 1K pictures of the first model have. */
export const IMAGE_BYTES = 1_500_000

/** A PNG of about as many bytes, of noise so that it does not shrink. */
export const noisePicture = (): Promise<Buffer> => {
  const [width, height, channels] = [710, 704, 3] as const
  const pixels = randomBytes(width * height * channels)
  return sharp(pixels, { raw: { width, height, channels } }).png({ compressionLevel: 0 }).toBuffer()
}
