import {
  ACCELERATION,
  FAL_TYPES,
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
  UP_TO_FOUR,
} from '#test/emulators/fal/fal-model.ts'
import type { FieldRules } from '#test/emulators/field-rules.ts'
import { FAL_SIZES } from '#test/emulators/pixel-tables.ts'
import type { NamedSizing } from '#test/emulators/sizing.ts'

const SIZING: NamedSizing = { by: 'image_size', names: FAL_SIZES, default: 'landscape_4_3' }

/** The ranges of steps and guidance are on record nowhere. */
const BASE: FieldRules = {
  negative_prompt: { type: 'string', default: ' ' },
  num_inference_steps: { type: 'integer', default: 30 },
  guidance_scale: { type: 'number', default: 2.5 },
  seed: SEED,
  num_images: UP_TO_FOUR,
  enable_safety_checker: SAFETY_CHECKER,
  output_format: outputFormat(['jpeg', 'png'], 'png'),
  acceleration: { type: 'one_of', values: ACCELERATION, default: 'none' },
  sync_mode: SYNC_MODE,
  use_turbo: { type: 'boolean', default: false },
  loras: {
    type: 'objects',
    maxItems: 3,
    fields: {
      path: { type: 'string', isRequired: true },
      scale: { type: 'number', default: 1 },
      force: { type: 'boolean' },
    },
  },
}

const fromText: FalModel = {
  source: FAL_TYPES,
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: SIZE_NAMES, default: 'landscape_4_3' },
    ...BASE,
  },
  sizing: SIZING,
  extras: ['timings', 'seed', 'has_nsfw_concepts', 'prompt'],
  picture: 'Image',
  billedBy: 'megapixel',
}

const fromImage: FalModel = {
  ...fromText,
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: SIZE_NAMES },
    ...BASE,
    image_url: { ...IMAGE_URL, isRequired: true },
    strength: { type: 'number', minimum: 0, maximum: 1, default: 0.6 },
  },
  sizing: { ...SIZING, default: 'auto' },
}

/** How many images are taken is on record nowhere. */
const edit2511: FalModel = {
  ...fromText,
  source: renkuSchema('qwen-image-edit-2511'),
  fields: {
    prompt: PROMPT,
    negative_prompt: { type: 'string', default: '' },
    image_size: { type: 'size', names: SIZE_NAMES },
    image_urls: { ...IMAGE_URLS, isRequired: true },
    num_inference_steps: { type: 'integer', minimum: 1, maximum: 50, default: 28 },
    guidance_scale: { type: 'number', minimum: 1, maximum: 20, default: 4.5 },
    seed: SEED,
    num_images: UP_TO_FOUR,
    enable_safety_checker: SAFETY_CHECKER,
    output_format: outputFormat(['jpeg', 'png', 'webp'], 'png'),
    acceleration: { type: 'one_of', values: ACCELERATION, default: 'regular' },
    sync_mode: SYNC_MODE,
  },
  sizing: { ...SIZING, default: 'auto' },
}

export const QWEN_IMAGE_FAL: Readonly<Record<string, FalModel>> = {
  'fal-ai/qwen-image': fromText,
  'fal-ai/qwen-image/image-to-image': fromImage,
  'fal-ai/qwen-image-edit-2511': edit2511,
}
