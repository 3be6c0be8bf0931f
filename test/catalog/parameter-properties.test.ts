import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inPieces } from '#src/bytes/pieces.ts'
import type { Model } from '#src/catalog/catalog.ts'
import { mapParameters } from '#src/catalog/parameter-mapping.ts'
import { STANDARD_PARAMETERS } from '#src/catalog/standard-parameters.ts'
import { GatewayError } from '#src/domain/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue, withoutNulls } from '#src/domain/json.ts'
import type { MappingRule, ParameterMapping } from '#src/domain/mapping-rules.ts'
import { parsePixelSize } from '#src/domain/media.ts'
import type { Mode } from '#src/domain/model-card.ts'
import type { Offering } from '#src/domain/offering.ts'
import { checkRequest } from '#src/generation/check-request.ts'
import { readRoutingWishes } from '#src/http/routing-preferences.ts'
import { createWholeCatalog, FIRST_MODEL, imageRequest } from '#test/helpers/models.ts'
import { objectsFor } from '#test/helpers/schema-arbitrary.ts'

const { models } = await createWholeCatalog()

/** Every model in every mode, with how many examples of a property are tried: most of the first, which has most. */
const subjects = models.flatMap((model) =>
  model.card.modes.map(
    (mode) => [model.card.id, mode, model, model.card.id === FIRST_MODEL ? 1 : 0.05] as const,
  ),
)
const RUNS = 400

/** The schema as it is published: what a client can know. */
const publishedSchema = (of: Model, mode: Mode): JsonObject =>
  JSON.parse(JSON.stringify(of.parameters[mode]?.schema))

const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { binary: true } })

/** Parameters of the gateway itself, which are read before. */
const OWN = ['model', 'provider']

/** What the gateway makes of a body, its pictures being counted files. */
const problemOf = (model: Model, mode: Mode, body: JsonObject): unknown => {
  const { image, ...parameters } = withoutNulls(body)
  const images = Array.isArray(image) ? image.map(() => ({ bytes: inPieces([]) })) : []
  const part = {
    mode,
    parameters,
    images: images.map((each) => ({ ...each, format: 'png' as const })),
  }
  try {
    checkRequest(model, imageRequest(part))
    return undefined
  } catch (error) {
    return error
  }
}

/** The names that errors of a validation blame. */
const blamed = (errors: readonly ErrorObject[]): string[] =>
  errors.flatMap(({ instancePath, params, propertyName, schemaPath }) => [
    instancePath.split('/')[1] ?? '',
    String(params['missingProperty'] ?? ''),
    propertyName ?? '',
    schemaPath.includes('dependentSchemas') ? 'output_compression' : '',
  ])

/** Bodies of a mode whose pictures, where it has any, are a list of files. */
const bodiesOf = (model: Model, mode: Mode) => {
  const schema = publishedSchema(model, mode)
  const { accepted, any } = objectsFor(schema, [...OWN, 'image', 'mask'])
  if (mode === 'text_to_image') return { schema, accepted, any }
  const files = (minLength: number, maxLength: number) =>
    fc.array(fc.constant(''), { minLength, maxLength })
  const withFiles = (bodies: fc.Arbitrary<JsonObject>, images: fc.Arbitrary<string[]>) =>
    fc.tuple(bodies, images).map(([body, image]): JsonObject => ({ ...body, image }))
  const most = model.card.limits.maxInputImages
  return {
    schema,
    accepted: withFiles(accepted, files(1, most)),
    any: withFiles(any, files(0, most + 2)),
  }
}

