import type { FieldRules } from '#test/emulators/field-rules.ts'
import { ASPECT_RATIOS, TEN_ASPECT_RATIOS } from '#test/emulators/picture-sizes.ts'
import { GEMINI_2_5, geminiTable } from '#test/emulators/pixel-tables.ts'
import {
  choice,
  flag,
  images,
  PROMPT,
  type ReplicateModel,
  renkuSchema,
} from '#test/emulators/replicate/replicate-model.ts'
import type { RatioSizing } from '#test/emulators/sizing.ts'

const TIERS = ['1K', '2K', '4K']

const sizing = (ratios: readonly string[], tier: string): RatioSizing => ({
  by: 'ratio',
  tables: Object.fromEntries(TIERS.map((each) => [each, geminiTable(each, ratios)])),
  tierField: 'resolution',
  tier,
  ratio: 'match_input_image',
})

const FORMAT = choice(['jpg', 'png'], 'jpg')

const basics = (ratios: readonly string[]): FieldRules => ({
  prompt: PROMPT,
  image_input: images(14),
  aspect_ratio: choice(['match_input_image', ...ratios], 'match_input_image'),
})

const two: ReplicateModel = {
  source: renkuSchema('google-nano-banana-2'),
  fields: {
    ...basics(ASPECT_RATIOS),
    resolution: choice(TIERS, '1K'),
    google_search: flag(false),
    image_search: flag(false),
    output_format: FORMAT,
  },
  sizing: sizing(ASPECT_RATIOS, '1K'),
  output: 'string',
}

/** Its schema was read by nobody: all that is known is that there is an `image_input`. */
const lite: ReplicateModel = {
  ...two,
  source: { url: 'https://replicate.com/google/nano-banana-2-lite', checkedAt: '2026-10' },
  fields: { prompt: PROMPT, image_input: { type: 'strings', isUri: true } },
  format: 'jpeg',
}

/** `allow_fallback_model` would silently hand the work to another model. */
const pro: ReplicateModel = {
  ...two,
  source: renkuSchema('google-nano-banana-pro'),
  fields: {
    ...basics(TEN_ASPECT_RATIOS),
    resolution: choice(TIERS, '2K'),
    output_format: FORMAT,
    safety_filter_level: choice(
      ['block_low_and_above', 'block_medium_and_above', 'block_only_high'],
      'block_only_high',
    ),
    allow_fallback_model: flag(false),
  },
  sizing: sizing(TEN_ASPECT_RATIOS, '2K'),
}

/** "Supports multiple images"; how many is on record nowhere. */
const first: ReplicateModel = {
  ...two,
  source: renkuSchema('google-nano-banana'),
  fields: {
    ...basics(TEN_ASPECT_RATIOS),
    image_input: { type: 'strings', isUri: true, default: [] },
    output_format: FORMAT,
  },
  sizing: { by: 'ratio', tables: { '1K': GEMINI_2_5 }, tier: '1K', ratio: 'match_input_image' },
}

export const NANO_BANANA_REPLICATE: Readonly<Record<string, ReplicateModel>> = {
  'google/nano-banana-2': two,
  'google/nano-banana-2-lite': lite,
  'google/nano-banana-pro': pro,
  'google/nano-banana': first,
}
