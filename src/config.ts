import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { Ajv, type ErrorObject } from 'ajv'
import { type Static, type TObject, Type } from 'typebox'
import type { ProviderModule } from './domain/provider-adapter.ts'
import { redisUrlProblem } from './state/redis/redis-url.ts'

const port = (fallback: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65535, default: fallback, description })
const optional = (description: string, options: object = {}) =>
  Type.Optional(Type.String({ minLength: 1, description, ...options }))

/** The gateway's own variables. The README's table is generated from these descriptions. */
export const GatewayEnvironmentSchema = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', description: 'Address that the API listens on' }),
  PORT: port(8080, 'Port that the API listens on'),
  ADMIN_HOST: Type.String({
    default: '127.0.0.1',
    description: 'Address that metrics and health are served on',
  }),
  ADMIN_PORT: port(
    9090,
    'Port of metrics and health; `0`: they are on the API port, metrics behind the admin key',
  ),
  PUBLIC_BASE_URL: optional('What media URLs start with; default: taken from each request', {
    pattern: '^https?://[^/\\s?#]+[^\\s?#]*$',
  }),
  GATEWAY_API_KEYS: optional('Comma list of plain keys, or of `sha256:<hex>`', { secret: true }),
  GATEWAY_ADMIN_KEY: optional('A key that may do everything', { secret: true }),
  REDIS_URL: optional(
    'Redis that replicas share what they learn through; Sentinel and Cluster too; default: in memory',
    { secret: true },
  ),
  REQUEST_TIMEOUT_MS: Type.Integer({
    minimum: 1,
    // A day; timers cannot wait longer than 24.8.
    maximum: 86_400_000,
    default: 280_000,
    description:
      'Deadline of a request, failovers included; some clients give up at 300 s and send it again',
  }),
  MEDIA_DIR: Type.String({
    minLength: 1,
    default: join(tmpdir(), 'fresnel-media'),
    description: 'Folder of the hosted images',
  }),
  MEDIA_TTL_S: Type.Integer({
    minimum: 1,
    maximum: 315_360_000,
    default: 3600,
    description: 'How long a hosted image can be fetched, in seconds',
  }),
  CORS_ORIGINS: Type.String({
    default: '*',
    pattern: '[^,\\s]',
    description: 'Comma list of origins whose pages may call the API; `*`: all',
  }),
  OUTBOUND_ALLOW: Type.String({
    default: '',
    pattern: String.raw`^\s*(\[?[\w.:-]+\]?:\d{1,5}\s*(,\s*|$))*$`,
    description:
      'Comma list of `host:port` that images may be fetched from although they are not public',
  }),
  LOG_LEVEL: Type.Unsafe<string>({
    type: 'string',
    enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    default: 'info',
    description: 'Least level of the JSON lines on stdout',
  }),
  MODELS_DIR: optional('Folder of more model files'),
  ROUTING_PROBE: Type.Unsafe<'duplicate' | 'live' | 'off'>({
    type: 'string',
    enum: ['duplicate', 'live', 'off'],
    default: 'duplicate',
    description:
      'How a provider that went down is found to be back: a paid copy of a request, a request itself, or time alone',
  }),
  TIME_SCALE: Type.Number({
    minimum: 0.001,
    maximum: 100_000,
    default: 1,
    description:
      "Divides every routing duration, poll interval, back-off and provider's time-out; for tests",
  }),
})

type GatewayEnvironment = Static<typeof GatewayEnvironmentSchema>
type Environment = Readonly<Record<string, string | undefined>>

/** Everything that the gateway can be told, checked and frozen. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly adminHost: string
  /** 0: metrics are served on the API's port. */
  readonly adminPort: number
  /** Without a slash at the end; absent: taken from each request. */
  readonly publicBaseUrl?: string
  /** SHA-256 of each key that is let in; empty: everybody on this machine is. */
  readonly keyHashes: readonly Buffer[]
  /** The one of them that sees everything; absent: none does. */
  readonly adminKeyHash?: Buffer
  /** Absent: state is kept in memory. */
  readonly redisUrl?: string
  readonly requestTimeoutMs: number
  /** `*`: all. */
  readonly corsOrigins: readonly string[]
  readonly mediaDir: string
  readonly mediaTtlMs: number
  /** `host:port` each. */
  readonly outboundAllow: readonly string[]
  readonly logLevel: string
  /** Absent: only the models that come with the gateway. */
  readonly modelsDir?: string
  /** Who finds out if a provider that went down is back. */
  readonly probe: 'duplicate' | 'live' | 'off'
  readonly timeScale: number
  /** Settings of each provider that they switch on, by provider slug. */
  readonly providers: ReadonlyMap<string, Readonly<Record<string, string>>>
}

/** A configuration that cannot be used; the message has a line per problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length} problem(s):\n${problems.map((text) => `- ${text}`).join('\n')}`,
    )
  }
}

const LOOPBACK_HOSTS = ['127.0.0.1', '::1', 'localhost']

const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

const KEY_HASH = /^sha256:[0-9a-fA-F]{64}$/

const hashKey = (key: string): Buffer =>
  KEY_HASH.test(key)
    ? Buffer.from(key.slice('sha256:'.length), 'hex')
    : createHash('sha256').update(key).digest()

/** The variables of one schema: empty ones as absent, secrets from their `_FILE` variants. */
const pickVariables = (
  schema: TObject,
  environment: Environment,
  problems: string[],
): Record<string, unknown> => {
  const picked: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties)) {
    const path = (property as { secret?: boolean }).secret ? environment[`${name}_FILE`] : undefined
    try {
      const value = environment[name] || (path && readFileSync(path, 'utf8').trim())
      if (value) picked[name] = value
    } catch (error) {
      problems.push(`${name}_FILE: ${(error as NodeJS.ErrnoException).code ?? 'unreadable'}`)
    }
  }
  return picked
}

