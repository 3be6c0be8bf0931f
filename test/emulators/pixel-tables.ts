import { ASPECT_RATIOS, type PictureSize, pictureSize } from './picture-sizes.ts'

/** Pixels by aspect ratio. */
export type PixelTable = Readonly<Record<string, PictureSize>>

type Sides = readonly [number, number]

const toTable = (sides: Readonly<Record<string, Sides>>): PixelTable =>
  Object.fromEntries(
    Object.entries(sides).map(([ratio, [width, height]]) => [ratio, { width, height }]),
  )

/** The same table with every side larger or smaller. */
export const scaleTable = (table: PixelTable, factor: number): PixelTable =>
  Object.fromEntries(
    Object.entries(table).map(([ratio, { width, height }]) => [
      ratio,
      { width: width * factor, height: height * factor },
    ]),
  )

/** The Gemini 3 image family at one of its tiers, for the given ratios. */
export const geminiTable = (tier: string, ratios: readonly string[] = ASPECT_RATIOS): PixelTable =>
  Object.fromEntries(
    ASPECT_RATIOS.filter((ratio) => ratios.includes(ratio)).map((ratio) => [
      ratio,
      pictureSize(ratio, tier),
    ]),
  )

/** Gemini 2.5 Flash Image, which has one tier (https://ai.google.dev/gemini-api/docs/image-generation). */
export const GEMINI_2_5: PixelTable = toTable({
  '1:1': [1024, 1024],
  '2:3': [832, 1248],
  '3:2': [1248, 832],
  '3:4': [864, 1184],
  '4:3': [1184, 864],
  '4:5': [896, 1152],
  '5:4': [1152, 896],
  '9:16': [768, 1344],
  '16:9': [1344, 768],
  '21:9': [1536, 672],
})

/** FLUX.1 schnell and dev at one megapixel (https://github.com/replicate/cog-flux, `ASPECT_RATIOS` in predict.py). */
export const FLUX_1: PixelTable = toTable({
  '1:1': [1024, 1024],
  '16:9': [1344, 768],
  '21:9': [1536, 640],
  '3:2': [1216, 832],
  '2:3': [832, 1216],
  '4:5': [896, 1088],
  '5:4': [1088, 896],
  '3:4': [896, 1152],
  '4:3': [1152, 896],
  '9:16': [768, 1344],
  '9:21': [640, 1536],
})

/**
 * Seedream at 2K and 4K: the sizes that ByteDance recommends, as several public clients list them. A log line of
 * Replicate's, "Generating 2304x1728 image with aspect ratio 4:3 at 2K resolution", agrees
 * (https://cloudernative.com/ai-models/model/bytedance/seedream-4, October 2025).
 */
export const SEEDREAM_2K: PixelTable = toTable({
  '1:1': [2048, 2048],
  '4:3': [2304, 1728],
  '3:4': [1728, 2304],
  '16:9': [2560, 1440],
  '9:16': [1440, 2560],
  '3:2': [2496, 1664],
  '2:3': [1664, 2496],
  '21:9': [3024, 1296],
})
export const SEEDREAM_4K: PixelTable = toTable({
  '1:1': [4096, 4096],
  '4:3': [4704, 3520],
  '3:4': [3520, 4704],
  '16:9': [5504, 3040],
  '9:16': [3040, 5504],
  '3:2': [4992, 3328],
  '2:3': [3328, 4992],
  '21:9': [6240, 2656],
})

/** Qwen-Image's native sizes (https://github.com/QwenLM/Qwen-Image, README.md). */
export const QWEN_IMAGE: PixelTable = toTable({
  '1:1': [1328, 1328],
  '16:9': [1664, 928],
  '9:16': [928, 1664],
  '4:3': [1472, 1104],
  '3:4': [1104, 1472],
  '3:2': [1584, 1056],
  '2:3': [1056, 1584],
})

/** The three sizes of GPT Image 1 and 1.5, which Replicate names by their ratios. */
export const GPT_IMAGE: PixelTable = toTable({
  '1:1': [1024, 1024],
  '3:2': [1536, 1024],
  '2:3': [1024, 1536],
})

