import type { TSchema, Type as TypeBox } from 'typebox'

/** A JSON Schema that is being made. */
type Draft = Record<string, unknown>

/** What `Optional` was said of: objects do not require it. */
const optional = new WeakSet<object>()

const markOptional = (schema: Draft): Draft => {
  const copy = { ...schema }
  optional.add(copy)
  return copy
}

const plain =
  (type: string) =>
  (options: Draft = {}): Draft => ({ type, ...options })

const object = (properties: Record<string, Draft>, options: Draft = {}): Draft => {
  const required = Object.keys(properties).filter(
    (name) => !optional.has(properties[name] as Draft),
  )
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...options }
}

const builders = {
  Array: (items: Draft, options: Draft = {}): Draft => ({ type: 'array', items, ...options }),
  Boolean: plain('boolean'),
  Integer: plain('integer'),
  Literal: (value: unknown, options: Draft = {}): Draft => ({
    type: typeof value,
    const: value,
    ...options,
  }),
  Null: plain('null'),
  Number: plain('number'),
  Object: object,
  Optional: markOptional,
  /** All of an object's properties are optional, and of its own options none remains. */
  Partial: ({ properties }: { properties: Record<string, Draft> }, options?: Draft): Draft => {
    const entries = Object.entries(properties).map(([name, schema]) => [name, markOptional(schema)])
    return object(Object.fromEntries(entries), options)
  },
  Record: ({ pattern = '^.*$' }: Draft, values: Draft, options: Draft = {}): Draft => ({
    type: 'object',
    patternProperties: { [String(pattern)]: values },
    ...options,
  }),
  String: plain('string'),
  Union: (anyOf: readonly Draft[], options: Draft = {}): Draft => ({ anyOf, ...options }),
  Unknown: (options: Draft = {}): Draft => ({ ...options }),
  Unsafe: (schema: TSchema): Draft => ({ ...schema }),
}

/**
 * What is used of TypeBox, with its types: a schema is JSON Schema, and TypeScript knows what it lets through. The library
 * itself is not loaded for it: its 373 modules took 100 ms of a start.
 */
export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders>
