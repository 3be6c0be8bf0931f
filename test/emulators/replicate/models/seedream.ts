import type { FieldRules } from '#test/emulators/field-rules.ts'
import { SEEDREAM_2K, SEEDREAM_4K, scaleTable } from '#test/emulators/pixel-tables.ts'
import {
  choice,
  flag,
  images,
  PROMPT,
  type ReplicateModel,
  renkuSchema,
  whole,
} from '#test/emulators/replicate/replicate-model.ts'
import type { RatioSizing } from '#test/emulators/sizing.ts'

/** 1K and 3K in proportion to 2K: their pixels are on record nowhere. */
const TABLES = {
  '1K': scaleTable(SEEDREAM_2K, 0.5),
  '2K': SEEDREAM_2K,
  '3K': scaleTable(SEEDREAM_2K, 1.5),
  '4K': SEEDREAM_4K,
}

const SIZING: RatioSizing = {
  by: 'ratio',
  tables: TABLES,
  tierField: 'size',
  tier: '2K',
  ratio: 'match_input_image',
}

/**
 * With `auto` the model decides how many images it makes, up to `max_images`. Here the prompt decides, so that nobody
 * relies on a number.
 */
const basics = (maxImages: number): FieldRules => ({
  prompt: PROMPT,
  image_input: images(maxImages),
  aspect_ratio: choice(['match_input_image', ...Object.keys(SEEDREAM_2K)], 'match_input_image'),
  sequential_image_generation: choice(['disabled', 'auto'], 'disabled'),
  max_images: whole(1, 15, 1),
})

const four: ReplicateModel = {
  source: renkuSchema('bytedance-seedream-4'),
  fields: {
    ...basics(10),
    size: choice(['1K', '2K', '4K', 'custom'], '2K'),
    width: whole(1_024, 4_096, 2_048),
    height: whole(1_024, 4_096, 2_048),
    enhance_prompt: flag(true),
  },
  sizing: { ...SIZING, custom: { multipleOf: 1, default: 2_048 } },
  output: 'list',
  // What 4 and 4.5 answer with is on record nowhere.
  format: 'jpeg',
  maxPicturesInAll: 15,
}

const four5: ReplicateModel = {
  ...four,
  source: renkuSchema('bytedance-seedream-4-5'),
  fields: { ...basics(14), size: choice(['2K', '4K'], '2K'), disable_safety_checker: flag(false) },
  sizing: SIZING,
}

const fiveLite: ReplicateModel = {
  ...four,
  source: renkuSchema('bytedance-seedream-5-lite'),
  fields: {
    ...basics(14),
    size: choice(['2K', '3K'], '2K'),
    output_format: choice(['png', 'jpeg'], 'png'),
  },
  sizing: SIZING,
}

export const SEEDREAM_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'bytedance/seedream-4': four,
  'bytedance/seedream-4.5': four5,
  'bytedance/seedream-5-lite': fiveLite,
}
