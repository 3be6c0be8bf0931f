import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { type ConfigFile, EMPTY_CONFIG_FILE, readConfigFile } from './config-file.ts'
import type { ApiKey } from './domain/api-key.ts'
import type { ProviderModule } from './domain/provider-adapter.ts'
import { type GatewayEnvironment, GatewayEnvironmentSchema } from './environment.ts'
import type { S3BucketSettings } from './images/s3-client.ts'
import { type Environment, readVariables } from './read-variables.ts'
import type { RoutingPolicy } from './routing/policy.ts'
import { redisUrlProblem } from './state/redis/redis-url.ts'
import type { TracingSettings } from './telemetry/tracing-settings.ts'
import { readTracing } from './tracing-environment.ts'
import { signingSecretProblem } from './webhooks/signing-secret.ts'

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
  /** Deadline of a request that is answered at once. */
  readonly asyncTimeoutMs: number
  /** Requests for images under way at most; absent: by the memory that there is. */
  readonly maxRequestsInFlight?: number
  /** Megabytes that they hold together at most; absent: by the memory that there is. */
  readonly maxMegabytesInFlight?: number
  /** How long the request log keeps a request, in ms. */
  readonly requestLogKeptMs: number
  /** Most requests that it keeps; absent: as fits where it is kept. */
  readonly requestLogMax?: number
  /** Whether pictures of edits are fetched from URLs. */
  readonly fetchesInputUrls: boolean
  /** `*`: all. */
  readonly corsOrigins: readonly string[]
  /** Where hosted images lie when `mediaS3` is absent. */
  readonly mediaDir: string
  /** Absent: images are hosted in `mediaDir`. */
  readonly mediaS3?: S3BucketSettings
  /** Absent: the key lies beside the images. */
  readonly mediaSigningKey?: string
  readonly mediaTtlMs: number
  /** `host:port` each. */
  readonly outboundAllow: readonly string[]
  /** As it was given; absent: webhooks cannot be signed, and none are sent. */
  readonly webhookSigningSecret?: string
  readonly logLevel: string
  /** Folders of models besides those that come with the gateway. */
  readonly modelsDirs: readonly string[]
  /** Keys of the configuration file, which `keyHashes` does not have. */
  readonly fileKeys: readonly ApiKey[]
  /** Knobs of the routing policy that are not as usual. */
  readonly routing: Partial<RoutingPolicy>
  /** Who finds out if a provider that went down is back. */
  readonly probe: 'duplicate' | 'live' | 'off'
  readonly timeScale: number
  /** Absent: nothing is traced. */
  readonly tracing?: TracingSettings
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
/** What clients can send in a header. */
const PRINTABLE_ASCII = /^[!-~]+$/

const keyProblems = (values: GatewayEnvironment): string[] => {
  const names = ['GATEWAY_API_KEYS', 'GATEWAY_ADMIN_KEY'] as const
  return names.flatMap((name) => {
    const text = values[name]
    if (text === undefined) return []
    const keys = splitList(text)
    if (keys.length === 0) return [`${name} is set but holds no key`]
    if (keys.some((key) => /\s/.test(key))) return [`${name} holds a key with white space in it`]
    if (!keys.every((key) => PRINTABLE_ASCII.test(key))) {
      return [
        `${name} holds a key with other characters than printable ASCII, which no header can carry`,
      ]
    }
    return keys
      .filter((key) => key.startsWith('sha256:') && !KEY_HASH.test(key))
      .map(() => `${name} holds a "sha256:" that is not followed by 64 hexadecimal digits`)
  })
}

/** Several in the place of one would be taken for one that nobody sends, or each for the one. */
const adminKeyProblems = ({ GATEWAY_ADMIN_KEY: key }: GatewayEnvironment): string[] =>
  key?.includes(',') ? ['GATEWAY_ADMIN_KEY is one key: it has no comma'] : []

/** Whoever is let in without a key must sit at this machine. */
const exposureProblems = (values: GatewayEnvironment, { keys }: ConfigFile): string[] => {
  if (readKeyHashes(values).length > 0 || keys.length > 0) return []
  const names = values.ADMIN_PORT === 0 ? (['HOST'] as const) : (['HOST', 'ADMIN_HOST'] as const)
  return names
    .filter((name) => !LOOPBACK_HOSTS.includes(values[name]))
    .map(
      (name) =>
        `${name} ${values[name]} can be reached from other machines, but GATEWAY_API_KEYS is not set: set it, or ${name}=127.0.0.1.`,
    )
}

const portProblems = ({ PORT, ADMIN_PORT }: GatewayEnvironment): string[] =>
  PORT === ADMIN_PORT && PORT !== 0
    ? [`PORT and ADMIN_PORT are both ${PORT}: ADMIN_PORT=0 puts metrics on the port of the API.`]
    : []

const S3_DETAILS = [
  'MEDIA_S3_REGION',
  'MEDIA_S3_ENDPOINT',
  'MEDIA_S3_PREFIX',
  'MEDIA_S3_ACCESS_KEY_ID',
  'MEDIA_S3_SECRET_ACCESS_KEY',
  'MEDIA_S3_PATH_STYLE',
  'MEDIA_S3_DELIVERY',
] as const

