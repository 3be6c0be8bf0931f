import type { FieldRule, FieldRules } from './field-rules.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** How a provider writes the two kinds of field that each writes in its own way. */
export interface SchemaStyle {
  /** The list of values of the named field. */
  choice(field: string, values: readonly string[]): JsonSchema
  /** Names of sizes beside width and height. */
  size(names: readonly string[]): JsonSchema
}

const present = (entries: Readonly<Record<string, unknown>>): JsonSchema =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined))

const uri = (isUri: boolean | undefined): JsonSchema => (isUri ? { format: 'uri' } : {})

/** Neither provider writes the largest number of list items into its schemas: it stands in the descriptions. */
const typeSchema = (field: string, rule: FieldRule, style: SchemaStyle): JsonSchema => {
  switch (rule.type) {
    case 'boolean':
      return { type: 'boolean' }
    case 'string': {
      const { minLength, maxLength, isUri } = rule
      return present({ type: 'string', minLength, maxLength, ...uri(isUri) })
    }
    case 'one_of':
      return style.choice(field, rule.values)
    case 'integer':
    case 'number': {
      const { type, minimum, maximum, above } = rule
      return present({ type, minimum, maximum, exclusiveMinimum: above })
    }
    case 'strings':
      return { type: 'array', items: { type: 'string', ...uri(rule.isUri) } }
    case 'numbers':
      return { type: 'array', items: { type: 'number' } }
    case 'object':
      return objectSchema(rule.fields, style)
    case 'objects':
      return { type: 'array', items: objectSchema(rule.fields, style) }
    case 'size':
      return style.size(rule.names)
  }
}

/** `num_images` → `Num Images`. */
export const titleOf = (field: string): string =>
  field
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ')

/** One property, with its title and its default. */
export const propertySchema = (field: string, rule: FieldRule, style: SchemaStyle): JsonSchema =>
  present({ ...typeSchema(field, rule, style), title: titleOf(field), default: rule.default })

/** The fields as a JSON Schema of an object. */
export const objectSchema = (fields: FieldRules, style: SchemaStyle): JsonSchema => ({
  type: 'object',
  properties: Object.fromEntries(
    Object.entries(fields).map(([field, rule]) => [field, propertySchema(field, rule, style)]),
  ),
  required: Object.keys(fields).filter((field) => fields[field]?.isRequired),
})
