/**
 * Pixels of the Gemini 3 image family at 1K, by aspect ratio; 2K and 4K are two and four times as large per side, the
 * smallest tier half (Gemini image generation guide, https://ai.google.dev/gemini-api/docs/image-generation; the
 * guide prints 792x168 for 21:9 at 512, which can only be meant as 792x336).
 */
const PIXELS_AT_1K = {
  '1:1': [1024, 1024],
  '2:3': [848, 1264],
  '3:2': [1264, 848],
  '3:4': [896, 1200],
  '4:3': [1200, 896],
  '4:5': [928, 1152],
  '5:4': [1152, 928],
  '9:16': [768, 1376],
  '16:9': [1376, 768],
  '21:9': [1584, 672],
  '1:4': [512, 2048],
  '4:1': [2048, 512],
  '1:8': [384, 3072],
  '8:1': [3072, 384],
} as const satisfies Record<string, readonly [number, number]>

export type AspectRatio = keyof typeof PIXELS_AT_1K

/** The 14 ratios of the larger models. */
export const ASPECT_RATIOS = Object.keys(PIXELS_AT_1K) as AspectRatio[]

/** The ten ratios of the models without the four narrow ones. */
export const TEN_ASPECT_RATIOS = ASPECT_RATIOS.filter((ratio) => !/[48]:1|1:[48]/.test(ratio))

/** Scale of each tier, under all names that the providers give them. */
const TIER_FACTORS: Readonly<Record<string, number>> = {
  '512': 0.5,
  '0.5K': 0.5,
  '1K': 1,
  '2K': 2,
  '4K': 4,
}

/** Width and height in pixels. */
export interface PictureSize {
  readonly width: number
  readonly height: number
}

export const pictureSize = (ratio: AspectRatio, tier: string): PictureSize => {
  const [width, height] = PIXELS_AT_1K[ratio]
  const factor = TIER_FACTORS[tier] ?? 1
  return { width: width * factor, height: height * factor }
}

/** The ratio out of `allowed` that a picture is nearest to. */
export const nearestAspectRatio = (
  size: PictureSize,
  allowed: readonly AspectRatio[] = ASPECT_RATIOS,
): AspectRatio => {
  const distance = (ratio: AspectRatio): number => {
    const [width, height] = PIXELS_AT_1K[ratio]
    return Math.abs(Math.log(width / height / (size.width / size.height)))
  }
  return allowed.reduce((best, ratio) => (distance(ratio) < distance(best) ? ratio : best))
}
