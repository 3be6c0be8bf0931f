import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { type GatewayError, invalidRequest } from '#src/domain/errors.ts'
import { RoutingFieldSchema } from '#src/domain/image-request.ts'
import type { JsonObject, JsonValue } from '#src/domain/json.ts'
import type { MappingRule } from '#src/domain/mapping-rules.ts'
import type { CardParameter, Mode } from '#src/domain/model-card.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import type { Offering } from '#src/domain/offering.ts'
import { OWN_SCHEMA } from '#src/domain/own-schema.ts'
import { STANDARD_PARAMETERS } from './standard-parameters.ts'

/** What becomes of a parameter at one offering. */
type Handling = 'native' | 'renamed' | 'converted' | 'emulated' | 'ignored'

/** A model's parameters in one mode: the published schema and the check by that very schema. */
export interface CompiledParameters {
  /** JSON Schema 2020-12 with the annotations of the contract. */
  readonly schema: JsonObject
  /** The first problem as a 400 that names the field, or `undefined`. */
  validate(parameters: Readonly<Record<string, unknown>>): GatewayError | undefined
}

const handlingOf = (name: string, rule: MappingRule): Handling | 'absent' => {
  if ('unsupported' in rule) {
    if (rule.unsupported === 'exclude') return 'absent'
    return rule.unsupported === 'emulate' ? 'emulated' : 'ignored'
  }
  if ('split' in rule || 'join' in rule || 'const' in rule) return 'converted'
  const isSameValue = !rule.codec && (rule.values === undefined || Array.isArray(rule.values))
  if (!isSameValue) return 'converted'
  return rule.to.replace('[]', '') === name ? 'native' : 'renamed'
}

/** Provider → handling, offerings of one provider taken together; providers that lack the parameter are left out. */
const handlingByProvider = (
  name: string,
  file: ModelFile,
  offerings: readonly Offering[],
): Record<string, Handling> => {
  const result: Record<string, Handling> = {}
  for (const offering of offerings) {
    const rule = file.mappings[offering.mapping]?.rules[name]
    const handling = rule ? handlingOf(name, rule) : 'absent'
    if (handling !== 'absent') result[offering.provider] = handling
  }
  return result
}

const COPIED_KEYWORDS = [
  'enum',
  'pattern',
  'default',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
] as const

const FILE = { type: 'string', format: 'binary' }

const valueSchema = (name: string, parameter: CardParameter): JsonObject => {
  if (parameter.type === 'file' && name === 'mask') return { ...FILE, 'x-kind': 'file' }
  if (parameter.type === 'file') {
    return {
      type: 'array',
      items: FILE,
      minItems: parameter.minItems ?? 1,
      maxItems: parameter.maxItems ?? 1,
      'x-kind': 'file',
    }
  }
  const schema: JsonObject = { type: parameter.type }
  for (const keyword of COPIED_KEYWORDS) {
    const value = parameter[keyword]
    if (value !== undefined) schema[keyword] = value as JsonValue
  }
  return schema
}

const propertySchema = (
  name: string,
  parameter: CardParameter,
  file: ModelFile,
  offerings: readonly Offering[],
): JsonObject => {
  const handling = handlingByProvider(name, file, offerings)
  const providers = Object.keys(handling)
  const allProviders = new Set(offerings.map((offering) => offering.provider))
  return {
    ...valueSchema(name, parameter),
    description: parameter.description,
    'x-group': parameter.group,
    'x-handling': handling,
    ...(providers.length < allProviders.size && { 'x-providers': providers }),
  }
}

/** Pictures besides the input images; a model that can use one declares it. */
const EXTRA_PICTURES = ['mask', 'markup']

/** Where a JSON edit names its pictures: a generation would be paid for without them. */
const EDIT_REFERENCES = ['images', 'image_url']

/**
 * Names that would be lost on this mode: parameters of another one, pictures that the model cannot use, and the one name
 * that sets no field of an object but its prototype.
 */
const refusedNames = ({ card }: ModelFile, mode: Mode): string[] => [
  ...Object.entries(card.parameters)
    .filter(([, { modes }]) => !modes.includes(mode))
    .map(([name]) => name),
  '__proto__',
  ...(mode === 'text_to_image' ? EDIT_REFERENCES : []),
  ...EXTRA_PICTURES.filter((name) => !Object.hasOwn(card.parameters, name)),
]

/** An encoder quality makes sense for these formats only; which one a provider gives unasked is not known before. */
const COMPRESSION_NEEDS = {
  dependentSchemas: {
    output_compression: { properties: { output_format: { enum: ['jpeg', 'webp', 'avif'] } } },
  },
}

