import { Ajv, type ErrorObject } from 'ajv'
import type { Static } from 'typebox'
import { LineCounter, parseDocument } from 'yaml'
import { Type } from '#src/domain/schema-type.ts'
import {
  type ApiKey,
  BUDGET_PERIODS,
  type BudgetPeriod,
  hashKey,
  keyIdOf,
  UNLIMITED,
} from './domain/api-key.ts'
import { instantOf } from './domain/instant.ts'
import { microUsdFromUsd } from './domain/money.ts'
import { once } from './domain/once.ts'
import { OWN_SCHEMA } from './domain/own-schema.ts'
import { readTextFile, TextFileError } from './read-text-file.ts'
import type { RoutingPolicy } from './routing/policy.ts'
import { type Knob, POLICY_RANGES } from './routing/policy-ranges.ts'

/** What the file says, checked. */
export interface ConfigFile {
  readonly keys: readonly ApiKey[]
  /** Folders of more model files. */
  readonly modelsDirs: readonly string[]
  /** Knobs of the routing policy that are not as usual. */
  readonly routing: Partial<RoutingPolicy>
}

export const EMPTY_CONFIG_FILE: ConfigFile = { keys: [], modelsDirs: [], routing: {} }

const strict = { additionalProperties: false }
const KEY_HASH = /^sha256:[0-9a-fA-F]{64}$/
/** A billion USD: sums of it stay exact. */
const MAX_USD = 1_000_000_000
const MAX_COUNT = 1_000_000
/** Longest file, in bytes: 25,000 keys, which take some seconds to be read. */
const MAX_FILE_BYTES = 4_000_000
/** Lines that are told when more cannot be read: the file is no YAML. */
const MAX_TOLD_LINES = 10

const KeySchema = Type.Object(
  {
    /** The key, or `sha256:<hex>`. Other characters come in headers as each client encodes them. */
    key: Type.String({ pattern: '^(sha256:[0-9a-fA-F]{64}|(?!sha256:)[!-~]+)$' }),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    enabled: Type.Optional(Type.Boolean()),
    expires: Type.Optional(
      Type.String({
        pattern: String.raw`^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$`,
      }),
    ),
    admin: Type.Optional(Type.Boolean()),
    models: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })),
    limits: Type.Optional(
      Type.Object(
        {
          requestsPerMinute: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_COUNT })),
          concurrent: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_COUNT })),
        },
        strict,
      ),
    ),
    budget: Type.Optional(
      Type.Object(
        {
          usd: Type.Number({ minimum: 0, maximum: MAX_USD }),
          period: Type.Unsafe<BudgetPeriod>({ type: 'string', enum: [...BUDGET_PERIODS] }),
        },
        strict,
      ),
    ),
  },
  strict,
)

/** A knob's range; of one that ends with the deadline the end is looked at elsewhere. */
const knobSchema = (knob: Knob) => {
  const range = POLICY_RANGES[knob]
  if ('words' in range) return Type.Unsafe<string>({ type: 'string', enum: [...range.words] })
  const { least: minimum, most } = range
  return Type.Number({ minimum, ...(most !== 'deadline' && { maximum: most }) })
}

/** Every knob but the one that has a variable of its own. */
const knobs = (Object.keys(POLICY_RANGES) as Knob[]).filter((knob) => knob !== 'probe')

const RoutingSchema = Type.Object(
  Object.fromEntries(knobs.map((knob) => [knob, Type.Optional(knobSchema(knob))])),
  strict,
)

const ConfigFileSchema = Type.Object(
  {
    keys: Type.Optional(Type.Array(KeySchema)),
    modelsDirs: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    routing: Type.Optional(RoutingSchema),
  },
  strict,
)
type RawConfigFile = Static<typeof ConfigFileSchema>
type RawKey = Static<typeof KeySchema>

const validator = once(() =>
  new Ajv({ ...OWN_SCHEMA, allErrors: true }).compile<RawConfigFile>(ConfigFileSchema),
)

