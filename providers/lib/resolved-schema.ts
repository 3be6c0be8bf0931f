import { isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'

/** `#/components/schemas/Input` → that part of the document. */
const partAt = (document: JsonObject, reference: string): JsonValue | undefined =>
  reference
    .replace(/^#\//, '')
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<JsonValue | undefined>(
      (value, token) =>
        isJsonObject(value) && Object.hasOwn(value, token) ? value[token] : undefined,
      document,
    )

/** OpenAPI 3.0 says `exclusiveMinimum: true` beside a minimum, and `nullable: true` beside a type. */
const asOfToday = (schema: JsonObject): JsonObject => {
  const { nullable, exclusiveMinimum, exclusiveMaximum, ...rest } = schema
  const { type, minimum, maximum } = rest
  return {
    ...rest,
    ...(typeof exclusiveMinimum === 'number' && { exclusiveMinimum }),
    ...(typeof exclusiveMaximum === 'number' && { exclusiveMaximum }),
    ...(exclusiveMinimum === true && typeof minimum === 'number' && { exclusiveMinimum: minimum }),
    ...(exclusiveMaximum === true && typeof maximum === 'number' && { exclusiveMaximum: maximum }),
    ...(nullable === true && typeof type === 'string' && { type: [type, 'null'] }),
  }
}

/** What is resolved at the moment. */
interface Resolving {
  readonly document: JsonObject
  /** References on the way here: what refers to itself may be anything there. */
  readonly open: readonly string[]
}

const resolveAll = (schema: JsonObject, resolving: Resolving): JsonObject =>
  Object.fromEntries(Object.entries(schema).map(([key, entry]) => [key, resolve(entry, resolving)]))

/** What a reference means. */
const meaningOf = (reference: string, { document, open }: Resolving): JsonObject => {
  const meant = open.includes(reference) ? undefined : partAt(document, reference)
  const resolving = { document, open: [...open, reference] }
  return isJsonObject(meant) ? (resolve(meant, resolving) as JsonObject) : {}
}

const resolve = (value: JsonValue, resolving: Resolving): JsonValue => {
  if (Array.isArray(value)) return value.map((entry) => resolve(entry, resolving))
  if (!isJsonObject(value)) return value
  const { $ref, ...own } = value
  const meant = typeof $ref === 'string' ? meaningOf($ref, resolving) : {}
  return asOfToday({ ...meant, ...resolveAll(own, resolving) })
}

/**
 * The schema at `pointer` of an OpenAPI document, such as `#/components/schemas/Input`, as JSON Schema 2020-12 that stands
 * by itself. `undefined`: there is none.
 */
export const resolvedSchema = (document: JsonObject, pointer: string): JsonObject | undefined => {
  const part = partAt(document, pointer)
  return isJsonObject(part)
    ? (resolve(part, { document, open: [pointer] }) as JsonObject)
    : undefined
}

/** What a schema says of a property, whichever of its alternatives says it; `undefined`: none does. */
export const propertyOf = (schema: JsonValue | undefined, name: string): JsonObject | undefined => {
  if (!isJsonObject(schema)) return undefined
  const { properties } = schema
  const own = isJsonObject(properties) ? properties[name] : undefined
  if (isJsonObject(own)) return own
  const parts = [schema.allOf, schema.anyOf, schema.oneOf].flatMap((list) =>
    Array.isArray(list) ? list : [],
  )
  return parts.map((part) => propertyOf(part, name)).find((found) => found !== undefined)
}

/** Whether a value by this schema may be of the type; one without a type may be anything. */
export const mayBe = (schema: JsonValue | undefined, type: string): boolean => {
  if (!isJsonObject(schema)) return false
  const parts = [schema.anyOf, schema.oneOf].find(Array.isArray)
  if (parts !== undefined) return parts.some((part) => mayBe(part, type))
  if (Array.isArray(schema.allOf)) return schema.allOf.every((part) => mayBe(part, type))
  const { type: said } = schema
  return said === undefined || said === type || (Array.isArray(said) && said.includes(type))
}