/** The schema of one mode, from the card and the offerings that have that mode. */
const compileSchema = (file: ModelFile, mode: Mode): JsonObject => {
  const offerings = file.offerings.filter((offering) => offering.modes.includes(mode))
  const declared = Object.entries(file.card.parameters).filter(([, parameter]) =>
    parameter.modes.includes(mode),
  )
  const properties: JsonObject = {
    model: {
      type: 'string',
      description: 'Model id, alias or provider/model.',
      'x-group': 'core',
    },
  }
  for (const [name, parameter] of declared) {
    properties[name] = propertySchema(name, parameter, file, offerings)
  }
  const routing = RoutingFieldSchema as unknown as JsonObject
  properties['provider'] = { ...routing, 'x-group': 'additional' }
  const ignored = Object.fromEntries(offerings.map(({ provider }) => [provider, 'ignored']))
  for (const [name, { schema, description }] of STANDARD_PARAMETERS) {
    properties[name] ??= {
      ...schema,
      description,
      'x-group': 'additional',
      'x-handling': { ...ignored },
    }
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `${file.card.name}: ${mode}`,
    type: 'object',
    properties,
    required: ['model', ...declared.filter(([, entry]) => entry.required).map(([name]) => name)],
    additionalProperties: true,
    propertyNames: { not: { enum: refusedNames(file, mode) } },
    ...COMPRESSION_NEEDS,
  }
}

const MAX_SHOWN_CHARACTERS = 64

/** The wrong value, for the message; never a prompt. */
const shownValue = (param: string, value: unknown): string => {
  const isShown = param !== 'prompt' && (typeof value === 'string' || typeof value === 'number')
  return isShown ? ` ${JSON.stringify(value).slice(0, MAX_SHOWN_CHARACTERS)}` : ''
}

/** What the failed keyword demands, in words. */
const demandOf = (error: ErrorObject): string => {
  const limit = String(error.params['limit'])
  switch (error.keyword) {
    case 'type':
      return `must be of type ${String(error.params['type'])}`
    case 'enum':
      return `is not one of ${(error.params['allowedValues'] as string[]).join(', ')}`
    case 'pattern':
      return 'is not of the right form'
    case 'minimum':
      return `must be at least ${limit}`
    case 'maximum':
      return `must be at most ${limit}`
    case 'minLength':
      return `must have at least ${limit} character(s)`
    case 'maxLength':
      return `must have at most ${limit} characters`
    case 'minItems':
      return `must be given at least ${limit} time(s)`
    case 'maxItems':
      return `must be given at most ${limit} times`
    default:
      return error.message ?? 'is wrong'
  }
}

const FORMS: Readonly<Record<string, string>> = {
  size: '"auto", "WxH" in pixels such as "1024x1024", or "W:H" such as "16:9"',
  aspect_ratio: '"auto" or "W:H" such as "16:9"',
}

/** Failures that are about names or about two parameters, and so have words of their own. */
const describeRelation = (error: ErrorObject): GatewayError | undefined => {
  if (error.keyword === 'required') {
    const param = String(error.params['missingProperty'])
    return invalidRequest(`Parameter "${param}" is required.`, param)
  }
  if (error.propertyName !== undefined) {
    const name = error.propertyName
    return invalidRequest(`Parameter "${name}" is not taken by this model in this mode.`, name)
  }
  if (error.schemaPath.includes('/dependentSchemas/output_compression')) {
    const needs = 'output_compression needs an output_format with an encoder quality'
    return invalidRequest(`${needs}: jpeg, webp or avif.`, 'output_compression')
  }
  return undefined
}

const describeError = (error: ErrorObject): GatewayError => {
  const relation = describeRelation(error)
  if (relation) return relation
  const name = error.instancePath.split('/')[1] ?? ''
  const form = error.keyword === 'pattern' && FORMS[name] ? `; allowed: ${FORMS[name]}` : ''
  // The first file too many is the one to name.
  const param = error.keyword === 'maxItems' ? `${name}[${error.params['limit']}]` : name
  return invalidRequest(`${name}${shownValue(name, error.data)} ${demandOf(error)}${form}.`, param)
}

/** Compiles the schema when it is first needed: all at once would hold up the start, and most are never asked for. */
const createValidator = (schema: JsonObject): CompiledParameters['validate'] => {
  let check: ValidateFunction | undefined
  return (parameters) => {
    check ??= new Ajv2020({
      ...OWN_SCHEMA,
      strict: false,
      verbose: true,
      formats: { binary: true },
    }).compile(schema)
    if (check(parameters)) return undefined
    const error = check.errors?.[0]
    return error && describeError(error)
  }
}

/** Compiles every mode of a model. One schema is published and validates: what it accepts is accepted. */
export const compileParameters = (
  file: ModelFile,
): Readonly<Partial<Record<Mode, CompiledParameters>>> =>
  Object.fromEntries(
    file.card.modes.map((mode) => {
      const schema = compileSchema(file, mode)
      return [mode, { schema, validate: createValidator(schema) }]
    }),
  )
