import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import type { OutputFormat, PixelSize } from '#src/domain/media.ts'

/** A picture with enough detail that its encoded size is realistic; the same each time. */
export const samplePng = async ({ width, height }: PixelSize): Promise<Buffer> => {
  const pixels = Buffer.alloc(width * height * 3)
  let state = 1
  for (let index = 0; index < pixels.length; index += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    pixels[index] = (((index / 3) % width) + (state >>> 24)) % 256
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
}

export const sampleImage = async (
  format: OutputFormat,
  size: PixelSize = { width: 48, height: 32 },
): Promise<Buffer> => {
  const picture = sharp(await samplePng(size))
  return picture
    .toFormat(
      format,
      format === 'avif' ? { effort: 0 } : format === 'gif' ? { effort: 1, colours: 16 } : {},
    )
    .toBuffer()
}

/** A picture that lies on its side in its file: to be shown, it is turned to the right. */
export const turnedImage = async (
  format: 'png' | 'jpeg' | 'webp' | 'avif',
  size: PixelSize,
): Promise<Buffer> =>
  sharp(await samplePng(size))
    .withMetadata({ orientation: 6 })
    .toFormat(format)
    .toBuffer()

/** Three frames of 40×30: red, blue, green. */
export const sampleAnimation = async (format: 'gif' | 'webp'): Promise<Buffer> => {
  const frames = ['red', 'blue', 'lime'].map((background) =>
    sharp({ create: { width: 40, height: 30, channels: 3, background } })
      .png()
      .toBuffer(),
  )
  const joined = sharp(await Promise.all(frames), { join: { animated: true } })
  return joined.toFormat(format, { delay: [100, 100, 100] }).toBuffer()
}

/** The colour of a picture's middle pixel, as red, green, blue. */
export const middleColour = async (bytes: Uint8Array): Promise<number[]> => {
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const start = (Math.floor(info.height / 2) * info.width + Math.floor(info.width / 2)) * 3
  return [...data.subarray(start, start + 3)]
}

/** A small picture whose header says that it is of another size, as if it took seconds to make. */
export const claimingSize = async (
  format: 'png' | 'avif',
  { width, height }: PixelSize,
): Promise<Buffer> => {
  const bytes = await sampleImage(format)
  // In AVIF 4 bytes of version and flags lie between.
  const start = format === 'png' ? 16 : bytes.indexOf('ispe') + 8
  bytes.writeUInt32BE(width, start)
  bytes.writeUInt32BE(height, start + 4)
  if (format === 'png') bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)
  return bytes
}
