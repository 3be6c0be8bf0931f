import {
  ACCELERATION,
  FAL_TYPES,
  type FalExtra,
  type FalModel,
  IMAGE_URL,
  IMAGE_URLS,
  outputFormat,
  PROMPT,
  renkuSchema,
  SAFETY_CHECKER,
  SEED,
  SIZE_NAMES,
  SYNC_MODE,
  safetyTolerance,
  UP_TO_FOUR,
} from '#test/emulators/fal/fal-model.ts'
import type { FieldRule, FieldRules } from '#test/emulators/field-rules.ts'
import { areaTable, FAL_SIZES } from '#test/emulators/pixel-tables.ts'
import type { NamedSizing, RatioSizing } from '#test/emulators/sizing.ts'

const EXTRAS: readonly FalExtra[] = ['timings', 'seed', 'has_nsfw_concepts', 'prompt']

const SIZE: FieldRule = { type: 'size', names: SIZE_NAMES, default: 'landscape_4_3' }
const SIZING: NamedSizing = { by: 'image_size', names: FAL_SIZES, default: 'landscape_4_3' }

const GUIDANCE: FieldRule = { type: 'number', minimum: 1, maximum: 20, default: 3.5 }

const OPEN: FieldRules = {
  guidance_scale: GUIDANCE,
  seed: SEED,
  num_images: UP_TO_FOUR,
  enable_safety_checker: SAFETY_CHECKER,
  output_format: outputFormat(['jpeg', 'png'], 'jpeg'),
  acceleration: { type: 'one_of', values: ACCELERATION, default: 'none' },
  sync_mode: SYNC_MODE,
}

const dev: FalModel = {
  source: FAL_TYPES,
  fields: {
    prompt: PROMPT,
    image_size: SIZE,
    num_inference_steps: { type: 'integer', minimum: 1, maximum: 50, default: 28 },
    ...OPEN,
  },
  sizing: SIZING,
  extras: EXTRAS,
  picture: 'Image',
  billedBy: 'megapixel',
}

const schnell: FalModel = {
  ...dev,
  source: { url: 'https://fal.ai/models/fal-ai/flux-1/schnell/llms.txt', checkedAt: '2026-11-21' },
  fields: {
    ...dev.fields,
    num_inference_steps: { type: 'integer', minimum: 1, maximum: 12, default: 4 },
  },
}

/** Takes its size from the picture. The ranges of steps and strength are on record nowhere. */
const devFromImage: FalModel = {
  ...dev,
  fields: {
    prompt: PROMPT,
    image_url: { ...IMAGE_URL, isRequired: true },
    strength: { type: 'number', default: 0.95 },
    num_inference_steps: { type: 'integer', default: 40 },
    ...OPEN,
  },
  sizing: { ...SIZING, default: 'auto' },
}

const PRO: FieldRules = {
  seed: SEED,
  num_images: UP_TO_FOUR,
  output_format: outputFormat(['jpeg', 'png'], 'jpeg'),
  safety_tolerance: safetyTolerance(6, '2'),
  enhance_prompt: { type: 'boolean', default: false },
  sync_mode: SYNC_MODE,
}

const pro11: FalModel = {
  ...dev,
  fields: { prompt: PROMPT, image_size: SIZE, ...PRO },
}

const KONTEXT_RATIOS = ['21:9', '16:9', '4:3', '3:2', '1:1', '2:3', '3:4', '9:16', '9:21']

/** About one megapixel in every ratio; the exact pixels are on record nowhere. */
const KONTEXT_SIZING: RatioSizing = {
  by: 'ratio',
  tables: { '1 MP': areaTable(KONTEXT_RATIOS, 1) },
  tier: '1 MP',
  ratio: 'match_input_image',
  keepsProportions: { multipleOf: 16, maxSide: 2_048 },
}

const KONTEXT: FieldRules = { prompt: PROMPT, guidance_scale: GUIDANCE, ...PRO }

const kontext: FalModel = {
  source: renkuSchema('flux-pro-kontext'),
  fields: {
    ...KONTEXT,
    aspect_ratio: { type: 'one_of', values: KONTEXT_RATIOS },
    image_url: { ...IMAGE_URL, isRequired: true },
  },
  sizing: KONTEXT_SIZING,
  extras: EXTRAS,
  picture: 'ImageFile',
}

const kontextMulti: FalModel = {
  ...kontext,
  source: FAL_TYPES,
  fields: {
    ...KONTEXT,
    aspect_ratio: { type: 'one_of', values: KONTEXT_RATIOS },
    image_urls: { ...IMAGE_URLS, isRequired: true },
  },
  picture: 'Image',
}

const kontextFromText: FalModel = {
  ...kontext,
  source: renkuSchema('flux-pro-kontext-text-to-image'),
  fields: {
    ...KONTEXT,
    aspect_ratio: { type: 'one_of', values: KONTEXT_RATIOS, default: '1:1' },
  },
  picture: 'Image',
}

/**
 * FLUX.1 at fal. Kontext's page prints one to four images and a guidance of 1 to 20; for the others no page with
 * ranges was found, and the same are assumed.
 */
export const FLUX_1_FAL: Readonly<Record<string, FalModel>> = {
  'fal-ai/flux/schnell': schnell,
  'fal-ai/flux/dev': dev,
  'fal-ai/flux/dev/image-to-image': devFromImage,
  'fal-ai/flux-pro/v1.1': pro11,
  'fal-ai/flux-pro/kontext': kontext,
  'fal-ai/flux-pro/kontext/multi': kontextMulti,
  'fal-ai/flux-pro/kontext/text-to-image': kontextFromText,
  'fal-ai/flux-pro/kontext/max': kontext,
  'fal-ai/flux-pro/kontext/max/multi': kontextMulti,
  'fal-ai/flux-pro/kontext/max/text-to-image': kontextFromText,
}
