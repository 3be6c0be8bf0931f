import {
  ASPECT_RATIOS,
  type AspectRatio,
  type PictureSize,
  pictureSize,
  TEN_ASPECT_RATIOS,
} from '#test/emulators/picture-sizes.ts'
import { GEMINI_2_5, type PixelTable } from '#test/emulators/pixel-tables.ts'

/** What one Google image model takes and counts. */
export interface GoogleModel {
  /** `imageSize` values with the output tokens that one image of it costs; the 1K entry is the default. */
  readonly tokensBySize: Readonly<Record<string, number>>
  /** Whether `imageSize` may be given at all. */
  readonly hasImageSize: boolean
  readonly ratios: readonly AspectRatio[]
  /** Pixels of a ratio at 1K. Absent: those of the Gemini 3 family, which has more tiers. */
  readonly pixels?: PixelTable
  /** Empty: thinking cannot be controlled. */
  readonly thinkingLevels: readonly string[]
  /** Level used when none is given. */
  readonly defaultThinking: string
  readonly hasWebSearch: boolean
  readonly hasImageSearch: boolean
  readonly maxImages: number
}

const FLASH = {
  hasImageSize: true,
  ratios: ASPECT_RATIOS,
  thinkingLevels: ['MINIMAL', 'HIGH'],
  defaultThinking: 'MINIMAL',
  hasWebSearch: true,
  hasImageSearch: true,
  maxImages: 14,
} as const

/**
 * Living models only: the preview ids answer 404 since the summer of 2026
 * (https://ai.google.dev/gemini-api/docs/deprecations). Sizes, ratios and thinking from the image generation guide,
 * token counts from the Vertex model pages (https://ai.google.dev/gemini-api/docs/image-generation,
 * https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini/3-1-flash-image).
 */
export const GOOGLE_MODELS: Readonly<Record<string, GoogleModel>> = {
  'gemini-3.1-flash-image': {
    ...FLASH,
    tokensBySize: { '512': 747, '1K': 1120, '2K': 1680, '4K': 2520 },
  },
  'gemini-nano-banana-2.1': {
    ...FLASH,
    tokensBySize: { '1K': 1120, '2K': 1680, '4K': 3780 },
    thinkingLevels: ['MINIMAL', 'MEDIUM', 'HIGH'],
    defaultThinking: 'MEDIUM',
  },
  'gemini-3.1-flash-lite-image': {
    ...FLASH,
    tokensBySize: { '1K': 1120 },
    hasWebSearch: false,
    hasImageSearch: false,
  },
  'gemini-3-pro-image': {
    ...FLASH,
    tokensBySize: { '1K': 1120, '2K': 1120, '4K': 2000 },
    ratios: TEN_ASPECT_RATIOS,
    thinkingLevels: [],
    hasImageSearch: false,
  },
  'gemini-2.5-flash-image': {
    ...FLASH,
    tokensBySize: { '1K': 1290 },
    hasImageSize: false,
    ratios: TEN_ASPECT_RATIOS,
    pixels: GEMINI_2_5,
    thinkingLevels: [],
    hasWebSearch: false,
    hasImageSearch: false,
  },
}

/** The size of an image in pixels. */
export const googlePictureSize = (
  model: GoogleModel,
  ratio: AspectRatio,
  tier: string,
): PictureSize => model.pixels?.[ratio] ?? pictureSize(ratio, tier)