describe.each(subjects)('the published schema of %s for %s', (_, mode, model, share) => {
  const { schema, accepted, any } = bodiesOf(model, mode)
  const validate = ajv.compile(schema)
  const isValid = (body: JsonObject) => validate({ model: model.card.id, ...withoutNulls(body) })

  it('is what requests are checked against: both accept the same, and a refusal names an offending field', () => {
    fc.assert(
      fc.property(any, (body) => {
        const problem = problemOf(model, mode, body)
        expect(problem === undefined).toBe(isValid(body))
        if (problem === undefined) return
        expect(problem).toBeInstanceOf(GatewayError)
        const { code, status, options } = problem as GatewayError
        expect([code, status]).toEqual(['INVALID_REQUEST', 400])
        const name = options.param?.replace(/\[\d+\]$/, '')
        expect(name).not.toBe('')
        expect(blamed(validate.errors ?? [])).toContain(name)
      }),
      { numRuns: 1_500 * share },
    )
  })

  it('accepts bodies of values that each parameter takes, but for a quality without a format and a prototype', () => {
    fc.assert(
      fc.property(accepted, (body) => {
        const { output_compression: quality, output_format: format } = body
        const isVain = quality !== undefined && ['png', 'gif'].includes(String(format))
        const isTreacherous = Object.hasOwn(body, '__proto__')
        expect(problemOf(model, mode, body) === undefined).toBe(!isVain && !isTreacherous)
      }),
      { numRuns: RUNS * share },
    )
  })
})

describe('the published schema of the routing field', () => {
  const [model] = models
  const schema = (publishedSchema(model as Model, 'text_to_image')['properties'] as JsonObject)[
    'provider'
  ] as JsonObject
  const validate = ajv.compile(schema)
  const { any } = objectsFor(schema)

  it('is what routing wishes are checked against', () => {
    fc.assert(
      fc.property(any, (field) => {
        const read = () => readRoutingWishes(field, {})
        if (validate(withoutNulls(field))) return void read()
        expect(read).toThrow(
          expect.objectContaining({
            code: 'INVALID_REQUEST',
            options: { param: expect.stringMatching(/^provider\./) },
          }),
        )
      }),
      { numRuns: RUNS },
    )
  })
})

const valueAt = (input: JsonValue | undefined, path: string): JsonValue | undefined =>
  path.split('.').reduce<JsonValue | undefined>((node, key) => {
    if (Array.isArray(node)) return node[Number(key)]
    return isJsonObject(node) && Object.hasOwn(node, key) ? node[key] : undefined
  }, input)

/** Whether everything of `wanted` is in `value`; objects may hold more. */
const includes = (value: JsonValue | undefined, wanted: JsonValue): boolean =>
  isJsonObject(wanted)
    ? isJsonObject(value) &&
      Object.entries(wanted).every(([name, entry]) => includes(value[name], entry))
    : JSON.stringify(value) === JSON.stringify(wanted)

/** Whether it is one of these values; objects at the same place are merged. */
const isMadeOf = (sent: JsonValue, values: readonly JsonValue[]): boolean =>
  isJsonObject(sent)
    ? Object.keys(sent).every((name) => values.some((value) => Object.hasOwn(Object(value), name)))
    : values.includes(sent)

const offeredValues = (rule: MappingRule): readonly JsonValue[] | undefined => {
  if (!('values' in rule) || rule.values === undefined) return undefined
  return Array.isArray(rule.values) ? rule.values : (Object.values(rule.values) as JsonValue[])
}

/** Whether a size of pixels decides this parameter, which is then ignored, as the API says. */
const isDecidedBySize = (name: string, { size }: JsonObject): boolean =>
  ['aspect_ratio', 'resolution'].includes(name) && parsePixelSize(String(size)) !== undefined

/** Whether the gateway does this itself, or nothing is asked for. */
const needsNothing = (rule: MappingRule | undefined, name: string, value: JsonValue): boolean => {
  const asksForNothing = STANDARD_PARAMETERS.get(name)?.asksForSomething(value) === false
  if (!rule || 'const' in rule || asksForNothing) return asksForNothing
  if (value === 'auto' && name !== 'prompt') return true
  if ('unsupported' in rule) return rule.unsupported === 'emulate'
  const isListed = offeredValues(rule) === undefined || isOffered(rule, value)
  if ('otherwise' in rule && !isListed) return ['emulate', 'omit'].includes(rule.otherwise ?? '')
  return name === 'n' || name === 'image'
}