/** Settings of a bucket that is not named would be ignored, and half a pair of keys replaced by other credentials. */
const s3Problems = (values: GatewayEnvironment, environment: Environment): string[] => {
  if (values.MEDIA_S3_BUCKET === undefined) {
    // Some have a default: what counts is what was given.
    const isGiven = (name: string): boolean =>
      Boolean(environment[name] || environment[`${name}_FILE`])
    return S3_DETAILS.filter(isGiven).map((name) => `${name} is set but MEDIA_S3_BUCKET is not`)
  }
  const pair = ['MEDIA_S3_ACCESS_KEY_ID', 'MEDIA_S3_SECRET_ACCESS_KEY'] as const
  const missing = pair.filter((name) => values[name] === undefined)
  return missing.length === 1 ? [`${missing[0]} is not set but its other half is`] : []
}

const readS3 = (values: GatewayEnvironment): S3BucketSettings | undefined => {
  const { MEDIA_S3_BUCKET: bucket, MEDIA_S3_ENDPOINT: endpoint } = values
  if (bucket === undefined) return undefined
  const { MEDIA_S3_ACCESS_KEY_ID: accessKeyId, MEDIA_S3_SECRET_ACCESS_KEY: secretAccessKey } =
    values
  return {
    bucket,
    region: values.MEDIA_S3_REGION,
    ...(endpoint && { endpoint }),
    prefix: values.MEDIA_S3_PREFIX ? values.MEDIA_S3_PREFIX.replace(/\/?$/, '/') : '',
    ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey } }),
    isPathStyle: values.MEDIA_S3_PATH_STYLE ?? endpoint !== undefined,
    delivery: values.MEDIA_S3_DELIVERY,
  }
}

const toConfig = (
  values: GatewayEnvironment,
  { providers, tracing }: Pick<Config, 'providers' | 'tracing'>,
  file: ConfigFile,
): Config => {
  const mediaS3 = readS3(values)
  return Object.freeze({
    host: values.HOST,
    port: values.PORT,
    adminHost: values.ADMIN_HOST,
    adminPort: values.ADMIN_PORT,
    ...(values.PUBLIC_BASE_URL && { publicBaseUrl: values.PUBLIC_BASE_URL.replace(/\/+$/, '') }),
    keyHashes: readKeyHashes(values),
    ...(values.GATEWAY_ADMIN_KEY && { adminKeyHash: hashKey(values.GATEWAY_ADMIN_KEY.trim()) }),
    ...(values.REDIS_URL && { redisUrl: values.REDIS_URL }),
    requestTimeoutMs: values.REQUEST_TIMEOUT_MS,
    asyncTimeoutMs: values.ASYNC_TIMEOUT_MS,
    ...(values.MAX_REQUESTS_IN_FLIGHT !== undefined && {
      maxRequestsInFlight: values.MAX_REQUESTS_IN_FLIGHT,
    }),
    ...(values.MAX_MB_IN_FLIGHT !== undefined && { maxMegabytesInFlight: values.MAX_MB_IN_FLIGHT }),
    requestLogKeptMs: values.REQUEST_LOG_DAYS * 24 * 3_600_000,
    ...(values.REQUEST_LOG_MAX !== undefined && { requestLogMax: values.REQUEST_LOG_MAX }),
    fetchesInputUrls: values.INPUT_URLS === 'on',
    corsOrigins: splitList(values.CORS_ORIGINS),
    mediaDir: values.MEDIA_DIR,
    ...(mediaS3 && { mediaS3 }),
    ...(values.MEDIA_SIGNING_KEY && { mediaSigningKey: values.MEDIA_SIGNING_KEY }),
    mediaTtlMs: values.MEDIA_TTL_S * 1000,
    outboundAllow: splitList(values.OUTBOUND_ALLOW),
    ...(values.WEBHOOK_SIGNING_SECRET && { webhookSigningSecret: values.WEBHOOK_SIGNING_SECRET }),
    logLevel: values.LOG_LEVEL,
    modelsDirs: [...(values.MODELS_DIR ? [values.MODELS_DIR] : []), ...file.modelsDirs],
    fileKeys: file.keys,
    routing: file.routing,
    probe: values.ROUTING_PROBE,
    timeScale: values.TIME_SCALE,
    ...(tracing && { tracing }),
    providers,
  })
}

const readFile = (values: GatewayEnvironment, problems: string[]): ConfigFile => {
  const { CONFIG_FILE: path, REQUEST_TIMEOUT_MS: deadlineMs } = values
  const environmentHashes = readKeyHashes(values).map((hash) => hash.toString('hex'))
  return path === undefined
    ? EMPTY_CONFIG_FILE
    : readConfigFile(path, { deadlineMs, environmentHashes }, problems)
}

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
  const file = readFile(values, problems)
  problems.push(
    ...keyProblems(values),
    ...adminKeyProblems(values),
    ...s3Problems(values, environment),
    ...exposureProblems(values, file),
    ...portProblems(values),
  )
  const redisProblem = values.REDIS_URL && redisUrlProblem(values.REDIS_URL)
  if (redisProblem) problems.push(`REDIS_URL ${redisProblem}`)
  const secret = values.WEBHOOK_SIGNING_SECRET
  const secretProblem = secret && signingSecretProblem(secret)
  if (secretProblem) problems.push(`WEBHOOK_SIGNING_SECRET ${secretProblem}`)
  const tracing = readTracing(values, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return toConfig(values, { providers, ...(tracing && { tracing }) }, file)
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
