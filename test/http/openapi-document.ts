import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'

const ROOT = 'openapi.json'

/** Formats that the document uses, checked as far as they matter here. */
const FORMATS = {
  binary: true,
  uri: (text: string) => URL.canParse(text),
  date: /^\d{4}-\d\d-\d\d$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
} as const

/** Applies `change` to every object in a JSON value, the innermost first. */
const mapObjects = (value: JsonValue, change: (object: JsonObject) => JsonObject): JsonValue => {
  if (Array.isArray(value)) return value.map((entry) => mapObjects(entry, change))
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).map(([key, entry]) => [key, mapObjects(entry, change)])
  return change(Object.fromEntries(entries) as JsonObject)
}

/** A schema that also refuses what it does not name, so that nothing is answered that is not documented. */
const closed = (schema: JsonObject): JsonObject =>
  schema['type'] === 'object' &&
  schema['additionalProperties'] === undefined &&
  isJsonObject(schema['properties'])
    ? { ...schema, additionalProperties: false }
    : schema

/** Places in a document, as the tokens of a JSON pointer. */
type Place = readonly (string | number)[]

const pointerTo = (place: Place): string =>
  `${ROOT}#${place.map((token) => `/${encodeURIComponent(String(token).replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')}`

/** Compiles schemas of a document where they stand. `isClosed`: what they do not name is refused. */
export const createSchemaChecker = (document: JsonObject, { isClosed = false } = {}) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: FORMATS })
  ajv.addSchema(isClosed ? (mapObjects(document, closed) as JsonObject) : document, ROOT)
  const check: (place: Place) => ValidateFunction = (place) =>
    ajv.compile({ $ref: pointerTo(place) })
  return {
    /** What is wrong with a value by the schema at this place; empty: nothing. */
    problemsOf: (value: unknown, place: Place): readonly string[] => {
      const validate = check(place)
      validate(value)
      return (validate.errors ?? []).map(
        ({ instancePath, message, params }) =>
          `${instancePath} ${message} ${JSON.stringify(params)}`,
      )
    },
  }
}

const resolve = (document: JsonObject, place: Place): JsonValue | undefined =>
  place.reduce<JsonValue | undefined>(
    (value, token) => (value as Record<string, JsonValue> | undefined)?.[token],
    document,
  )

/** Follows a reference that stands instead of an object. */
const follow = (document: JsonObject, place: Place): Place => {
  const value = resolve(document, place)
  if (!isJsonObject(value) || typeof value['$ref'] !== 'string') return place
  return value['$ref'].slice('#/'.length).split('/')
}

/** Where the schema of an answer stands. Throws when the document does not know such an answer. */
export const schemaOfAnswer = (
  document: JsonObject,
  { path, method, status, type }: { path: string; method: string; status: number; type: string },
): Place => {
  const responses = ['paths', path, method, 'responses']
  const known = resolve(document, [...responses, String(status)])
  const place = [
    ...follow(document, [...responses, known ? String(status) : 'default']),
    'content',
    type,
    'schema',
  ]
  if (resolve(document, place) === undefined) {
    throw new Error(`${method} ${path} has no documented answer ${status} ${type}`)
  }
  return place
}

/** Every example of a document, with the place of the schema that it is of. */
export const examplesOf = (
  document: JsonObject,
): readonly { value: JsonValue; schema: Place }[] => {
  const found: { value: JsonValue; schema: Place }[] = []
  const visit = (value: JsonValue, place: Place): void => {
    if (Array.isArray(value))
      value.forEach((entry, index) => {
        visit(entry, [...place, index])
      })
    if (!isJsonObject(value)) return
    const { example, examples, schema } = value
    const holder = schema === undefined ? place : [...place, 'schema']
    const isOfName = place.at(-1) === 'properties'
    if (!isOfName && example !== undefined) found.push({ value: example, schema: holder })
    if (!isOfName && Array.isArray(examples)) {
      for (const each of examples) found.push({ value: each, schema: holder })
    } else if (!isOfName && isJsonObject(examples)) {
      for (const each of Object.values(examples)) {
        found.push({ value: (each as JsonObject)['value'] ?? null, schema: holder })
      }
      return
    }
    for (const [key, entry] of Object.entries(value)) {
      if (key !== 'example' && key !== 'examples') visit(entry, [...place, key])
    }
  }
  visit(document, [])
  return found
}