const isOffered = (rule: MappingRule, value: JsonValue): boolean => {
  if (!('values' in rule) || rule.values === undefined) return false
  return Array.isArray(rule.values)
    ? rule.values.includes(String(value))
    : Object.hasOwn(rule.values, String(value))
}

/** Whether the value is in the input: as it is, converted, or as the nearest that there is. */
const isSent = (
  { rules }: ParameterMapping,
  input: JsonObject,
  name: string,
  value: JsonValue,
): boolean => {
  const rule = Object.hasOwn(rules, name) ? (rules[name] as MappingRule) : undefined
  if (!rule || 'const' in rule) return JSON.stringify(input[name]) === JSON.stringify(value)
  if ('split' in rule) return rule.split.some((target) => isSentSomehow(rules[target], input))
  if ('join' in rule) return isSentSomehow(rules[rule.join], input)
  if (!('to' in rule)) return false
  if (rule.codec) return isSentSomehow(rule, input)
  const table = rule.values
  const wanted = table && !Array.isArray(table) ? (table[String(value)] as JsonValue) : value
  // The provider does that anyway.
  return wanted === null || includes(valueAt(input, rule.to), wanted)
}

const isSentSomehow = (rule: MappingRule | undefined, input: JsonObject): boolean =>
  rule !== undefined &&
  'to' in rule &&
  (valueAt(input, rule.to) !== undefined || offeredValues(rule)?.includes(null) === true)

describe.each(subjects)('mapping what the schema of %s for %s accepts', (_, mode, model, share) => {
  const { accepted } = bodiesOf(model, mode)
  const parameters = accepted
    .filter((body) => problemOf(model, mode, body) === undefined)
    .map((body) => {
      const { image: _image, ...rest } = withoutNulls(body)
      return rest
    })
  const offering = fc.constantFrom(...model.offerings.filter(({ modes }) => modes.includes(mode)))
  const map = (to: Offering, given: JsonObject) => mapParameters(model.mappingOf(to), given)

  it('never throws, changes nothing that it is given, and sends only values that the offering has', () => {
    fc.assert(
      fc.property(offering, parameters, (to, given) => {
        const before = JSON.stringify(given)
        const { input } = map(to, given)
        expect(JSON.stringify(given)).toBe(before)
        for (const rule of Object.values(model.mappingOf(to).rules)) {
          const values = offeredValues(rule)
          if (!values || !('to' in rule)) continue
          const sent = valueAt(input, rule.to)
          const isIn = sent === undefined || isMadeOf(sent, values)
          expect([rule.to, sent, isIn]).toEqual([rule.to, sent, true])
        }
      }),
      { numRuns: RUNS * share },
    )
  })

  it('loses nothing in silence', () => {
    fc.assert(
      fc.property(offering, parameters, (to, given) => {
        const { input, warnings, excludedBy } = map(to, given)
        const mapping = model.mappingOf(to)
        if (excludedBy) {
          // What an offering is for can be missed by saying nothing, too.
          const missed = (mapping.onlyFor ?? []).flatMap(Object.keys)
          expect([...Object.keys(given), ...missed]).toContain(excludedBy.param)
          return
        }
        const lost = Object.entries(given).filter(([name, value]) => {
          const rule = Object.hasOwn(mapping.rules, name) ? mapping.rules[name] : undefined
          return !(
            warnings.some(({ param }) => param === name) ||
            needsNothing(rule, name, value) ||
            isDecidedBySize(name, given) ||
            isSent(mapping, input, name, value)
          )
        })
        expect(lost).toEqual([])
      }),
      { numRuns: 1_000 * share },
    )
  })
})
