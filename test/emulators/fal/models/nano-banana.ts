import {
  FAL_TYPES,
  type FalModel,
  IMAGE_URLS,
  outputFormat,
  PROMPT,
  renkuSchema,
  SEED,
  SYNC_MODE,
  safetyTolerance,
  UP_TO_FOUR,
} from '#test/emulators/fal/fal-model.ts'
import type { FieldRule, FieldRules } from '#test/emulators/field-rules.ts'
import { ASPECT_RATIOS, TEN_ASPECT_RATIOS } from '#test/emulators/picture-sizes.ts'
import { GEMINI_2_5, geminiTable } from '#test/emulators/pixel-tables.ts'
import type { RatioSizing } from '#test/emulators/sizing.ts'

const ratio = (values: readonly string[], fallback: string): FieldRule => ({
  type: 'one_of',
  values,
  default: fallback,
})

const resolution = (...values: string[]): FieldRule => ({
  type: 'one_of',
  values,
  default: '1K',
})

const sizing = (ratios: readonly string[], tiers: readonly string[]): RatioSizing => ({
  by: 'ratio',
  tables: Object.fromEntries(tiers.map((tier) => [tier, geminiTable(tier, ratios)])),
  tierField: 'resolution',
  tier: '1K',
  ratio: 'auto',
  follows: 'last',
})

/** Shared by all of the family. */
const COMMON: FieldRules = {
  num_images: UP_TO_FOUR,
  output_format: outputFormat(['jpeg', 'png', 'webp'], 'png'),
  seed: SEED,
  safety_tolerance: safetyTolerance(6, '4'),
  limit_generations: { type: 'boolean' },
  sync_mode: SYNC_MODE,
}

const SEARCH_AND_SYSTEM: FieldRules = {
  enable_web_search: { type: 'boolean', default: false },
  system_prompt: { type: 'string' },
}

const TWO: FieldRules = {
  prompt: PROMPT,
  aspect_ratio: ratio(['auto', ...ASPECT_RATIOS], 'auto'),
  resolution: resolution('0.5K', '1K', '2K', '4K'),
  ...COMMON,
  ...SEARCH_AND_SYSTEM,
  thinking_level: { type: 'one_of', values: ['minimal', 'high'] },
}

const EXTRAS = { extras: ['description'], picture: 'ImageFile' } as const

/**
 * Price units relative to 1K. The header exists; that it counts in this way follows from the price list only
 * (https://fal.ai/models/fal-ai/nano-banana-2/llms.txt).
 */
const TWO_UNITS = { '0.5K': 0.75, '1K': 1, '2K': 1.5, '4K': 2 }

const two: FalModel = {
  ...EXTRAS,
  source: FAL_TYPES,
  fields: TWO,
  sizing: sizing(ASPECT_RATIOS, ['0.5K', '1K', '2K', '4K']),
  unitsByResolution: TWO_UNITS,
}

/** The number of images is the model's own limit; fal prints none. */
const twoEdit: FalModel = {
  ...two,
  fields: {
    ...TWO,
    image_urls: { ...IMAGE_URLS, maxItems: 14 },
    video_url: { type: 'string' },
    audio_url: { type: 'string' },
    pdf_url: { type: 'string' },
  },
  needsOneOf: ['image_urls', 'video_url', 'audio_url', 'pdf_url'],
}

/**
 * In no types file yet. That the fields which are not named in the news about it are those of Nano Banana 2 is
 * assumed.
 */
const twoOne: FalModel = {
  ...two,
  source: { url: 'https://fal.ai/models/google/nano-banana-2.1', checkedAt: '2026-10' },
  fields: {
    ...TWO,
    resolution: resolution('1K', '2K', '4K'),
    thinking_level: { type: 'one_of', values: ['minimal', 'medium', 'high'], default: 'medium' },
  },
  sizing: sizing(ASPECT_RATIOS, ['1K', '2K', '4K']),
}

/** Its page tells of prompt, count, seed and 14 ratios; the rest is what the family shares. */
const lite: FalModel = {
  ...EXTRAS,
  source: {
    url: 'https://fal.ai/models/google/nano-banana-lite/llms.txt',
    checkedAt: '2026-11-21',
  },
  fields: { prompt: PROMPT, aspect_ratio: ratio(['auto', ...ASPECT_RATIOS], 'auto'), ...COMMON },
  sizing: sizing(ASPECT_RATIOS, ['1K']),
}

const PRO: FieldRules = {
  prompt: { ...PROMPT, minLength: 3, maxLength: 50_000 },
  aspect_ratio: ratio(['auto', ...TEN_ASPECT_RATIOS], '1:1'),
  resolution: resolution('1K', '2K', '4K'),
  ...COMMON,
  ...SEARCH_AND_SYSTEM,
}

const pro: FalModel = {
  ...EXTRAS,
  source: renkuSchema('nano-banana-pro-edit'),
  fields: PRO,
  sizing: { ...sizing(TEN_ASPECT_RATIOS, ['1K', '2K', '4K']), ratio: '1:1' },
  unitsByResolution: { '1K': 1, '2K': 1, '4K': 2 },
}

const first: FalModel = {
  ...EXTRAS,
  source: {
    url: 'https://fal.ai/docs/model-api-reference/image-generation-api/nano-banana.md',
    checkedAt: '2026-11-21',
  },
  fields: { prompt: PROMPT, aspect_ratio: ratio(TEN_ASPECT_RATIOS, '1:1'), ...COMMON },
  sizing: { by: 'ratio', tables: { '1K': GEMINI_2_5 }, tier: '1K', ratio: '1:1', follows: 'last' },
}

/** The same endpoint with images, which it needs; without a ratio the last image decides. */
const editOf = (model: FalModel, ratios: readonly string[], maxImages?: number): FalModel => ({
  ...model,
  fields: {
    ...model.fields,
    aspect_ratio: ratio(['auto', ...ratios], 'auto'),
    image_urls: {
      ...IMAGE_URLS,
      isRequired: true,
      ...(maxImages === undefined ? {} : { maxItems: maxImages }),
    },
  },
  sizing: { ...model.sizing, ratio: 'auto' } as RatioSizing,
})

const liteEdit = editOf(lite, ASPECT_RATIOS)

/** Google's models at fal; the alias of the preview's name has the same schema. */
export const NANO_BANANA_FAL: Readonly<Record<string, FalModel>> = {
  'fal-ai/nano-banana-2': two,
  'fal-ai/nano-banana-2/edit': twoEdit,
  'fal-ai/gemini-3.1-flash-image-preview': two,
  'fal-ai/gemini-3.1-flash-image-preview/edit': twoEdit,
  'google/nano-banana-2.1': twoOne,
  'google/nano-banana-2.1/edit': editOf(twoOne, ASPECT_RATIOS, 14),
  'google/nano-banana-2-lite': lite,
  'google/nano-banana-2-lite/edit': liteEdit,
  'google/nano-banana-lite': lite,
  'google/nano-banana-lite/edit': liteEdit,
  'fal-ai/nano-banana-pro': pro,
  'fal-ai/nano-banana-pro/edit': editOf(pro, TEN_ASPECT_RATIOS, 14),
  'fal-ai/nano-banana': first,
  'fal-ai/nano-banana/edit': editOf(first, TEN_ASPECT_RATIOS),
}
