import {
  ACCELERATION,
  FAL_TYPES,
  type FalExtra,
  type FalModel,
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
import type { FieldRules } from '#test/emulators/field-rules.ts'
import { FAL_SIZES } from '#test/emulators/pixel-tables.ts'
import type { NamedSizing } from '#test/emulators/sizing.ts'

const SIZING: NamedSizing = { by: 'image_size', names: FAL_SIZES, default: 'landscape_4_3' }
const OWN_SIZE: NamedSizing = { ...SIZING, default: 'auto' }

const HOSTED: FieldRules = {
  seed: SEED,
  safety_tolerance: safetyTolerance(5, '2'),
  enable_safety_checker: SAFETY_CHECKER,
  output_format: outputFormat(['jpeg', 'png'], 'jpeg'),
  sync_mode: SYNC_MODE,
}

/** There is no `num_images`: a call makes one. */
const pro: FalModel = {
  source: FAL_TYPES,
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: SIZE_NAMES, default: 'landscape_4_3' },
    ...HOSTED,
  },
  sizing: SIZING,
  extras: ['seed'],
  picture: 'ImageFile',
  billedBy: 'megapixel',
}

/** How many images are taken is on record nowhere. */
const proEdit: FalModel = {
  ...pro,
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: ['auto', ...SIZE_NAMES], default: 'auto' },
    ...HOSTED,
    image_urls: { ...IMAGE_URLS, isRequired: true },
  },
  sizing: OWN_SIZE,
}

/** Both ranges are on record nowhere. */
const FLEX: FieldRules = {
  guidance_scale: { type: 'number', default: 3.5 },
  num_inference_steps: { type: 'integer', default: 28 },
}

const flex: FalModel = { ...pro, fields: { ...pro.fields, ...FLEX } }
const flexEdit: FalModel = { ...proEdit, fields: { ...proEdit.fields, ...FLEX } }

const OPEN_EXTRAS: readonly FalExtra[] = ['timings', 'seed', 'has_nsfw_concepts', 'prompt']

const OPEN: FieldRules = {
  num_images: UP_TO_FOUR,
  seed: SEED,
  enable_safety_checker: SAFETY_CHECKER,
  output_format: outputFormat(['jpeg', 'png', 'webp'], 'png'),
  sync_mode: SYNC_MODE,
}

const DEV: FieldRules = {
  ...OPEN,
  guidance_scale: { type: 'number', minimum: 0, maximum: 20, default: 2.5 },
  num_inference_steps: { type: 'integer', minimum: 4, maximum: 50, default: 28 },
  acceleration: { type: 'one_of', values: ACCELERATION, default: 'regular' },
  enable_prompt_expansion: { type: 'boolean', default: false },
}

/** Of the open FLUX.2: each side. */
const SIDES = { minSide: 512, maxSide: 2_048 }

const dev: FalModel = {
  source: renkuSchema('flux-2'),
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: SIZE_NAMES, limits: SIDES, default: 'landscape_4_3' },
    ...DEV,
  },
  sizing: SIZING,
  extras: OPEN_EXTRAS,
  picture: 'ImageFile',
  billedBy: 'megapixel',
}

/** "If more are provided, only the first 4 will be used." */
const devEdit: FalModel = {
  ...dev,
  source: renkuSchema('flux-2-edit'),
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: SIZE_NAMES, limits: SIDES },
    ...DEV,
    image_urls: { ...IMAGE_URLS, isRequired: true },
  },
  sizing: OWN_SIZE,
  usesPictures: { which: 'first', count: 4 },
}

const KLEIN: FieldRules = {
  ...OPEN,
  num_inference_steps: { type: 'integer', minimum: 4, maximum: 8, default: 4 },
}

/** The client's types of May 2026 gave it another model's input; its own page is followed. */
const klein: FalModel = {
  ...dev,
  source: { url: 'https://fal.ai/models/fal-ai/flux-2/klein/9b/llms.txt', checkedAt: '2026-11-21' },
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: SIZE_NAMES, default: 'landscape_4_3' },
    ...KLEIN,
  },
}

const kleinEdit: FalModel = {
  ...klein,
  source: FAL_TYPES,
  fields: {
    prompt: PROMPT,
    image_size: { type: 'size', names: SIZE_NAMES },
    ...KLEIN,
    image_urls: { ...IMAGE_URLS, isRequired: true, maxItems: 4 },
  },
  sizing: OWN_SIZE,
}

export const FLUX_2_FAL: Readonly<Record<string, FalModel>> = {
  'fal-ai/flux-2-pro': pro,
  'fal-ai/flux-2-pro/edit': proEdit,
  'fal-ai/flux-2-max': pro,
  'fal-ai/flux-2-max/edit': proEdit,
  'fal-ai/flux-2-flex': flex,
  'fal-ai/flux-2-flex/edit': flexEdit,
  'fal-ai/flux-2': dev,
  'fal-ai/flux-2/edit': devEdit,
  'fal-ai/flux-2/klein/9b': klein,
  'fal-ai/flux-2/klein/9b/edit': kleinEdit,
}
