import type { Static } from 'typebox'
import { Type } from '#src/domain/schema-type.ts'
import { SAMPLERS, type SamplerName, type TracingSettings } from './telemetry/tracing-settings.ts'

const text = (description: string, options: object = {}) =>
  Type.Optional(Type.String({ minLength: 1, description, ...options }))
const endpoint = (description: string) => text(description, { pattern: '^https?://[^\\s?#@]+$' })
const compression = (description: string) =>
  Type.Optional(
    Type.Unsafe<'none' | 'gzip'>({ type: 'string', enum: ['none', 'gzip'], description }),
  )
const milliseconds = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000, description }))
const atLeastOne = (fallback: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 1_000_000, default: fallback, description })

/**
 * OpenTelemetry's own variables, as its specification names them. They are read here and not by its packages, so that
 * they may stand in `.env` and in files of secrets, and what is wrong with them is said at start.
 */
export const TRACING_VARIABLES = {
  OTEL_TRACES_EXPORTER: text(
    'Comma list of where traces go: `otlp`, `console`, or `none`; default: `otlp` if an endpoint is set, else none',
  ),
  OTEL_SDK_DISABLED: text('`true`: no traces, whatever else is set'),
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint(
    'Collector of traces by OTLP over HTTP, without `/v1/traces`; default: `http://localhost:4318`',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint('The same as a whole URL; goes before'),
  OTEL_EXPORTER_OTLP_PROTOCOL: text('`http/protobuf` is the one that is spoken'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: text('The same for traces only'),
  OTEL_EXPORTER_OTLP_HEADERS: text('Headers of each export, as `name=value,name=value`', {
    secret: true,
    mayHaveSpaces: true,
  }),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: text('Further ones for traces only', {
    secret: true,
    mayHaveSpaces: true,
  }),
  OTEL_EXPORTER_OTLP_TIMEOUT: milliseconds(
    'Longest time of an export with its repeats, in ms; default: 10000',
  ),
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: milliseconds('The same for traces only'),
  OTEL_EXPORTER_OTLP_COMPRESSION: compression('Whether exports are packed; default: `none`'),
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: compression('The same for traces only'),
  OTEL_SERVICE_NAME: text('What the gateway is called in traces; default: `fresnel`'),
  OTEL_RESOURCE_ATTRIBUTES: text('What else is said of it there, as `key=value,key=value`'),
  OTEL_TRACES_SAMPLER: Type.Unsafe<SamplerName>({
    type: 'string',
    enum: [...SAMPLERS],
    default: 'parentbased_always_on',
    description: "Which requests are traced; `parentbased_…`: as the client's `traceparent` says",
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 1,
    description: 'Part of the requests that `…traceidratio` takes',
  }),
  OTEL_BSP_SCHEDULE_DELAY: Type.Integer({
    minimum: 1,
    maximum: 86_400_000,
    default: 5000,
    description: 'Longest wait of a span until its export begins, in ms',
  }),
  OTEL_BSP_EXPORT_TIMEOUT: Type.Integer({
    minimum: 1,
    maximum: 86_400_000,
    default: 30_000,
    description: 'After which time an export is given up, in ms',
  }),
  OTEL_BSP_MAX_QUEUE_SIZE: atLeastOne(2048, 'Most spans that wait; more are dropped'),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: atLeastOne(512, 'Most spans of one export'),
}

const TracingEnvironmentSchema = Type.Object(TRACING_VARIABLES)

/** OpenTelemetry's variables, coerced and with their defaults. */
export type TracingEnvironment = Static<typeof TracingEnvironmentSchema>

const EXPORTERS = ['otlp', 'console', 'none']
const PROTOCOL = 'http/protobuf'

const splitList = (list: string): string[] =>
  list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')

const decoded = (value: string): string => {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** Pairs as W3C Baggage writes them: values may be percent-encoded. */
const readPairs = (
  name: keyof TracingEnvironment,
  values: TracingEnvironment,
  problems: string[],
): Record<string, string> => {
  const entries = splitList(String(values[name] ?? ''))
  const pairs = entries.map((entry) => /^([^\s=]+)\s*=\s*(.*)$/s.exec(entry))
  if (pairs.includes(null)) problems.push(`${name} is not of the form name=value,name=value`)
  return Object.fromEntries(
    pairs.flatMap((pair) => (pair ? [[pair[1], decoded(pair[2] ?? '')]] : [])),
  )
}

/** Header names are tokens (RFC 9110 §5.6.2), values have no line breaks. */
const readHeaders = (
  name: keyof TracingEnvironment,
  values: TracingEnvironment,
  problems: string[],
): Record<string, string> => {
  const headers = readPairs(name, values, problems)
  const isFit = ([key, value]: [string, string]): boolean =>
    /^[\w!#$%&'*+.^`|~-]+$/.test(key) && /^[\t\x20-\x7e]*$/.test(value)
  if (!Object.entries(headers).every(isFit)) problems.push(`${name} holds what no header can be`)
  return headers
}

const exportersOf = ({
  OTEL_SDK_DISABLED: disabled,
  OTEL_TRACES_EXPORTER: exporters,
  OTEL_EXPORTER_OTLP_ENDPOINT: all,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces,
}: TracingEnvironment): string[] => {
  if (disabled?.toLowerCase() === 'true') return []
  if (exporters !== undefined) return splitList(exporters)
  return (all ?? traces) === undefined ? [] : ['otlp']
}

const otlpUrlOf = ({
  OTEL_EXPORTER_OTLP_ENDPOINT: all = 'http://localhost:4318',
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces,
}: TracingEnvironment): string => traces ?? `${all.replace(/\/+$/, '')}/v1/traces`

const readOtlp = (
  values: TracingEnvironment,
  problems: string[],
): NonNullable<TracingSettings['otlp']> => {
  const protocolName =
    values.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL === undefined
      ? 'OTEL_EXPORTER_OTLP_PROTOCOL'
      : 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
  if ((values[protocolName] ?? PROTOCOL) !== PROTOCOL) {
    problems.push(`${protocolName} is not spoken here; allowed: ${PROTOCOL}`)
  }
  const url = otlpUrlOf(values)
  if (!URL.canParse(url)) problems.push('the OTEL_EXPORTER_OTLP_…ENDPOINT is not a valid URL')
  return {
    url,
    headers: {
      ...readHeaders('OTEL_EXPORTER_OTLP_HEADERS', values, problems),
      ...readHeaders('OTEL_EXPORTER_OTLP_TRACES_HEADERS', values, problems),
    },
    timeoutMs:
      values.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT ?? values.OTEL_EXPORTER_OTLP_TIMEOUT ?? 10_000,
    compression:
      values.OTEL_EXPORTER_OTLP_TRACES_COMPRESSION ??
      values.OTEL_EXPORTER_OTLP_COMPRESSION ??
      'none',
  }
}

/** Where traces go; `undefined`: nowhere. What is wrong matters, and is said, only when they go somewhere. */
export const readTracing = (
  values: TracingEnvironment,
  problems: string[],
): TracingSettings | undefined => {
  const exporters = exportersOf(values)
  const unknown = exporters.filter((name) => !EXPORTERS.includes(name))
  if (unknown.length > 0) {
    problems.push(`OTEL_TRACES_EXPORTER names what is not known here; allowed: ${EXPORTERS}`)
  }
  const known = exporters.filter((name) => name === 'otlp' || name === 'console')
  if (known.length === 0) return undefined
  const { 'service.name': named, ...resource } = readPairs(
    'OTEL_RESOURCE_ATTRIBUTES',
    values,
    problems,
  )
  return {
    ...(known.includes('otlp') && { otlp: readOtlp(values, problems) }),
    isPrinted: known.includes('console'),
    serviceName: values.OTEL_SERVICE_NAME ?? named ?? 'fresnel',
    resource,
    sampler: values.OTEL_TRACES_SAMPLER,
    sampledShare: values.OTEL_TRACES_SAMPLER_ARG,
    batch: {
      delayMs: values.OTEL_BSP_SCHEDULE_DELAY,
      timeoutMs: values.OTEL_BSP_EXPORT_TIMEOUT,
      maxQueued: values.OTEL_BSP_MAX_QUEUE_SIZE,
      maxExported: Math.min(values.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, values.OTEL_BSP_MAX_QUEUE_SIZE),
    },
  }
}
