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
