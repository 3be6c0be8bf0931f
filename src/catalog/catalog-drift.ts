import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'
import type { Offering } from '#src/domain/offering.ts'
import type { PublishedModel } from '#src/domain/published-model.ts'
import type { Model } from './catalog.ts'
import { asTopField, type SentField, sentFields } from './sent-values.ts'

/** How a provider's schema and the catalogue are apart. */
export interface Drift {
  /**
   * - `gone`: the provider does not list the model
   * - `model`: the adapter could not work with it
   * - `field`: sent, but not in the schema
   * - `value`: sent, but not among those that are taken
   * - `range`: sent beyond what is taken: numbers, lengths, how many pictures
   * - `type`: sent as something else than is taken
   * - `required`: needed, but not always sent
   * - `more`: the provider takes more than the catalogue offers; no request fails for it
   */
  readonly kind: 'gone' | 'model' | 'field' | 'value' | 'range' | 'type' | 'required' | 'more'
  /** The provider's field; absent: it is about the model as a whole. */
  readonly field?: string
  /** For people, without a full stop. */
  readonly message: string
}

/** What fails no request. */
export const isNews = ({ kind }: Drift): boolean => kind === 'more'

const schemaOf = (input: JsonObject, field: string): JsonObject | undefined => {
  const parts = [input, ...alternativesOf(input)]
  return parts
    .map(({ properties }) => (isJsonObject(properties) ? properties[field] : undefined))
    .find(isJsonObject)
}

/** The parts that a schema is put together from, or has to choose from, all the way down. */
const alternativesOf = (schema: JsonObject): JsonObject[] =>
  [schema.allOf, schema.anyOf, schema.oneOf]
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .filter(isJsonObject)
    .flatMap((part) => [part, ...alternativesOf(part)])

const requiredOf = (input: JsonObject): string[] =>
  [input, ...[input.allOf].flat().filter(isJsonObject)].flatMap(({ required }) =>
    Array.isArray(required) ? required.map(String) : [],
  )

const LONGEST_SHOWN = 60

const shown = (value: JsonValue): string => {
  if (Array.isArray(value)) return `${value.length} picture(s)`
  const text = JSON.stringify(value)
  return text.length <= LONGEST_SHOWN ? text : `${String(value).length} characters`
}

const KINDS: Readonly<Record<string, Drift['kind']>> = {
  enum: 'value',
  const: 'value',
  pattern: 'value',
  multipleOf: 'value',
  type: 'type',
}

/** What a schema demands, in words: `minimum` 1 → "at least 1". */
const demandOf = ({ keyword, params, message = '' }: ErrorObject): string => {
  switch (keyword) {
    case 'enum':
      return (params['allowedValues'] as JsonValue[])
        .map((value) => JSON.stringify(value))
        .join(', ')
    case 'const':
      return JSON.stringify(params['allowedValue'])
    case 'type':
      return [params['type']].flat().join(' or ')
    default:
      return message.replace(/^must (be |NOT have |have |match )?/, (found) =>
        found.includes('NOT') ? 'not ' : '',
      )
  }
}

const check = (schema: JsonObject): ((value: JsonValue) => ErrorObject[]) => {
  const validate = new Ajv2020({
    allErrors: true,
    strict: false,
    validateSchema: false,
    validateFormats: false,
    logger: false,
  }).compile(schema)
  return (value) => (validate(value) ? [] : [...(validate.errors ?? [])])
}

/** Of the errors of a value the one to tell: not that no alternative fits, but why the nearest does not. */
const mainError = (errors: readonly ErrorObject[]): ErrorObject | undefined =>
  errors.find(({ keyword }) => !['anyOf', 'oneOf', 'allOf', 'type'].includes(keyword)) ?? errors[0]

/** What is wrong with the values of a field, all those together that are wrong for the same reason. */
const valueDrifts = (field: SentField, schema: JsonObject): Drift[] => {
  const validate = check(schema)
  const wrong = field.values.flatMap((value) => {
    const [, whole] = asTopField(field.path, value)
    const error = mainError(validate(whole))
    return error ? [{ value, error }] : []
  })
  const byReason = Map.groupBy(wrong, ({ error }) => `${error.keyword} ${error.schemaPath}`)
  return [...byReason.values()].flatMap((group) => {
    const [first] = group
    if (!first) return []
    const values = [...new Set(group.map(({ value }) => shown(value)))].join(', ')
    const kind = KINDS[first.error.keyword] ?? 'range'
    const message = `is sent ${values}; taken: ${demandOf(first.error)}`
    return [{ kind, field: field.path, message }]
  })
}

