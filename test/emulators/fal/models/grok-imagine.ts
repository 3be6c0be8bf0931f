import {
  FAL_TYPES,
  type FalModel,
  IMAGE_URLS,
  outputFormat,
  renkuSchema,
  SYNC_MODE,
  UP_TO_FOUR,
} from '#test/emulators/fal/fal-model.ts'
import type { FieldRules } from '#test/emulators/field-rules.ts'
import { areaTable } from '#test/emulators/pixel-tables.ts'
import type { RatioSizing } from '#test/emulators/sizing.ts'

const RATIOS = [
  '2:1',
  '20:9',
  '19.5:9',
  '16:9',
  '4:3',
  '3:2',
  '1:1',
  '2:3',
  '3:4',
  '9:16',
  '9:19.5',
  '9:20',
  '1:2',
]

/** One and four megapixels; the exact pixels are on record nowhere. */
const SIZING: RatioSizing = {
  by: 'ratio',
  tables: { '1k': areaTable(RATIOS, 1), '2k': areaTable(RATIOS, 4) },
  tierField: 'resolution',
  tier: '1k',
  ratio: '1:1',
}

const COMMON: FieldRules = {
  prompt: { type: 'string', isRequired: true, maxLength: 8_000 },
  num_images: UP_TO_FOUR,
  output_format: outputFormat(['jpeg', 'png', 'webp'], 'jpeg'),
  resolution: { type: 'one_of', values: ['1k', '2k'], default: '1k' },
  sync_mode: SYNC_MODE,
}

const fromText: FalModel = {
  source: renkuSchema('xai-grok-imagine-image'),
  fields: { ...COMMON, aspect_ratio: { type: 'one_of', values: RATIOS, default: '1:1' } },
  sizing: SIZING,
  extras: ['revised_prompt'],
  picture: 'ImageFile',
}

/** Has no ratio: the picture's proportions are kept. The schema does not ask for images. */
const edit: FalModel = {
  ...fromText,
  source: FAL_TYPES,
  fields: { ...COMMON, image_urls: { ...IMAGE_URLS, maxItems: 3 } },
  sizing: {
    ...SIZING,
    ratio: 'match_input_image',
    keepsProportions: { multipleOf: 16, maxSide: 4_096 },
  },
}

export const GROK_IMAGINE_FAL: Readonly<Record<string, FalModel>> = {
  'xai/grok-imagine-image': fromText,
  'xai/grok-imagine-image/edit': edit,
}