const describeError = (error: ErrorObject): string => {
  const name = error.instancePath.slice(1)
  const allowed = error.keyword === 'enum' ? `: ${String(error.params['allowedValues'])}` : ''
  return `${name} ${error.message ?? 'is wrong'}${allowed}`
}

/** A secret with white space in it cannot be sent in a header; lists of keys are looked at one by one. */
const secretProblems = (schema: TObject, picked: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(schema.properties)
    .filter(([name, property]) => {
      const isOneSecret = (property as { secret?: boolean }).secret && !name.startsWith('GATEWAY_')
      return isOneSecret && /\S\s+\S/.test(String(picked[name] ?? ''))
    })
    .map(([name]) => `${name} has white space in it`)

/** Coerces, fills in defaults and checks; problems never show a value, which may be a secret. */
const readVariables = (
  schema: TObject,
  environment: Environment,
  problems: string[],
): Record<string, unknown> => {
  const picked = pickVariables(schema, environment, problems)
  problems.push(...secretProblems(schema, picked))
  const validate = new Ajv({
    allErrors: true,
    coerceTypes: true,
    useDefaults: true,
    strict: false,
  }).compile(schema)
  if (!validate(picked)) problems.push(...(validate.errors ?? []).map(describeError))
  return picked
}

const readProviders = (
  modules: readonly ProviderModule[],
  environment: Environment,
  problems: string[],
): Map<string, Record<string, string>> => {
  const providers = new Map<string, Record<string, string>>()
  for (const module of modules) {
    const settings = readVariables(module.configSchema, environment, problems) as Record<
      string,
      string
    >
    if (module.isConfigured(settings)) providers.set(module.id, settings)
  }
  return providers
}

const describeSwitches = (modules: readonly ProviderModule[]): string =>
  modules
    .map(
      ({ name, configSchema }) => `${name} by ${Object.keys(configSchema.properties).join(', ')}`,
    )
    .join('; ')

const readKeyHashes = (values: GatewayEnvironment): Buffer[] =>
  [...splitList(values.GATEWAY_API_KEYS ?? ''), ...splitList(values.GATEWAY_ADMIN_KEY ?? '')].map(
    hashKey,
  )

/** A list that turns out empty, or a hash that is none, must not open the gateway or become a key. */
const keyProblems = (values: GatewayEnvironment): string[] => {
  const names = ['GATEWAY_API_KEYS', 'GATEWAY_ADMIN_KEY'] as const
  return names.flatMap((name) => {
    const text = values[name]
    if (text === undefined) return []
    const keys = splitList(text)
    if (keys.length === 0) return [`${name} is set but holds no key`]
    if (keys.some((key) => /\s/.test(key))) return [`${name} holds a key with white space in it`]
    return keys
      .filter((key) => key.startsWith('sha256:') && !KEY_HASH.test(key))
      .map(() => `${name} holds a "sha256:" that is not followed by 64 hexadecimal digits`)
  })
}

const toConfig = (values: GatewayEnvironment, providers: Config['providers']): Config =>
  Object.freeze({
    host: values.HOST,
    port: values.PORT,
    adminHost: values.ADMIN_HOST,
    adminPort: values.ADMIN_PORT,
    ...(values.PUBLIC_BASE_URL && { publicBaseUrl: values.PUBLIC_BASE_URL.replace(/\/+$/, '') }),
    keyHashes: readKeyHashes(values),
    ...(values.GATEWAY_ADMIN_KEY && { adminKeyHash: hashKey(values.GATEWAY_ADMIN_KEY.trim()) }),
    ...(values.REDIS_URL && { redisUrl: values.REDIS_URL }),
    requestTimeoutMs: values.REQUEST_TIMEOUT_MS,
    corsOrigins: splitList(values.CORS_ORIGINS),
    mediaDir: values.MEDIA_DIR,
    mediaTtlMs: values.MEDIA_TTL_S * 1000,
    outboundAllow: splitList(values.OUTBOUND_ALLOW),
    logLevel: values.LOG_LEVEL,
    ...(values.MODELS_DIR && { modelsDir: values.MODELS_DIR }),
    probe: values.ROUTING_PROBE,
    timeScale: values.TIME_SCALE,
    providers,
  })

/** Reads and checks the whole configuration. Throws `ConfigError` with all problems at once. */
export const readConfig = (
  environment: Environment,
  modules: readonly ProviderModule[],
): Config => {
  const problems: string[] = []
  const values = readVariables(
    GatewayEnvironmentSchema,
    environment,
    problems,
  ) as GatewayEnvironment
  const providers = readProviders(modules, environment, problems)
  if (providers.size === 0) {
    problems.push(
      `No provider is configured. These variables switch one on: ${describeSwitches(modules)}.`,
    )
  }
  problems.push(...keyProblems(values))
  const redisProblem = values.REDIS_URL && redisUrlProblem(values.REDIS_URL)
  if (redisProblem) problems.push(`REDIS_URL ${redisProblem}`)
  if (readKeyHashes(values).length === 0 && !LOOPBACK_HOSTS.includes(values.HOST)) {
    problems.push(
      `HOST ${values.HOST} can be reached from other machines, but GATEWAY_API_KEYS is not set: set it, or HOST=127.0.0.1.`,
    )
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return toConfig(values, providers)
}

/** The process's environment over the variables of `.env` in the working directory, where there is one. */
export const readProcessEnvironment = (): Environment => {
  try {
    return { ...parseEnv(readFileSync('.env', 'utf8')), ...process.env }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return process.env
    throw new ConfigError([`.env: ${(error as NodeJS.ErrnoException).code ?? 'unreadable'}`])
  }
}
