import type { FieldRule, FieldRules } from '#test/emulators/field-rules.ts'
import type { ModelSource } from '#test/emulators/model-source.ts'
import type { PictureFormat } from '#test/emulators/picture.ts'
import { FAL_SIZES } from '#test/emulators/pixel-tables.ts'
import type { Sizing } from '#test/emulators/sizing.ts'

/** What an answer of fal's may hold besides `images`. */
export type FalExtra =
  | 'description'
  | 'seed'
  | 'timings'
  | 'has_nsfw_concepts'
  | 'prompt'
  | 'revised_prompt'

/** One of fal's endpoints. */
export interface FalModel {
  readonly source: ModelSource
  readonly fields: FieldRules
  readonly sizing: Sizing
  readonly extras: readonly FalExtra[]
  /**
   * What an entry of `images` holds: `ImageFile` everything, `Image` no name and no bytes, `File` no width and no
   * height.
   */
  readonly picture: 'ImageFile' | 'Image' | 'File'
  /** Format of models that cannot be asked for one. Absent: png. */
  readonly format?: PictureFormat
  /** One of these fields is needed. Absent: whatever is needed is marked in `fields`. */
  readonly needsOneOf?: readonly string[]
  /** How many of the input pictures are looked at when there are more. Absent: all. */
  readonly usesPictures?: { readonly which: 'first' | 'last'; readonly count: number }
  /** Input and output pictures together. Absent: no limit is known. */
  readonly maxPicturesInAll?: number
  /** What the bill counts. Absent: images. */
  readonly billedBy?: 'megapixel'
  /** Units of an image by the value of `resolution`; absent: one. */
  readonly unitsByResolution?: Readonly<Record<string, number>>
}

/**
 * fal publishes its endpoints' types in its client (main of August 2026, and the npm package 1.10.1 of May 2026). They
 * tell names, enums and what is required; numeric ranges come from the pages named at each family.
 */
export const FAL_TYPES: ModelSource = {
  url: 'https://github.com/fal-ai/fal-js/blob/main/libs/client/src/types/endpoints.ts',
  checkedAt: '2026-08-02',
}

/** A copy of fal's own JSON Schema of an endpoint, ranges included, captured from March to May 2026. */
export const renkuSchema = (file: string): ModelSource => ({
  url: `https://github.com/keremk/renku/blob/main/catalog/models/fal-ai/image/${file}.json`,
  checkedAt: '2026-05',
})

export const PROMPT = { type: 'string', isRequired: true } as const satisfies FieldRule
export const SEED = { type: 'integer' } as const satisfies FieldRule
export const SYNC_MODE = { type: 'boolean', default: false } as const satisfies FieldRule
export const SAFETY_CHECKER = { type: 'boolean', default: true } as const satisfies FieldRule
export const UP_TO_FOUR = {
  type: 'integer',
  minimum: 1,
  maximum: 4,
  default: 1,
} as const satisfies FieldRule
export const ACCELERATION = ['none', 'regular', 'high'] as const
export const IMAGE_URL = { type: 'string', isUri: true } as const satisfies FieldRule
export const IMAGE_URLS = { type: 'strings', isUri: true } as const satisfies FieldRule

/** Safety levels, which fal takes as texts; 1 is the strictest. */
export const safetyTolerance = (levels: number, fallback: string): FieldRule => ({
  type: 'one_of',
  values: Array.from({ length: levels }, (_, index) => String(index + 1)),
  default: fallback,
})

/** The formats in fal's order, with the one that is used when none is asked for. */
export const outputFormat = (
  values: readonly ('jpeg' | 'png' | 'webp')[],
  fallback: 'jpeg' | 'png',
): FieldRule => ({ type: 'one_of', values, default: fallback })

/** Names of the six sizes. */
export const SIZE_NAMES = Object.keys(FAL_SIZES)