/**
 * Recraft V4: its ratios and sizes are listed in the same order
 * (https://docs.scenario.com/get-started/generation/third-party-model-generation/third-party-model-generation-recraft-ai,
 * July 2026).
 */
export const RECRAFT_V4: PixelTable = toTable({
  '1:2': [768, 1536],
  '9:16': [768, 1344],
  '6:10': [832, 1344],
  '2:3': [832, 1280],
  '10:14': [896, 1280],
  '3:4': [896, 1216],
  '4:5': [896, 1152],
  '1:1': [1024, 1024],
  '5:4': [1152, 896],
  '4:3': [1216, 896],
  '14:10': [1280, 896],
  '3:2': [1280, 832],
  '16:9': [1344, 768],
  '2:1': [1536, 768],
})

/**
 * Ideogram 3: the one of its resolutions that lies nearest to each ratio at about one megapixel; which one the model
 * takes for a ratio is on record nowhere
 * (https://replicate.com/ideogram-ai/ideogram-v3-quality/versions/03944eb9/api lists both).
 */
export const IDEOGRAM_3: PixelTable = toTable({
  '1:3': [512, 1536],
  '3:1': [1536, 512],
  '1:2': [704, 1408],
  '2:1': [1408, 704],
  '9:16': [736, 1312],
  '16:9': [1312, 736],
  '10:16': [800, 1280],
  '16:10': [1280, 800],
  '2:3': [832, 1248],
  '3:2': [1248, 832],
  '3:4': [864, 1152],
  '4:3': [1152, 864],
  '4:5': [896, 1120],
  '5:4': [1120, 896],
  '1:1': [1024, 1024],
})

/** Sizes that fal gives names to. Its pages print no pixels; these are what public clients agree on. */
export const FAL_SIZES = {
  square_hd: { width: 1024, height: 1024 },
  square: { width: 512, height: 512 },
  portrait_4_3: { width: 768, height: 1024 },
  portrait_16_9: { width: 576, height: 1024 },
  landscape_4_3: { width: 1024, height: 768 },
  landscape_16_9: { width: 1024, height: 576 },
} as const satisfies PixelTable

/** Width divided by height of a ratio such as `19.5:9`. */
const proportionOf = (ratio: string): number => {
  const [width = 1, height = 1] = ratio.split(':').map(Number)
  return width / height
}

/** One megapixel as image models count it: 1024 by 1024. */
export const MEGAPIXEL = 1_024 * 1_024

export interface AreaOptions {
  /** Largest side in pixels. Absent: not limited. */
  readonly maxSide?: number
  /** Sides are rounded to multiples of this. Absent: 16. */
  readonly multipleOf?: number
}

/** The size of a proportion that has the wanted number of pixels, or fewer where a side would become too long. */
export const sizeOfArea = (
  proportion: number,
  pixels: number,
  { maxSide = Number.POSITIVE_INFINITY, multipleOf = 16 }: AreaOptions = {},
): PictureSize => {
  const width = Math.sqrt(pixels * proportion)
  const shrink = Math.min(1, maxSide / Math.max(width, width / proportion))
  const round = (side: number): number =>
    Math.max(multipleOf, Math.round((side * shrink) / multipleOf) * multipleOf)
  return { width: round(width), height: round(width / proportion) }
}

/** Computed sizes for models whose documents name ratios and megapixels, and no pixels. */
export const areaTable = (
  ratios: readonly string[],
  megapixels: number,
  options: AreaOptions = {},
): PixelTable =>
  Object.fromEntries(
    ratios.map((ratio) => [
      ratio,
      sizeOfArea(proportionOf(ratio), megapixels * MEGAPIXEL, options),
    ]),
  )

/** The entry that a picture is nearest to in proportion. */
export const nearestSize = (table: PixelTable, picture: PictureSize): PictureSize => {
  const distance = ({ width, height }: PictureSize): number =>
    Math.abs(Math.log(width / height / (picture.width / picture.height)))
  return Object.values(table).reduce((best, size) =>
    distance(size) < distance(best) ? size : best,
  )
}
