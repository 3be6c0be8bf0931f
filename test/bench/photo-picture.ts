import sharp from 'sharp'

/** Coarse and fine grain: what is left of each after blurring, as shapes and as a camera's noise. */
const SHAPES = { type: 'gaussian', mean: 128, sigma: 60 } as const
const GRAIN = { type: 'gaussian', mean: 128, sigma: 8 } as const
const SHAPE_SIZE = 32

/** A PNG of so many pixels a side that is as hard to encode as a photo: shapes of all colours, and grain over them. */
export const drawPhoto = async (side: number): Promise<Buffer> => {
  const noise = (width: number, grain: typeof SHAPES | typeof GRAIN) =>
    sharp({
      create: { width, height: width, channels: 3, background: '#808080', noise: grain },
    })
  const coarse = await noise(Math.ceil(side / SHAPE_SIZE), SHAPES)
    .png()
    .toBuffer()
  const shapes = await sharp(coarse)
    .resize(side, side, { kernel: 'cubic', fit: 'fill' })
    .png({ compressionLevel: 1 })
    .toBuffer()
  const grain = await noise(side, GRAIN).png({ compressionLevel: 1 }).toBuffer()
  return sharp(shapes)
    .composite([{ input: grain, blend: 'soft-light' }])
    .png({ compressionLevel: 6 })
    .toBuffer()
}
