import sharp from 'sharp'
import { createSeededRandom } from '#test/emulators/seeded-random.ts'

type TestFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'avif'

/** A real picture of one colour. */
export const makePicture = (
  format: TestFormat = 'png',
  { width = 64, height = 48, background = '#336699' } = {},
): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background } })
    .toFormat(format)
    .toBuffer()

/** A real PNG of noise, which no encoder makes smaller: of about 3 × side² bytes, and another one for each seed. */
export const drawNoise = (side: number, seed: number): Promise<Buffer> => {
  const random = createSeededRandom(seed)
  const pixels = Buffer.from(
    Array.from({ length: side * side * 3 }, () => Math.floor(random.uniform() * 256)),
  )
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer()
}
