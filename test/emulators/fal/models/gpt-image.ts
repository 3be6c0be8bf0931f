import {
  type FalModel,
  IMAGE_URL,
  IMAGE_URLS,
  outputFormat,
  PROMPT,
  renkuSchema,
  SIZE_NAMES,
  SYNC_MODE,
  UP_TO_FOUR,
} from '#test/emulators/fal/fal-model.ts'
import type { FieldRule, FieldRules, SizeLimits } from '#test/emulators/field-rules.ts'
import { FAL_SIZES } from '#test/emulators/pixel-tables.ts'
import type { NamedSizing } from '#test/emulators/sizing.ts'

const QUALITY: FieldRule = { type: 'one_of', values: ['low', 'medium', 'high'], default: 'high' }

const COMMON: FieldRules = {
  quality: QUALITY,
  num_images: UP_TO_FOUR,
  output_format: outputFormat(['jpeg', 'png', 'webp'], 'png'),
  sync_mode: SYNC_MODE,
}

const SIZES_15 = {
  '1024x1024': { width: 1_024, height: 1_024 },
  '1536x1024': { width: 1_536, height: 1_024 },
  '1024x1536': { width: 1_024, height: 1_536 },
}

const SIZING_15: NamedSizing = {
  by: 'image_size',
  names: SIZES_15,
  default: '1024x1024',
  isAutoOfNames: true,
}

const one5: FalModel = {
  source: renkuSchema('gpt-image-1-5'),
  fields: {
    prompt: { ...PROMPT, minLength: 2 },
    image_size: { type: 'one_of', values: Object.keys(SIZES_15), default: '1024x1024' },
    background: { type: 'one_of', values: ['auto', 'transparent', 'opaque'], default: 'auto' },
    ...COMMON,
  },
  sizing: SIZING_15,
  extras: [],
  picture: 'ImageFile',
}

const one5Edit: FalModel = {
  ...one5,
  source: renkuSchema('gpt-image-1-5-edit'),
  fields: {
    ...one5.fields,
    image_size: { type: 'one_of', values: ['auto', ...Object.keys(SIZES_15)], default: 'auto' },
    image_urls: { ...IMAGE_URLS, isRequired: true },
    input_fidelity: { type: 'one_of', values: ['low', 'high'], default: 'high' },
    mask_image_url: IMAGE_URL,
  },
  sizing: { ...SIZING_15, default: 'auto' },
}

const LIMITS_2: SizeLimits = {
  multipleOf: 16,
  maxSide: 3_840,
  maxRatio: 3,
  minPixels: 655_360,
  maxPixels: 8_294_400,
}

const PROMPT_2: FieldRule = { ...PROMPT, minLength: 2, maxLength: 32_000 }

/** The smallest named sizes lie below the limits for pixels; what becomes of them is on record nowhere. */
const two: FalModel = {
  ...one5,
  source: renkuSchema('openai-gpt-image-2'),
  fields: {
    prompt: PROMPT_2,
    image_size: { type: 'size', names: SIZE_NAMES, limits: LIMITS_2, default: 'landscape_4_3' },
    ...COMMON,
  },
  sizing: { by: 'image_size', names: FAL_SIZES, default: 'landscape_4_3' },
}

/** `auto` takes the size over from the images; the limits of a size of one's own are those of the other endpoint. */
const twoEdit: FalModel = {
  ...two,
  source: renkuSchema('openai-gpt-image-2-edit'),
  fields: {
    prompt: PROMPT_2,
    image_size: {
      type: 'size',
      names: [...SIZE_NAMES, 'auto'],
      limits: LIMITS_2,
      default: 'auto',
    },
    ...COMMON,
    image_urls: { ...IMAGE_URLS, isRequired: true },
    mask_url: IMAGE_URL,
  },
  sizing: { by: 'image_size', names: FAL_SIZES, default: 'auto' },
}

export const GPT_IMAGE_FAL: Readonly<Record<string, FalModel>> = {
  'fal-ai/gpt-image-1.5': one5,
  'fal-ai/gpt-image-1.5/edit': one5Edit,
  'openai/gpt-image-2': two,
  'openai/gpt-image-2/edit': twoEdit,
}
