import type { FieldRules } from '#test/emulators/field-rules.ts'
import { areaTable, GPT_IMAGE } from '#test/emulators/pixel-tables.ts'
import {
  choice,
  generatorPage,
  PROMPT,
  type ReplicateModel,
  whole,
} from '#test/emulators/replicate/replicate-model.ts'

/** How many images are taken is on record nowhere. */
const COMMON: FieldRules = {
  prompt: PROMPT,
  openai_api_key: { type: 'string' },
  input_images: { type: 'strings', isUri: true },
  number_of_images: whole(1, 10, 1),
  quality: choice(['low', 'medium', 'high', 'auto'], 'auto'),
  background: choice(['auto', 'transparent', 'opaque'], 'auto'),
  moderation: choice(['auto', 'low'], 'auto'),
  output_format: choice(['png', 'jpeg', 'webp'], 'webp'),
  output_compression: whole(0, 100, 90),
  user_id: { type: 'string' },
}

const one5: ReplicateModel = {
  source: generatorPage('openai/gpt-image-1.5', '2026-02-26'),
  fields: {
    ...COMMON,
    aspect_ratio: choice(Object.keys(GPT_IMAGE), '1:1'),
    input_fidelity: choice(['low', 'high'], 'low'),
  },
  sizing: { by: 'ratio', tables: { '1': GPT_IMAGE }, tier: '1', ratio: '1:1' },
  output: 'list',
  countField: 'number_of_images',
}

const SIZES_2 = [
  '1024x1024',
  '1536x1024',
  '1024x1536',
  '2048x2048',
  '2048x1152',
  '1152x2048',
  '3840x2160',
  '2160x3840',
]

/**
 * Five ratios and eight sizes in June 2026. A note of October tells of seven ratios without naming them: the two new
 * ones are not taken here. The pixels of 16:9 and 9:16 are on record nowhere.
 */
const two: ReplicateModel = {
  ...one5,
  source: generatorPage('openai/gpt-image-2', '2026-06-26'),
  fields: {
    ...COMMON,
    aspect_ratio: choice([...Object.keys(GPT_IMAGE), '16:9', '9:16', 'auto', ...SIZES_2], '1:1'),
  },
  sizing: {
    by: 'ratio',
    tables: { '1': { ...GPT_IMAGE, ...areaTable(['16:9', '9:16'], 1) } },
    tier: '1',
    ratio: '1:1',
  },
}

export const GPT_IMAGE_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'openai/gpt-image-1.5': one5,
  'openai/gpt-image-2': two,
}