/** `/keys/0/budget/usd` → `keys[0].budget.usd`. */
const pathOf = (pointer: string): string =>
  pointer
    .slice(1)
    .replaceAll(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.')

/** What can be a field's misspelt name. Other names may be keys that were written in the place of one. */
const FIELD_NAME = /^[A-Za-z_]{1,32}$/

/** Never shows a value, which may be a key. */
const describeError = ({ instancePath, keyword, params, message }: ErrorObject): string => {
  const path = pathOf(instancePath)
  if (keyword === 'additionalProperties') {
    const name = String(params['additionalProperty'])
    const shown = FIELD_NAME.test(name) ? name : '(a name that is not shown)'
    return `${[path, shown].filter(Boolean).join('.')} is not known`
  }
  if (keyword === 'enum') return `${path} must be one of ${String(params['allowedValues'])}`
  if (keyword === 'pattern' && path.endsWith('.key')) {
    return `${path} must be a key of printable ASCII without white space, or sha256: and 64 hexadecimal digits`
  }
  if (keyword === 'pattern')
    return `${path} must be a day, or a time with its offset, such as 2027-01-31T12:00:00Z`
  return `${path || 'the file'} ${message ?? 'is wrong'}`
}

const PAIRS: readonly (readonly [Knob, Knob])[] = [
  ['leastTimeoutMs', 'longestTimeoutMs'],
  ['shortestFastHalfLifeMs', 'longestFastHalfLifeMs'],
  ['firstOpenMs', 'longestOpenMs'],
]

/** What the ranges of single knobs do not say. */
const routingProblems = (routing: Partial<RoutingPolicy>, deadlineMs: number): string[] => [
  ...knobs
    .filter((knob) => {
      const range = POLICY_RANGES[knob]
      return 'most' in range && range.most === 'deadline' && Number(routing[knob]) > deadlineMs
    })
    .map((knob) => `routing.${knob} is longer than REQUEST_TIMEOUT_MS`),
  ...PAIRS.filter(([least, most]) => Number(routing[least]) > Number(routing[most])).map(
    ([least, most]) => `routing.${least} is more than routing.${most}`,
  ),
]

const hashOf = (key: string): string =>
  KEY_HASH.test(key) ? key.slice('sha256:'.length).toLowerCase() : hashKey(key)

const toKey = ({ key, name, enabled = true, expires, admin = false, ...rest }: RawKey): ApiKey => {
  const { models, limits = {}, budget } = rest
  const hash = hashOf(key)
  return {
    ...UNLIMITED,
    id: keyIdOf(hash),
    hash,
    ...(name !== undefined && { name }),
    isEnabled: enabled,
    ...(expires !== undefined && { expiresAtMs: instantOf(expires) }),
    isAdmin: admin,
    ...(models && { models }),
    limits,
    ...(budget && { budget: { limit: microUsdFromUsd(budget.usd), period: budget.period } }),
    source: 'file',
  }
}

const keyProblems = (keys: readonly ApiKey[], otherHashes: readonly string[]): string[] =>
  keys.flatMap(({ hash, expiresAtMs }, index) => {
    const first = keys.findIndex((key) => key.hash === hash)
    return [
      ...(first < index ? [`keys[${index}].key is the same as keys[${first}].key`] : []),
      ...(otherHashes.includes(hash) ? [`keys[${index}].key stands in the environment, too`] : []),
      ...(Number.isNaN(expiresAtMs) ? [`keys[${index}].expires is no time that there is`] : []),
    ]
  })

/** The file's text as a value; problems are added, with their line, without its content. */
const parseText = (text: string, problems: string[]): unknown => {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false })
  for (const { code, pos } of document.errors.slice(0, MAX_TOLD_LINES)) {
    problems.push(`line ${lineCounter.linePos(pos[0]).line} cannot be read (${code})`)
  }
  const untold = document.errors.length - MAX_TOLD_LINES
  if (untold > 0) problems.push(`${untold} more of its lines cannot be read`)
  if (problems.length > 0) return undefined
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    problems.push('it refers to itself, or too often')
    return undefined
  }
}

/** What the file is checked against besides itself. */
export interface ConfigFileContext {
  /** `REQUEST_TIMEOUT_MS`. */
  readonly deadlineMs: number
  /** Hashes of the environment's keys, in hexadecimal digits. */
  readonly environmentHashes: readonly string[]
}

const parseConfigFile = (
  text: string,
  { deadlineMs, environmentHashes }: ConfigFileContext,
  problems: string[],
): ConfigFile => {
  // An empty file says nothing.
  const value = parseText(text, problems) ?? {}
  if (problems.length > 0) return EMPTY_CONFIG_FILE
  const validate = validator()
  if (!validate(value)) {
    problems.push(...new Set((validate.errors ?? []).map(describeError)))
    return EMPTY_CONFIG_FILE
  }
  const keys = (value.keys ?? []).map(toKey)
  const routing = (value.routing ?? {}) as Partial<RoutingPolicy>
  problems.push(...keyProblems(keys, environmentHashes), ...routingProblems(routing, deadlineMs))
  return { keys, modelsDirs: value.modelsDirs ?? [], routing }
}

/** Reads the YAML or JSON of `CONFIG_FILE`. All problems are added at once; none shows a value of the file. */
export const readConfigFile = (
  path: string,
  context: ConfigFileContext,
  problems: string[],
): ConfigFile => {
  const found: string[] = []
  const file = ((): ConfigFile => {
    try {
      return parseConfigFile(readTextFile(path, MAX_FILE_BYTES), context, found)
    } catch (error) {
      const reason = error instanceof TextFileError ? error.message : 'cannot be read'
      found.push(`${path} ${reason}`)
      return EMPTY_CONFIG_FILE
    }
  })()
  problems.push(...found.map((problem) => `CONFIG_FILE: ${problem}`))
  return file
}
