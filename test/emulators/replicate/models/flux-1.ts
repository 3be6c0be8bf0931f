import type { FieldRules } from '#test/emulators/field-rules.ts'
import { areaTable, FLUX_1, scaleTable } from '#test/emulators/pixel-tables.ts'
import {
  choice,
  flag,
  fraction,
  generatorPage,
  IMAGE,
  PROMPT,
  type ReplicateModel,
  renkuSchema,
  SEED,
  versionPage,
  WEBP_JPG_PNG,
  whole,
} from '#test/emulators/replicate/replicate-model.ts'
import type { RatioSizing } from '#test/emulators/sizing.ts'

/** A quarter of a megapixel is half of each side. */
const OPEN_SIZING: RatioSizing = {
  by: 'ratio',
  tables: { '1': FLUX_1, '0.25': scaleTable(FLUX_1, 0.5) },
  tierField: 'megapixels',
  tier: '1',
  ratio: '1:1',
}

const OPEN: FieldRules = {
  prompt: PROMPT,
  aspect_ratio: choice(Object.keys(FLUX_1), '1:1'),
  num_outputs: whole(1, 4, 1),
  megapixels: choice(['1', '0.25'], '1'),
  seed: SEED,
  output_format: choice(WEBP_JPG_PNG, 'webp'),
  output_quality: whole(0, 100, 80),
  disable_safety_checker: flag(false),
  go_fast: flag(true),
}

const schnell: ReplicateModel = {
  source: generatorPage('black-forest-labs/flux-schnell', '2026-11-21'),
  fields: { ...OPEN, num_inference_steps: whole(1, 4, 4) },
  sizing: OPEN_SIZING,
  output: 'list',
  countField: 'num_outputs',
}

/** "The aspect ratio of your output will match this image." */
const dev: ReplicateModel = {
  ...schnell,
  source: generatorPage('black-forest-labs/flux-dev', '2026-11-21'),
  fields: {
    ...OPEN,
    num_inference_steps: whole(1, 50, 28),
    guidance: fraction(0, 10, 3),
    image: IMAGE,
    prompt_strength: fraction(0, 1, 0.8),
  },
  sizing: {
    ...OPEN_SIZING,
    ignoresRatioOfEdits: true,
    keepsProportions: { multipleOf: 16, maxSide: 1_440 },
  },
}

const PRO_RATIOS = ['1:1', '16:9', '3:2', '2:3', '4:5', '5:4', '9:16', '3:4', '4:3']

/**
 * Another version of the page has no `image_prompt` and a tolerance up to 5. The pixels of the ratios are on record
 * nowhere; one megapixel is taken.
 */
const pro11: ReplicateModel = {
  source: versionPage(
    'black-forest-labs/flux-1.1-pro',
    '96ccd0e758a1796926584ded2246369cdf8eb3d7c34475cf9c442be5e097d926',
    '2026-11-21',
  ),
  fields: {
    prompt: PROMPT,
    image_prompt: IMAGE,
    aspect_ratio: choice(['custom', ...PRO_RATIOS], '1:1'),
    width: whole(256, 1_440),
    height: whole(256, 1_440),
    safety_tolerance: whole(1, 6, 2),
    seed: SEED,
    prompt_upsampling: flag(false),
    output_format: choice(WEBP_JPG_PNG, 'webp'),
    output_quality: whole(0, 100, 80),
  },
  sizing: {
    by: 'ratio',
    tables: { '1': areaTable(PRO_RATIOS, 1, { maxSide: 1_440, multipleOf: 32 }) },
    tier: '1',
    ratio: '1:1',
    custom: { multipleOf: 32 },
  },
  output: 'string',
}

const KONTEXT_RATIOS = [
  '1:1',
  '16:9',
  '9:16',
  '4:3',
  '3:4',
  '3:2',
  '2:3',
  '4:5',
  '5:4',
  '21:9',
  '9:21',
  '2:1',
  '1:2',
]

/** "2 is currently the maximum allowed when input images are used." */
const kontext: ReplicateModel = {
  source: renkuSchema('black-forest-labs-flux-kontext-pro'),
  fields: {
    prompt: PROMPT,
    input_image: IMAGE,
    aspect_ratio: choice(['match_input_image', ...KONTEXT_RATIOS], 'match_input_image'),
    seed: SEED,
    output_format: choice(['jpg', 'png'], 'png'),
    safety_tolerance: whole(0, 6, 2),
    prompt_upsampling: flag(false),
  },
  sizing: {
    by: 'ratio',
    tables: { '1': areaTable(KONTEXT_RATIOS, 1) },
    tier: '1',
    ratio: 'match_input_image',
    keepsProportions: { multipleOf: 16, maxSide: 2_048 },
  },
  output: 'string',
  mostWithImages: { safety_tolerance: 2 },
}

/** Kontext max has the schema of Kontext pro. */
export const FLUX_1_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'black-forest-labs/flux-schnell': schnell,
  'black-forest-labs/flux-dev': dev,
  'black-forest-labs/flux-1.1-pro': pro11,
  'black-forest-labs/flux-kontext-pro': kontext,
  'black-forest-labs/flux-kontext-max': kontext,
}
