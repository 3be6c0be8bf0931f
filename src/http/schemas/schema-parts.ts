import type { TSchema, TSchemaOptions } from 'typebox'
import { Type } from '#src/domain/schema-type.ts'

/** A part of the OpenAPI document that is written once, by its name among the components. */
export const componentOf = (name: string): TSchema =>
  Type.Unsafe({ $ref: `#/components/schemas/${name}` })

/** A component or null. */
export const componentOrNull = (name: string, options: TSchemaOptions = {}): TSchema =>
  Type.Unsafe({ ...options, anyOf: [{ $ref: `#/components/schemas/${name}` }, { type: 'null' }] })

export const oneOf = (values: readonly string[], description?: string): TSchema =>
  Type.Unsafe({ type: 'string', enum: [...values], ...(description && { description }) })

export const text = (description: string): TSchema => Type.String({ description })

export const texts = (description: string): TSchema => Type.Array(Type.String(), { description })

export const count = (description: string): TSchema => Type.Integer({ minimum: 0, description })

export const instant = (description: string): TSchema =>
  Type.String({ format: 'date-time', description })

/** The same, or null. */
export const orNull = (schema: TSchema): TSchema => {
  const { type } = schema as { readonly type?: string }
  return Type.Unsafe({ ...schema, type: [type, 'null'] })
}