/** The schema of the field itself, where a path leads into an object. */
const schemaAt = (input: JsonObject, path: string): JsonObject | undefined =>
  path.split('.').reduce<JsonObject | undefined>((schema, key) => {
    if (!schema) return undefined
    if (!/^\d+$/.test(key)) return schemaOf(schema, key)
    return isJsonObject(schema.items) ? schema.items : undefined
  }, input)

/** Values that a field takes one of, and no other; empty: others too. */
const choicesOf = (schema: JsonObject): JsonValue[] =>
  [schema, ...alternativesOf(schema)].flatMap((part) => (Array.isArray(part.enum) ? part.enum : []))

/** The number that a keyword of the schema, or of one of its parts, sets. */
const limitOf = (schema: JsonObject, keyword: string): number | undefined => {
  const limits = [schema, ...alternativesOf(schema)].map((part) => part[keyword])
  return limits.find((limit) => typeof limit === 'number')
}

/** What a provider has that the model file's list lacks. Its default comes of saying nothing, and so does "auto". */
const news = ({ path, param, values, isListed }: SentField, schema: JsonObject): Drift[] => {
  const drift = (message: string): Drift => ({ kind: 'more', field: path, message })
  const sent = new Set(values.map((value) => JSON.stringify(value)))
  const fresh = isListed
    ? choicesOf(schema).filter(
        (value) =>
          value !== null &&
          value !== 'auto' &&
          value !== schema.default &&
          !sent.has(JSON.stringify(value)),
      )
    : []
  const most = Math.max(
    ...values.map((value) => (Array.isArray(value) ? value.length : Number(value))),
  )
  const limit = param === 'image' ? limitOf(schema, 'maxItems') : limitOf(schema, 'maximum')
  const isCount = param === 'image' || param === 'n'
  return [
    ...(fresh.length > 0 ? [drift(`takes ${fresh.map(shown).join(', ')}, too`)] : []),
    ...(isCount && limit !== undefined && limit > most
      ? [drift(`takes up to ${limit}; is sent up to ${most}`)]
      : []),
  ]
}

const fieldDrifts = (field: SentField, input: JsonObject): Drift[] => {
  const [top = ''] = field.path.split('.')
  const schema = schemaAt(input, field.path)
  const whole = schemaOf(input, top)
  if (!schema || !whole) {
    return [
      { kind: 'field', field: field.path, message: `is sent for ${field.param}, but is not known` },
    ]
  }
  return [...valueDrifts(field, whole), ...news(field, schema)]
}

const requiredDrifts = (fields: readonly SentField[], input: JsonObject): Drift[] => {
  const always = new Set(
    fields.flatMap(({ isAlways, path }) => (isAlways ? [path.split('.')[0]] : [])),
  )
  const sometimes = new Set(fields.map(({ path }) => path.split('.')[0]))
  return requiredOf(input)
    .filter((field) => !always.has(field) && schemaOf(input, field)?.default === undefined)
    .map((field) => ({
      kind: 'required',
      field,
      message: sometimes.has(field)
        ? 'is needed, but not always sent'
        : 'is needed, but never sent',
    }))
}

const inputDrifts = (model: Model, offering: Offering, input: JsonObject): Drift[] => {
  const all = offering.modes.flatMap((mode) => {
    const fields = sentFields(model, offering, mode)
    return [
      ...fields.flatMap((field) => fieldDrifts(field, input)),
      ...requiredDrifts(fields, input),
    ]
  })
  // The same in both modes is said once.
  return [...new Map(all.map((drift) => [`${drift.field} ${drift.message}`, drift])).values()]
}

const hasFields = (input: JsonObject): boolean =>
  [input, ...alternativesOf(input)].some(({ properties }) => isJsonObject(properties))

const NO_FIELDS: Drift = { kind: 'model', message: 'has a schema without any field' }

/**
 * How an offering and what its provider publishes of the model are apart. Pure. `undefined`: the provider has no such
 * model.
 */
export const findDrift = (
  model: Model,
  offering: Offering,
  published: PublishedModel | undefined,
): readonly Drift[] => {
  if (!published) return [{ kind: 'gone', message: 'is not among the provider’s models' }]
  const { input, problems } = published
  return [
    ...problems.map((message): Drift => ({ kind: 'model', message })),
    ...(input && !hasFields(input) ? [NO_FIELDS] : []),
    ...(input && hasFields(input) ? inputDrifts(model, offering, input) : []),
  ]
}
