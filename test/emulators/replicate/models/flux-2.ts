import type { FieldRules } from '#test/emulators/field-rules.ts'
import { areaTable } from '#test/emulators/pixel-tables.ts'
import {
  choice,
  flag,
  fraction,
  images,
  PROMPT,
  type ReplicateModel,
  renkuSchema,
  SEED,
  versionPage,
  WEBP_JPG_PNG,
  whole,
} from '#test/emulators/replicate/replicate-model.ts'
import type { RatioSizing } from '#test/emulators/sizing.ts'

const RATIOS = ['1:1', '16:9', '3:2', '2:3', '4:5', '5:4', '9:16', '3:4', '4:3']
const MEGAPIXELS = { '0.5 MP': 0.5, '1 MP': 1, '2 MP': 2, '4 MP': 4 }

/**
 * "The maximum image size is 2048x2048"; the exact pixels of a ratio are on record nowhere. Nor is what `custom` makes
 * without its sides, which have no default in the schema: it fails.
 */
const MAX_SIDE = 2_048

const hostedSizing = (multipleOf: number): RatioSizing => ({
  by: 'ratio',
  tables: Object.fromEntries(
    Object.entries(MEGAPIXELS).map(([tier, megapixels]) => [
      tier,
      areaTable(RATIOS, megapixels, { maxSide: MAX_SIDE, multipleOf }),
    ]),
  ),
  tierField: 'resolution',
  tier: '1 MP',
  ratio: '1:1',
  keepsProportions: { multipleOf, maxSide: MAX_SIDE },
  custom: { multipleOf },
})

const hosted = (maxImages: number): FieldRules => ({
  prompt: PROMPT,
  input_images: images(maxImages),
  aspect_ratio: choice(['match_input_image', 'custom', ...RATIOS], '1:1'),
  resolution: choice(['match_input_image', ...Object.keys(MEGAPIXELS)], '1 MP'),
  width: whole(256, MAX_SIDE),
  height: whole(256, MAX_SIDE),
  safety_tolerance: whole(1, 5, 2),
  seed: SEED,
  output_format: choice(WEBP_JPG_PNG, 'webp'),
  output_quality: whole(0, 100, 80),
})

/** Rounds to 32 since the spring of 2026; the others of the family to 16. */
const pro: ReplicateModel = {
  source: renkuSchema('black-forest-labs-flux-2-pro'),
  fields: hosted(8),
  sizing: hostedSizing(32),
  output: 'string',
}

const max: ReplicateModel = {
  ...pro,
  source: renkuSchema('black-forest-labs-flux-2-max'),
  sizing: hostedSizing(16),
}

const flex: ReplicateModel = {
  ...max,
  source: renkuSchema('black-forest-labs-flux-2-flex'),
  fields: {
    ...hosted(10),
    prompt_upsampling: flag(true),
    steps: whole(1, 50, 30),
    guidance: fraction(1.5, 10, 4.5),
  },
}

const DEV_SIDE = 1_440

const dev: ReplicateModel = {
  source: versionPage(
    'black-forest-labs/flux-2-dev',
    '7bba46bdde863cfd7aaee87649a5aa49f39f368495dbea500998d1fcbb262050',
    '2026-11-21',
  ),
  fields: {
    prompt: PROMPT,
    input_images: images(4),
    go_fast: flag(true),
    aspect_ratio: choice(['match_input_image', 'custom', ...RATIOS], '1:1'),
    width: whole(256, DEV_SIDE),
    height: whole(256, DEV_SIDE),
    seed: SEED,
    output_format: choice(WEBP_JPG_PNG, 'webp'),
    output_quality: whole(0, 100, 80),
    disable_safety_checker: flag(false),
  },
  sizing: {
    by: 'ratio',
    tables: { '1': areaTable(RATIOS, 1, { maxSide: DEV_SIDE, multipleOf: 32 }) },
    tier: '1',
    ratio: '1:1',
    keepsProportions: { multipleOf: 32, maxSide: DEV_SIDE },
    custom: { multipleOf: 32 },
  },
  output: 'string',
}

const KLEIN_RATIOS = [
  '1:1',
  '16:9',
  '9:16',
  '3:2',
  '2:3',
  '4:3',
  '3:4',
  '5:4',
  '4:5',
  '21:9',
  '9:21',
]
const KLEIN_MEGAPIXELS = ['0.25', '0.5', '1', '2', '4']

const klein: ReplicateModel = {
  source: renkuSchema('black-forest-labs-flux-2-klein-9b'),
  fields: {
    prompt: PROMPT,
    images: images(5),
    aspect_ratio: choice([...KLEIN_RATIOS, 'match_input_image'], '1:1'),
    megapixels: choice(KLEIN_MEGAPIXELS, '1'),
    seed: SEED,
    go_fast: flag(true),
    output_format: choice(WEBP_JPG_PNG, 'jpg'),
    output_quality: whole(0, 100, 95),
    disable_safety_checker: flag(false),
  },
  sizing: {
    by: 'ratio',
    tables: Object.fromEntries(
      KLEIN_MEGAPIXELS.map((tier) => [tier, areaTable(KLEIN_RATIOS, Number(tier))]),
    ),
    tierField: 'megapixels',
    tier: '1',
    ratio: '1:1',
    keepsProportions: { multipleOf: 16, maxSide: 4_096 },
  },
  output: 'list',
}

export const FLUX_2_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'black-forest-labs/flux-2-pro': pro,
  'black-forest-labs/flux-2-max': max,
  'black-forest-labs/flux-2-flex': flex,
  'black-forest-labs/flux-2-dev': dev,
  'black-forest-labs/flux-2-klein-9b': klein,
}
