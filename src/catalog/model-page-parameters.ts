import { isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'
import type { Mode } from '#src/domain/model-card.ts'
import type { Model } from './catalog.ts'
import { code, codes, section } from './model-page-markdown.ts'

const GROUP_TITLES: ReadonlyMap<string, string> = new Map([
  ['core', 'Core'],
  ['size_layout', 'Size and layout'],
  ['media_input', 'Media input'],
  ['output_format', 'Output format'],
  ['additional', 'Additional'],
])

/** Parameters of the gateway itself carry no group. */
const groupOf = (name: string, schema: JsonObject): string =>
  String(schema['x-group'] ?? (name === 'model' ? 'core' : 'additional'))

/** A parameter over all modes that take it. */
interface PageParameter {
  readonly name: string
  /** Its schema in the first of those modes; they differ in providers only. */
  readonly schema: JsonObject
  readonly modes: {
    readonly mode: Mode
    readonly schema: JsonObject
    readonly isRequired: boolean
  }[]
}

const collectParameters = ({ card, parameters }: Model): readonly PageParameter[] => {
  const collected = new Map<string, PageParameter>()
  for (const mode of card.modes) {
    const compiled = parameters[mode]?.schema ?? {}
    const required = (compiled['required'] ?? []) as readonly JsonValue[]
    for (const [name, schema] of Object.entries(compiled['properties'] ?? {}) as [
      string,
      JsonObject,
    ][]) {
      const parameter = collected.get(name) ?? { name, schema, modes: [] }
      parameter.modes.push({ mode, schema, isRequired: required.includes(name) })
      collected.set(name, parameter)
    }
  }
  return [...collected.values()]
}

const isFile = (schema: JsonObject): boolean => schema['x-kind'] === 'file'

const typeOf = (schema: JsonObject): string => {
  if (isFile(schema)) return 'file'
  return typeof schema['type'] === 'string' ? schema['type'] : 'any'
}

const requirementOf = ({ modes }: PageParameter): string => {
  const needing = modes.filter(({ isRequired }) => isRequired).map(({ mode }) => mode)
  if (needing.length === 0) return ''
  return needing.length === modes.length ? ', REQUIRED' : `, REQUIRED for ${needing.join(', ')}`
}

/** `From 0 to 100.`, or with one end only; empty without ends. */
const rangeOf = (least: JsonValue | undefined, most: JsonValue | undefined, what = ''): string => {
  if (least !== undefined && most !== undefined) {
    return least === most ? `Exactly ${least}${what}.` : `From ${least} to ${most}${what}.`
  }
  if (least !== undefined) return `At least ${least}${what}.`
  return most === undefined ? '' : `At most ${most}${what}.`
}

const valuesOf = (schema: JsonObject): readonly string[] => [
  Array.isArray(schema['enum']) ? `Values: ${codes(schema['enum'].map(String))}.` : '',
  typeof schema['pattern'] === 'string' ? `Pattern: ${code(schema['pattern'])}.` : '',
  rangeOf(schema['minimum'], schema['maximum']),
  rangeOf(schema['minLength'], schema['maxLength'], ' characters'),
  rangeOf(schema['minItems'], schema['maxItems'], isFile(schema) ? ' files' : ' entries'),
]

/** What is said of a parameter in each mode: once where all modes agree, else mode by mode. */
const byMode = (
  { modes }: PageParameter,
  say: (schema: JsonObject) => string,
): readonly string[] => {
  const said = modes.map(({ mode, schema }) => ({ mode, text: say(schema) }))
  if (new Set(said.map(({ text }) => text)).size === 1)
    return said.slice(0, 1).map((one) => one.text)
  return said.filter(({ text }) => text !== '').map(({ mode, text }) => `In ${mode}: ${text}`)
}

const onlyVia = (providers: readonly string[]): string =>
  providers.length > 0 ? `Only available via ${providers.join(', ')}.` : 'No provider takes it.'

/** What the gateway itself does something with. */
const DONE_BY_GATEWAY = ['stream', 'user', 'safety_identifier', 'webhook_url']

/** No provider does anything with it, such as OpenAI's parameters that the model's card does not declare. */
const isWithoutEffect = (schema: JsonObject): boolean => {
  const handling = Object.values(Object(schema['x-handling'] ?? {}))
  return handling.length > 0 && handling.every((how) => how === 'ignored')
}

/** Which providers take the parameter, where not all do, and which do nothing with it. */
const providersOf =
  (name: string, nameOf: (provider: string) => string) =>
  (schema: JsonObject): string => {
    if (isWithoutEffect(schema)) {
      return DONE_BY_GATEWAY.includes(name)
        ? 'For the gateway itself, whichever provider serves.'
        : 'Taken from every client, but sent to no provider.'
    }
    const only = schema['x-providers']
    const handling = schema['x-handling']
    const ignoring = Object.entries(isJsonObject(handling) ? handling : {})
      .filter(([, how]) => how === 'ignored')
      .map(([provider]) => nameOf(provider))
    return [
      Array.isArray(only) ? onlyVia(only.map((slug) => nameOf(String(slug)))) : '',
      ignoring.length > 0 ? `Without effect at ${ignoring.join(', ')}.` : '',
    ]
      .filter(Boolean)
      .join(' ')
  }

const fieldsOf = ({ properties }: JsonObject): readonly string[] =>
  Object.entries(isJsonObject(properties) ? properties : {}).map(([name, schema]) => {
    const field = isJsonObject(schema) ? schema : {}
    const values = valuesOf(field).filter(Boolean)
    return `  - ${code(name)} (${typeOf(field)}): ${[field['description'], ...values].join(' ')}`
  })

const presentParameter = (
  parameter: PageParameter,
  nameOf: (provider: string) => string,
): readonly string[] => {
  const { name, schema, modes } = parameter
  const standard =
    schema['default'] === undefined ? '' : `, default ${code(String(schema['default']))}`
  const sentences = [
    String(schema['description'] ?? ''),
    ...valuesOf(schema),
    `Modes: ${modes.map(({ mode }) => mode).join(', ')}.`,
    ...byMode(parameter, providersOf(name, nameOf)),
  ].filter(Boolean)
  const head = `- ${code(name)} (${typeOf(schema)}${requirementOf(parameter)}${standard})`
  return [`${head}: ${sentences.join(' ')}`, ...fieldsOf(schema)]
}

/** Every parameter of every mode, by group, from the schemas that requests are checked against. */
export const parameterLines = (
  model: Model,
  nameOf: (provider: string) => string,
): readonly string[] => {
  const groups = Map.groupBy(collectParameters(model), ({ name, schema }) => groupOf(name, schema))
  return [...GROUP_TITLES].flatMap(([group, title]) =>
    section(
      `### ${title}`,
      (groups.get(group) ?? []).flatMap((parameter) => presentParameter(parameter, nameOf)),
    ),
  )
}
