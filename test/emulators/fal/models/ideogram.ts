import {
  FAL_TYPES,
  type FalModel,
  IMAGE_URL,
  IMAGE_URLS,
  PROMPT,
  SEED,
  SIZE_NAMES,
  SYNC_MODE,
} from '#test/emulators/fal/fal-model.ts'
import type { FieldRules } from '#test/emulators/field-rules.ts'
import { FAL_SIZES } from '#test/emulators/pixel-tables.ts'
import type { NamedSizing } from '#test/emulators/sizing.ts'

const STYLE_PRESETS = [
  '80S_ILLUSTRATION',
  '90S_NOSTALGIA',
  'ABSTRACT_ORGANIC',
  'ANALOG_NOSTALGIA',
  'ART_BRUT',
  'ART_DECO',
  'ART_POSTER',
  'AURA',
  'AVANT_GARDE',
  'BAUHAUS',
  'BLUEPRINT',
  'BLURRY_MOTION',
  'BRIGHT_ART',
  'C4D_CARTOON',
  'CHILDRENS_BOOK',
  'COLLAGE',
  'COLORING_BOOK_I',
  'COLORING_BOOK_II',
  'CUBISM',
  'DARK_AURA',
  'DOODLE',
  'DOUBLE_EXPOSURE',
  'DRAMATIC_CINEMA',
  'EDITORIAL',
  'EMOTIONAL_MINIMAL',
  'ETHEREAL_PARTY',
  'EXPIRED_FILM',
  'FLAT_ART',
  'FLAT_VECTOR',
  'FOREST_REVERIE',
  'GEO_MINIMALIST',
  'GLASS_PRISM',
  'GOLDEN_HOUR',
  'GRAFFITI_I',
  'GRAFFITI_II',
  'HALFTONE_PRINT',
  'HIGH_CONTRAST',
  'HIPPIE_ERA',
  'ICONIC',
  'JAPANDI_FUSION',
  'JAZZY',
  'LONG_EXPOSURE',
  'MAGAZINE_EDITORIAL',
  'MINIMAL_ILLUSTRATION',
  'MIXED_MEDIA',
  'MONOCHROME',
  'NIGHTLIFE',
  'OIL_PAINTING',
  'OLD_CARTOONS',
  'PAINT_GESTURE',
  'POP_ART',
  'RETRO_ETCHING',
  'RIVIERA_POP',
  'SPOTLIGHT_80S',
  'STYLIZED_RED',
  'SURREAL_COLLAGE',
  'TRAVEL_POSTER',
  'VINTAGE_GEO',
  'VINTAGE_POSTER',
  'WATERCOLOR',
  'WEIRD',
  'WOODBLOCK_PRINT',
]

const PALETTES = ['EMBER', 'FRESH', 'JUNGLE', 'MAGIC', 'MELON', 'MOSAIC', 'PASTEL', 'ULTRAMARINE']

/**
 * Shared by the endpoints. `image_urls` are references of style. One to eight images, by
 * https://fal.ai/docs/model-api-reference/image-generation-api/ideogram-v3 (November 2026).
 */
const COMMON: FieldRules = {
  prompt: PROMPT,
  image_urls: IMAGE_URLS,
  rendering_speed: {
    type: 'one_of',
    values: ['TURBO', 'BALANCED', 'QUALITY'],
    default: 'BALANCED',
  },
  color_palette: {
    type: 'object',
    fields: {
      name: { type: 'one_of', values: PALETTES },
      members: {
        type: 'objects',
        fields: {
          rgb: {
            type: 'object',
            fields: { r: { type: 'integer' }, g: { type: 'integer' }, b: { type: 'integer' } },
            isRequired: true,
          },
          color_weight: { type: 'number' },
        },
      },
    },
  },
  style_codes: { type: 'strings' },
  expand_prompt: { type: 'boolean', default: true },
  num_images: { type: 'integer', minimum: 1, maximum: 8, default: 1 },
  seed: SEED,
  sync_mode: SYNC_MODE,
}

const STYLE: FieldRules = {
  style: { type: 'one_of', values: ['AUTO', 'GENERAL', 'REALISTIC', 'DESIGN'] },
  negative_prompt: { type: 'string', default: '' },
  image_size: { type: 'size', names: SIZE_NAMES, default: 'square_hd' },
}

const PRESET: FieldRules = { style_preset: { type: 'one_of', values: STYLE_PRESETS } }

const SIZING: NamedSizing = { by: 'image_size', names: FAL_SIZES, default: 'square_hd' }

const fromText: FalModel = {
  source: FAL_TYPES,
  fields: { ...COMMON, ...STYLE, ...PRESET },
  sizing: SIZING,
  extras: ['seed'],
  picture: 'File',
}

/** Paints over what a mask marks, and needs one of exactly the picture's size. */
const edit: FalModel = {
  ...fromText,
  fields: {
    ...COMMON,
    ...PRESET,
    image_url: { ...IMAGE_URL, isRequired: true },
    mask_url: { ...IMAGE_URL, isRequired: true },
  },
  sizing: { ...SIZING, default: 'auto' },
}

const remix: FalModel = {
  ...fromText,
  fields: {
    ...COMMON,
    ...STYLE,
    image_url: { ...IMAGE_URL, isRequired: true },
    strength: { type: 'number', default: 0.8 },
  },
}

export const IDEOGRAM_FAL: Readonly<Record<string, FalModel>> = {
  'fal-ai/ideogram/v3': fromText,
  'fal-ai/ideogram/v3/edit': edit,
  'fal-ai/ideogram/v3/remix': remix,
}
