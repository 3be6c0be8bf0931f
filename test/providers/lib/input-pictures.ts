import sharp from 'sharp'

/** So many small PNG pictures, each of another colour. */
export const inputPictures = (count: number): Promise<Buffer[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) => {
      const background = { r: (index * 17) % 256, g: 80, b: 160 }
      const picture = { width: 512, height: 512, channels: 3 as const, background }
      return sharp({ create: picture }).png().toBuffer()
    }),
  )
