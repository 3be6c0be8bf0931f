import { describe, expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { ConfigError, readConfig } from '#src/config.ts'

const read = (environment: Record<string, string>) =>
  readConfig({ FAL_KEY: 'k', ...environment }, providerModules).tracing

const problemsOf = (environment: Record<string, string>): string => {
  try {
    read(environment)
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

/** What an endpoint alone makes of everything else. */
const USUAL = {
  otlp: {
    url: 'http://collector:4318/v1/traces',
    headers: {},
    timeoutMs: 10_000,
    compression: 'none',
  },
  isPrinted: false,
  serviceName: 'fresnel',
  resource: {},
  sampler: 'parentbased_always_on',
  sampledShare: 1,
  batch: { delayMs: 5_000, timeoutMs: 30_000, maxQueued: 2_048, maxExported: 512 },
}

describe('tracing', () => {
  it.each<[string, Record<string, string>]>([
    ['nothing is set', {}],
    ['no exporter is named', { OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' }],
    ['the exporter is none', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
    ['the SDK is off', { ...ENDPOINT, OTEL_SDK_DISABLED: 'True', OTEL_TRACES_EXPORTER: 'console' }],
    ['what is wrong would not be used', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
    ['it is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_TRACES_EXPORTER: '' }],
  ])('is off when %s', (_what, environment) => {
    expect(read(environment)).toBeUndefined()
  })

  it('is on with an endpoint, everything else as the specification has it', () => {
    expect(read(ENDPOINT)).toEqual(USUAL)
    expect(read({ ...ENDPOINT, OTEL_SDK_DISABLED: 'no' })).toEqual(USUAL)
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' })).toEqual(USUAL)
  })

  it('has an exporter named without an endpoint send to this machine, or print', () => {
    expect(read({ OTEL_TRACES_EXPORTER: 'otlp' })?.otlp?.url).toBe(
      'http://localhost:4318/v1/traces',
    )
    const { otlp: _none, ...printing } = { ...USUAL, isPrinted: true }
    expect(read({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'console' })).toEqual(printing)
    expect(read({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'otlp, console' })).toEqual({
      ...USUAL,
      isPrinted: true,
    })
  })

  it('puts what is said of traces before what is said of everything', () => {
    expect(
      read({
        ...ENDPOINT,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces/own',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2',
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=3',
        OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
        OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2000',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
        OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
      }),
    ).toEqual({
      ...USUAL,
      otlp: {
        url: 'https://traces/own',
        headers: { a: '1', b: '3' },
        timeoutMs: 2_000,
        compression: 'gzip',
      },
    })
  })

  it('takes names, samplers and sizes', () => {
    expect(
      read({
        ...ENDPOINT,
        OTEL_RESOURCE_ATTRIBUTES: 'service.name=one, team=a%2Cb ,empty=',
        OTEL_TRACES_SAMPLER: 'traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.25',
        OTEL_BSP_SCHEDULE_DELAY: '1',
        OTEL_BSP_EXPORT_TIMEOUT: '2',
        OTEL_BSP_MAX_QUEUE_SIZE: '3',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4',
      }),
    ).toEqual({
      ...USUAL,
      serviceName: 'one',
      resource: { team: 'a,b', empty: '' },
      sampler: 'traceidratio',
      sampledShare: 0.25,
      batch: { delayMs: 1, timeoutMs: 2, maxQueued: 3, maxExported: 3 },
    })
    const named = { OTEL_SERVICE_NAME: 'two', OTEL_RESOURCE_ATTRIBUTES: 'service.name=one' }
    expect(read({ ...ENDPOINT, ...named })?.serviceName).toBe('two')
  })

  it('takes headers as they are written: with spaces, and percent-encoded', () => {
    const headers = 'authorization=Bearer a b, x-more=c%3Dd, x-odd=100%'
    expect(read({ ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: headers })?.otlp?.headers).toEqual({
      authorization: 'Bearer a b',
      'x-more': 'c=d',
      'x-odd': '100%',
    })
  })

  it.each<[string, Record<string, string>]>([
    ['OTEL_TRACES_EXPORTER', { OTEL_TRACES_EXPORTER: 'zipkin' }],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }],
    ['ENDPOINT', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://[' }],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
    ['OTEL_EXPORTER_OTLP_HEADERS', { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'secret' }],
    ['OTEL_EXPORTER_OTLP_HEADERS', { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'a=secret%0A' }],
    ['OTEL_EXPORTER_OTLP_HEADERS', { ...ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: 'ä=secret' }],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', { OTEL_EXPORTER_OTLP_TIMEOUT: '0' }],
    ['OTEL_EXPORTER_OTLP_COMPRESSION', { OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' }],
    ['OTEL_RESOURCE_ATTRIBUTES', { ...ENDPOINT, OTEL_RESOURCE_ATTRIBUTES: 'team' }],
    ['OTEL_TRACES_SAMPLER', { OTEL_TRACES_SAMPLER: 'xray' }],
    ['OTEL_TRACES_SAMPLER_ARG', { OTEL_TRACES_SAMPLER_ARG: '2' }],
    ['OTEL_BSP_MAX_QUEUE_SIZE', { OTEL_BSP_MAX_QUEUE_SIZE: '0' }],
  ])(
    'is refused with a %s that cannot be obeyed, whose value is not shown',
    (name, environment) => {
      const problems = problemsOf(environment)
      expect(problems).toContain(name)
      expect(problems).not.toContain('secret')
    },
  )
})
