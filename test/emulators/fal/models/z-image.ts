import {
  ACCELERATION,
  type FalModel,
  IMAGE_URL,
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

const COMMON: FieldRules = {
  num_inference_steps: { type: 'integer', minimum: 1, maximum: 8, default: 8 },
  seed: SEED,
  num_images: UP_TO_FOUR,
  enable_safety_checker: SAFETY_CHECKER,
  output_format: outputFormat(['jpeg', 'png', 'webp'], 'png'),
  acceleration: { type: 'one_of', values: ACCELERATION, default: 'regular' },
  enable_prompt_expansion: { type: 'boolean', default: false },
  sync_mode: SYNC_MODE,
}

const fromText: FalModel = {
  source: renkuSchema('z-image-turbo'),
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: SIZE_NAMES, default: 'landscape_4_3' },
    ...COMMON,
  },
  sizing: { by: 'image_size', names: FAL_SIZES, default: 'landscape_4_3' },
  extras: ['timings', 'seed', 'has_nsfw_concepts', 'prompt'],
  picture: 'ImageFile',
  billedBy: 'megapixel',
}

const fromImage: FalModel = {
  ...fromText,
  source: renkuSchema('z-image-turbo-image-to-image'),
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: [...SIZE_NAMES, 'auto'], default: 'auto' },
    ...COMMON,
    image_url: { ...IMAGE_URL, isRequired: true },
    strength: { type: 'number', above: 0, maximum: 1, default: 0.6 },
  },
  sizing: { by: 'image_size', names: FAL_SIZES, default: 'auto' },
}

export const Z_IMAGE_FAL: Readonly<Record<string, FalModel>> = {
  'fal-ai/z-image/turbo': fromText,
  'fal-ai/z-image/turbo/image-to-image': fromImage,
}
