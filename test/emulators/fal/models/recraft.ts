import {
  type FalModel,
  renkuSchema,
  SAFETY_CHECKER,
  SIZE_NAMES,
} from '#test/emulators/fal/fal-model.ts'
import type { FieldRule, FieldRules } from '#test/emulators/field-rules.ts'
import { FAL_SIZES } from '#test/emulators/pixel-tables.ts'

const CHANNEL: FieldRule = { type: 'integer', minimum: 0, maximum: 255, default: 0 }
const COLOUR: FieldRules = { r: CHANNEL, g: CHANNEL, b: CHANNEL }

/**
 * One image a call, no seed and no format to choose: its example is a WebP. Which pixels the named sizes become is on
 * record nowhere; fal's own are taken.
 */
export const RECRAFT_FAL: Readonly<Record<string, FalModel>> = {
  'fal-ai/recraft/v4/text-to-image': {
    source: renkuSchema('recraft-v4-text-to-image'),
    fields: {
      prompt: { type: 'string', isRequired: true, minLength: 1, maxLength: 10_000 },
      image_size: { type: 'size', names: SIZE_NAMES, default: 'square_hd' },
      colors: { type: 'objects', fields: COLOUR, default: [] },
      background_color: { type: 'object', fields: COLOUR },
      enable_safety_checker: SAFETY_CHECKER,
    },
    sizing: { by: 'image_size', names: FAL_SIZES, default: 'square_hd' },
    extras: [],
    picture: 'File',
    format: 'webp',
  },
}
