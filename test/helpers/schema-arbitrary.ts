import fc from 'fast-check'
import type { JsonObject, JsonValue } from '#src/domain/json.ts'

/** The keywords of JSON Schema that compiled parameter schemas are made of. */
interface ValueSchema {
  readonly type?: string
  readonly enum?: readonly JsonValue[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: ValueSchema
  readonly properties?: Readonly<Record<string, ValueSchema>>
}

/** Names that objects have from their prototype, and others that careless code stumbles over. */
const TREACHEROUS_NAMES = [
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
  'length',
  'aspectRatio',
  'num_images',
  'image_urls',
  'imageConfig',
  'response_modalities',
  'contents',
  'tools',
  'a.0.b',
  'a/b~c',
  'ünïcødé 🖼',
]

/** Any JSON, nested, with treacherous names and values of many types. */
export const anyJson: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<JsonValue>,
  fc.dictionary(fc.constantFrom(...TREACHEROUS_NAMES), fc.constantFrom<JsonValue>(null, 'x', 1), {
    maxKeys: 3,
  }),
  fc.constantFrom<JsonValue>('', 'auto', 'true', '1', 0, -1, 1.5, 1e300, true, false, null, [], {}),
)

const LEAST_INTEGER = -(2 ** 40)
const GREATEST_INTEGER = 2 ** 40

const text = ({ pattern, minLength = 0, maxLength }: ValueSchema): fc.Arbitrary<string> => {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern))
  const short = fc.string({ unit: 'binary', minLength, maxLength: minLength + 20 })
  // Limits count characters, of which an emoji is one.
  const longest = maxLength === undefined ? [] : ['x'.repeat(maxLength), '🖼'.repeat(maxLength)]
  return fc.oneof(
    { weight: 9, arbitrary: short },
    { weight: 3, arbitrary: fc.constantFrom('auto', 'hd', 'xhigh', 'x'.repeat(minLength || 1)) },
    ...longest.map((value) => ({ weight: 1, arbitrary: fc.constant(value) })),
  )
}

const number = (schema: ValueSchema): fc.Arbitrary<number> => {
  const { minimum: min = LEAST_INTEGER, maximum: max = GREATEST_INTEGER } = schema
  const inner =
    schema.type === 'integer' ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true })
  return fc.oneof(inner, fc.constantFrom(min, max))
}

const object = ({ properties }: ValueSchema): fc.Arbitrary<JsonValue> =>
  properties
    ? (fc.record(
        Object.fromEntries(
          Object.entries(properties).map(([name, each]) => [name, acceptedBy(each)]),
        ),
        { requiredKeys: [] },
      ) as fc.Arbitrary<JsonValue>)
    : fc.dictionary(fc.string(), anyJson, { maxKeys: 3 })

/** Values that a schema takes, at its limits too. */
export const acceptedBy = (schema: ValueSchema): fc.Arbitrary<JsonValue> => {
  if (schema.enum) return fc.constantFrom(...schema.enum)
  switch (schema.type) {
    case 'boolean':
      return fc.boolean()
    case 'integer':
    case 'number':
      return number(schema)
    case 'array': {
      const { items = {}, minItems: minLength = 0, maxItems: maxLength = 5 } = schema
      return fc.array(acceptedBy(items), { minLength, maxLength })
    }
    case 'object':
      return object(schema)
    case 'string':
      return text(schema)
    default:
      return anyJson
  }
}

/** Values just outside a schema's limits, or of a type that looks like the right one; some may be taken. */
const beside = (schema: ValueSchema): fc.Arbitrary<JsonValue> => {
  const { minimum, maximum, maxLength, minItems, maxItems } = schema
  const item = schema.items?.type === 'string' ? '' : 0
  return fc.constantFrom<JsonValue>(
    ...(minimum === undefined ? [] : [minimum - 1, minimum + 0.5, String(minimum)]),
    ...(maximum === undefined ? [] : [maximum + 1, maximum + 0.5, 1e300]),
    ...(maxLength === undefined ? [] : ['x'.repeat(maxLength + 1)]),
    ...(minItems === undefined ? [] : [Array(Math.max(0, minItems - 1)).fill(item)]),
    ...(maxItems === undefined ? [] : [Array(maxItems + 1).fill(item)]),
    ...(schema.enum ?? []).map((value) => `${String(value)} `),
    ...(schema.pattern === undefined ? [] : ['0:0', '1:0', '100000x1', '1x', 'Auto', '１:１']),
    '',
    'null',
    null,
  )
}

interface ObjectSchema extends ValueSchema {
  readonly required?: readonly string[]
}

const unknownParameters = fc.dictionary(
  fc.oneof(fc.constantFrom(...TREACHEROUS_NAMES), fc.string({ minLength: 1 })),
  anyJson,
  { maxKeys: 3 },
)

/** Few of the names or many: where many are given, most offerings have one that they cannot take. */
const someOf = (names: readonly string[]): fc.Arbitrary<string[]> =>
  fc.oneof(
    fc.subarray([...names], { maxLength: Math.min(4, names.length) }),
    fc.subarray([...names]),
  )

const recordOf = (
  { properties = {}, required = [] }: ObjectSchema,
  arbitraryOf: (schema: ValueSchema) => fc.Arbitrary<JsonValue>,
  names: readonly string[],
): fc.Arbitrary<JsonObject> =>
  fc
    .tuple(
      fc.record(
        Object.fromEntries(
          names.map((name) => [name, arbitraryOf(properties[name] as ValueSchema)]),
        ),
      ),
      someOf(names),
    )
    .map(([all, chosen]) =>
      Object.fromEntries(
        Object.entries(all).filter(([name]) => required.includes(name) || chosen.includes(name)),
      ),
    )

/**
 * Objects for an object schema, with unknown names among the known ones. `accepted`: each value is taken by its own
 * schema. `any`: about one value in five is not. Properties named in `without` are left out.
 */
export const objectsFor = (schema: ObjectSchema, without: readonly string[] = []) => {
  const declared = new Set(Object.keys(schema.properties ?? {}))
  const names = [...declared].filter((name) => !without.includes(name))
  const mixed = (each: ValueSchema) =>
    fc.oneof(
      { weight: 8, arbitrary: acceptedBy(each) },
      { weight: 1, arbitrary: beside(each) },
      { weight: 1, arbitrary: anyJson },
    )
  const withUnknown = (known: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> =>
    fc.tuple(unknownParameters, known).map(([given, rest]) => {
      const unknown = Object.entries(given).filter(([name]) => !declared.has(name))
      return { ...Object.fromEntries(unknown), ...rest }
    })
  return {
    accepted: withUnknown(recordOf(schema, acceptedBy, names)),
    any: withUnknown(recordOf({ ...schema, required: [] }, mixed, names)),
  }
}
