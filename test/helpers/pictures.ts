import sharp from 'sharp'

type TestFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'avif'

/** A real picture of one colour. */
export const makePicture = (
  format: TestFormat = 'png',
  { width = 64, height = 48, background = '#336699' } = {},
): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background } })
    .toFormat(format)
    .toBuffer()

/** A picture that compresses badly, so that it has at least `sizeBytes`. */
export const makeLargePicture = async (sizeBytes: number): Promise<Buffer> => {
  const side = Math.ceil(Math.sqrt(sizeBytes / 3))
  const noise = { type: 'gaussian' as const, mean: 128, sigma: 60 }
  return sharp({ create: { width: side, height: side, channels: 3, background: '#000', noise } })
    .png({ compressionLevel: 0 })
    .toBuffer()
}
