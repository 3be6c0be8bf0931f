import type { TSchema } from 'typebox'
import { Type } from './schema-type.ts'

/** Parts that the schemas of model files have in common. */

export const strict = { additionalProperties: false }

/** Text that is not empty. */
export const text = (description: string) => Type.String({ minLength: 1, description })

export const texts = (description: string) =>
  Type.Array(Type.String({ minLength: 1 }), { description })

export const oneOf = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: [...values], description })

/** A day, such as `2026-11-20`. */
export const day = (description: string) =>
  Type.String({ pattern: String.raw`^\d{4}-\d{2}-\d{2}$`, description })

/** A value for each resolution tier that has one. */
export const byTier = <T extends TSchema>(value: T, description: string) =>
  Type.Object(
    {
      '0.5K': Type.Optional(value),
      '1K': Type.Optional(value),
      '2K': Type.Optional(value),
      '4K': Type.Optional(value),
    },
    { ...strict, description },
  )

/** What goes on behind an id under `/v1/models/{id}/`: an id that ends with it could not be told from it. */
const PATHS_OF_A_MODEL = 'llms\\.txt|providers|routing'

/** A part of a URL's path that is sent as it is written. */
const PATH_PART = String.raw`[^\u0000-\u0020\u007f?#%\\/]+`

const NAME_PATTERN = String.raw`(?!.*/(?:${PATHS_OF_A_MODEL})$)(?!(?:.*/)?\.{1,2}(?:/|$))${PATH_PART}(?:/${PATH_PART})*`

/** A name by which clients ask for a model, in bodies and in paths. */
export const modelName = (description: string, begin = '') =>
  Type.String({
    pattern: `^${begin}${NAME_PATTERN}$`,
    description: `${description}; no spaces, no ? # % \\, parts between single slashes, none at the end that is "llms.txt", "providers" or "routing"`,
  })
