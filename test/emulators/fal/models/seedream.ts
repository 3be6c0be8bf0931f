import {
  FAL_TYPES,
  type FalModel,
  IMAGE_URLS,
  PROMPT,
  renkuSchema,
  SAFETY_CHECKER,
  SEED,
  SIZE_NAMES,
  SYNC_MODE,
} from '#test/emulators/fal/fal-model.ts'
import type { FieldRule, FieldRules, SizeLimits } from '#test/emulators/field-rules.ts'
import { FAL_SIZES } from '#test/emulators/pixel-tables.ts'
import type { NamedSizing } from '#test/emulators/sizing.ts'

const UP_TO_SIX: FieldRule = { type: 'integer', minimum: 1, maximum: 6, default: 1 }

/**
 * With `max_images` above one the model decides how many it makes of a generation, between one and that number. Here
 * the prompt decides, so that nobody relies on a number.
 */
const COMMON: FieldRules = {
  num_images: UP_TO_SIX,
  max_images: UP_TO_SIX,
  enable_safety_checker: SAFETY_CHECKER,
  sync_mode: SYNC_MODE,
}

const ENHANCE: FieldRule = { type: 'one_of', values: ['standard', 'fast'], default: 'standard' }

const SQUARE_2K = { width: 2_048, height: 2_048 }
const NAMES = {
  ...FAL_SIZES,
  auto_2K: SQUARE_2K,
  auto_3K: { width: 3_072, height: 3_072 },
  auto_4K: { width: 4_096, height: 4_096 },
}

const size = (autos: readonly string[], fallback: unknown, limits?: SizeLimits): FieldRule => ({
  type: 'size',
  names: [...SIZE_NAMES, ...autos],
  default: fallback,
  ...(limits ? { limits } : {}),
})

/** "Presently, up to 10 image inputs are allowed. If over 10 images are sent, only the last 10 will be used." */
const EDIT = {
  fields: { image_urls: { ...IMAGE_URLS, isRequired: true } },
  more: { usesPictures: { which: 'last', count: 10 }, maxPicturesInAll: 15 },
} as const

const MAX_4K_PIXELS = 4_096 * 4_096
const MIN_V4_PIXELS = 960 * 960
const MIN_2K_PIXELS = 2_560 * 1_440

const V4_AUTOS = ['auto', 'auto_2K', 'auto_4K']

const v4Sizing: NamedSizing = {
  by: 'image_size',
  names: NAMES,
  default: SQUARE_2K,
  auto: SQUARE_2K,
  scalesInto: { minPixels: MIN_V4_PIXELS, maxPixels: MAX_4K_PIXELS },
}

const v4: FalModel = {
  source: renkuSchema('bytedance-seedream-v4-text-to-image'),
  fields: {
    prompt: PROMPT,
    image_size: size(V4_AUTOS, SQUARE_2K, { minPixels: MIN_V4_PIXELS, maxPixels: MAX_4K_PIXELS }),
    ...COMMON,
    seed: SEED,
    enhance_prompt_mode: ENHANCE,
  },
  sizing: v4Sizing,
  extras: ['seed'],
  picture: 'ImageFile',
}

/** An edit scales a size that is too small up instead of refusing it. */
const v4Edit: FalModel = {
  ...v4,
  source: renkuSchema('bytedance-seedream-v4-edit'),
  fields: { ...v4.fields, image_size: size(V4_AUTOS, SQUARE_2K), ...EDIT.fields },
  ...EDIT.more,
}

/** What becomes of the six named sizes, all of which are below the limits, is on record nowhere: they are scaled up. */
const v45: FalModel = {
  ...v4,
  source: renkuSchema('bytedance-seedream-v4-5-text-to-image'),
  fields: {
    prompt: PROMPT,
    image_size: size(['auto_2K', 'auto_4K'], SQUARE_2K, {
      orSides: { min: 1_920, max: 4_096 },
      minPixels: MIN_2K_PIXELS,
      maxPixels: MAX_4K_PIXELS,
    }),
    ...COMMON,
    seed: SEED,
  },
  sizing: {
    ...v4Sizing,
    scalesInto: { minPixels: MIN_2K_PIXELS, maxPixels: MAX_4K_PIXELS },
  },
}

/** The client's types give its answer no seed. */
const v45Edit: FalModel = {
  ...v45,
  source: renkuSchema('bytedance-seedream-v4-5-edit'),
  fields: { ...v45.fields, ...EDIT.fields },
  extras: [],
  ...EDIT.more,
}

/** Sizes outside the limits "will be adjusted by scaling". */
const v5Lite: FalModel = {
  ...v4,
  source: FAL_TYPES,
  fields: {
    prompt: PROMPT,
    image_size: size(['auto_2K', 'auto_3K'], 'auto_2K'),
    ...COMMON,
  },
  sizing: {
    ...v4Sizing,
    default: 'auto_2K',
    scalesInto: { minPixels: MIN_2K_PIXELS, maxPixels: 3_072 * 3_072 },
  },
}

const v5LiteEdit: FalModel = {
  ...v5Lite,
  fields: { ...v5Lite.fields, ...EDIT.fields },
  usesPictures: EDIT.more.usesPictures,
}

/** The types of May 2026 have version 5 below `fal-ai/`, those of August without it. */
export const SEEDREAM_FAL: Readonly<Record<string, FalModel>> = {
  'fal-ai/bytedance/seedream/v4/text-to-image': v4,
  'fal-ai/bytedance/seedream/v4/edit': v4Edit,
  'fal-ai/bytedance/seedream/v4.5/text-to-image': v45,
  'fal-ai/bytedance/seedream/v4.5/edit': v45Edit,
  'bytedance/seedream/v5/lite/text-to-image': v5Lite,
  'bytedance/seedream/v5/lite/edit': v5LiteEdit,
  'fal-ai/bytedance/seedream/v5/lite/text-to-image': v5Lite,
  'fal-ai/bytedance/seedream/v5/lite/edit': v5LiteEdit,
}
