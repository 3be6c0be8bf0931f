import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Static } from 'typebox'
import { Type } from '#src/domain/schema-type.ts'
import { TRACING_VARIABLES } from './tracing-environment.ts'

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
  GATEWAY_ADMIN_KEY: optional('A key that may do everything, and manages keys', { secret: true }),
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
  ASYNC_TIMEOUT_MS: Type.Integer({
    minimum: 1,
    maximum: 86_400_000,
    default: 900_000,
    description: 'Deadline of a request with `Prefer: respond-async`, for which nobody waits',
  }),
  MAX_REQUESTS_IN_FLIGHT: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        'Requests for images under way, those of `Prefer: respond-async` among them; more are a 503. Default: by the memory that the process may use',
    }),
  ),
  MAX_MB_IN_FLIGHT: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        'Megabytes of pictures that all requests together hold: new ones are a 503 beyond half of it, answers wait beyond all of it. Default: by the memory that the process may use',
    }),
  ),
  INPUT_URLS: Type.Unsafe<'on' | 'off'>({
    type: 'string',
    enum: ['on', 'off'],
    default: 'on',
    description:
      'Whether pictures of JSON edits are fetched from https URLs; data URIs always work',
  }),
  MEDIA_DIR: Type.String({
    minLength: 1,
    default: join(tmpdir(), 'fresnel-media'),
    description: 'Folder of the hosted images, unless `MEDIA_S3_BUCKET` is set',
  }),
  MEDIA_S3_BUCKET: optional(
    'S3-compatible bucket that images are hosted in, for several replicas or without a disk',
    { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$' },
  ),
  MEDIA_S3_REGION: Type.String({
    minLength: 1,
    pattern: '^[A-Za-z0-9-]+$',
    default: 'us-east-1',
    description: "The bucket's region; `auto` for R2",
  }),
  MEDIA_S3_ENDPOINT: optional('Where the bucket is served (MinIO, R2 …); default: Amazon S3', {
    pattern: '^https?://[^/\\s?#@]+(/[^\\s?#@]*)?$',
  }),
  MEDIA_S3_PREFIX: optional('Folder in the bucket, such as `fresnel/media`; default: its top', {
    pattern: String.raw`^\w[\w.-]*(/\w[\w.-]*)*/?$`,
  }),
  MEDIA_S3_ACCESS_KEY_ID: optional(
    "Access key of the bucket; default: the AWS SDK's own chain (`AWS_…` variables, profile, role)",
    { secret: true },
  ),
  MEDIA_S3_SECRET_ACCESS_KEY: optional('Secret that belongs to it', { secret: true }),
  MEDIA_S3_PATH_STYLE: Type.Optional(
    Type.Boolean({
      description:
        'Whether the bucket stands in the path (`true`) or in the host name; default: `true` with an endpoint',
    }),
  ),
  MEDIA_S3_DELIVERY: Type.Unsafe<'proxy' | 'presigned'>({
    type: 'string',
    enum: ['proxy', 'presigned'],
    default: 'proxy',
    description:
      'Media URLs are answered with the image itself, or redirect to a presigned URL of the bucket',
  }),
  MEDIA_SIGNING_KEY: optional(
    'Signs media URLs, the same on every replica; default: a key kept beside the images',
    { secret: true, minLength: 32 },
  ),
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
      'Comma list of `host:port` that images may be fetched from, and webhooks posted to, although they are not public',
  }),
  WEBHOOK_SIGNING_SECRET: optional(
    'Signs webhooks by the Standard Webhooks scheme: `whsec_<base64>` of 24 to 64 bytes, or 24 or more characters that are its bytes; without it no `webhook_url` is taken',
    { secret: true },
  ),
  REQUEST_LOG_DAYS: Type.Integer({
    minimum: 1,
    maximum: 3650,
    default: 30,
    description: 'How long the request log keeps a request, in days',
  }),
  REQUEST_LOG_MAX: Type.Optional(
    Type.Integer({
      minimum: 1,
      // Read whole for a sum, which takes 3 s then.
      maximum: 2_000_000,
      description:
        'Most requests that the log keeps, about 3 kB each in memory and 2 kB in Redis; default: 2,000 in memory, 50,000 in Redis',
    }),
  ),
  LOG_LEVEL: Type.Unsafe<string>({
    type: 'string',
    enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    default: 'info',
    description: 'Least level of the JSON lines on stdout',
  }),
  MODELS_DIR: optional('Folder of more model files'),
  CONFIG_FILE: optional(
    'YAML or JSON file with what is too large for variables: keys with limits and budgets, routing policy, more model folders',
  ),
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
  ...TRACING_VARIABLES,
})

/** The gateway's own variables, coerced and with their defaults. */
export type GatewayEnvironment = Static<typeof GatewayEnvironmentSchema>
