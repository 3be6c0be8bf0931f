import type { FieldRule, FieldRules } from '#test/emulators/field-rules.ts'
import type { ModelSource } from '#test/emulators/model-source.ts'
import type { PictureFormat } from '#test/emulators/picture.ts'
import type { Sizing } from '#test/emulators/sizing.ts'

/** One of Replicate's official models. */
export interface ReplicateModel {
  readonly source: ModelSource
  readonly fields: FieldRules
  readonly sizing: Sizing
  /** Whether `output` is one URL or a list of them. */
  readonly output: 'string' | 'list'
  /** The field with the number of images; absent: one image. */
  readonly countField?: string
  /** Format of models that cannot be asked for one. Absent: png. */
  readonly format?: PictureFormat
  /** Largest values that some fields may have as soon as there is an input image. */
  readonly mostWithImages?: Readonly<Record<string, number>>
  /** Fields that are of no use without one another. */
  readonly together?: readonly string[]
  /** Input and output pictures together. Absent: no limit is known. */
  readonly maxPicturesInAll?: number
}

/** A copy of Replicate's own schema of a model, captured from March to May 2026. */
export const renkuSchema = (file: string): ModelSource => ({
  url: `https://github.com/keremk/renku/blob/main/catalog/models/replicate/image/${file}.json`,
  checkedAt: '2026-05',
})

/** A page of another service that prints Replicate's schema of a model with all enums and ranges. */
export const generatorPage = (model: string, checkedAt: string): ModelSource => ({
  url: `https://cinemasetfree.com/guides/generators/${model}`,
  checkedAt,
})

/** Replicate's own page of a version of a model. */
export const versionPage = (model: string, version: string, checkedAt: string): ModelSource => ({
  url: `https://replicate.com/${model}/versions/${version}/api`,
  checkedAt,
})

export const PROMPT = { type: 'string', isRequired: true } as const satisfies FieldRule
export const SEED = { type: 'integer' } as const satisfies FieldRule
export const IMAGE = { type: 'string', isUri: true } as const satisfies FieldRule

/** A list of images. The limit stands in the description only; so does Replicate's own. */
export const images = (maxItems: number): FieldRule => ({
  type: 'strings',
  isUri: true,
  maxItems,
  default: [],
})

export const choice = (values: readonly string[], fallback: string): FieldRule => ({
  type: 'one_of',
  values,
  default: fallback,
})

export const flag = (fallback: boolean): FieldRule => ({ type: 'boolean', default: fallback })

export const whole = (minimum: number, maximum: number, fallback?: number): FieldRule => ({
  type: 'integer',
  minimum,
  maximum,
  ...(fallback === undefined ? {} : { default: fallback }),
})

export const fraction = (minimum: number, maximum: number, fallback: number): FieldRule => ({
  type: 'number',
  minimum,
  maximum,
  default: fallback,
})

export const WEBP_JPG_PNG = ['webp', 'jpg', 'png'] as const
