import { type TSchema, Type } from 'typebox'

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
