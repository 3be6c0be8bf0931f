import { describe, expect, it } from 'vitest'
import { ProviderError } from '#src/domain/errors.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { createGenerationEvents, type RequestOutcome } from '#src/generation/events.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import { countEvents } from '#src/telemetry/count-events.ts'
import { createMetrics } from '#src/telemetry/create-metrics.ts'
import { holdChildren } from '#src/telemetry/hold-children.ts'
import { METRICS, type MetricDefinition } from '#src/telemetry/metrics.ts'
import { watchGateway } from '#src/telemetry/watch-gateway.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { imageRequest } from '#test/helpers/models.ts'
import { readSamples, type Sample } from '#test/observability/read-metrics.ts'

const catalog = {
  model: ['model-a'],
  provider: ['fal', 'gemini'],
  offering: ['fal/model-a'],
  param: ['none', 'quality'],
}

const setUp = () => {
  const metrics = createMetrics({ catalog, version: '1.2.3' })
  const events = createGenerationEvents()
  countEvents(events, metrics)
  const trace = createDecisionTrace('req_test', createFakeClock())
  trace.modelId = 'model-a'
  /** Samples of one metric that are not zero, as text. */
  const read = async (name: string) => {
    const isMeant = (sample: Sample) =>
      sample.name === name && (sample.value !== 0 || METRICS_AT_ZERO.has(name))
    return readSamples(await metrics.render())
      .filter(isMeant)
      .map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`.trim())
  }
  return { metrics, events, trace, read }
}

/** Gauges, whose zero is news. */
const METRICS_AT_ZERO = new Set(
  Object.entries<MetricDefinition>(METRICS).flatMap(([name, { type }]) =>
    type === 'gauge' ? [name] : [],
  ),
)

const attempt = (part: Partial<Attempt> = {}): Attempt => ({
  id: 'a',
  provider: 'fal',
  configKey: 'fal/model-a',
  status: 'completed',
  count: 1,
  begunMs: 0,
  durationMs: 5_100,
  providerMs: 5_000,
  cost: 80_000,
  ...part,
})

const outcome = (part: Partial<RequestOutcome> = {}): Omit<RequestOutcome, 'trace'> => ({
  request: imageRequest(),
  status: 'completed',
  durationMs: 7_000,
  cost: 80_000,
  images: 2,
  ...part,
})

describe('the table of metrics', () => {
  it.each(Object.entries<MetricDefinition>(METRICS))(
    '%s is named by the conventions',
    (name, { type, unit, help, buckets, labels }) => {
      expect(name).toMatch(/^fresnel_[a-z_]+$/)
      expect(name.endsWith('_total')).toBe(type === 'counter')
      const isBaseUnit = ['seconds', 'bytes', 'usd', 'ratio'].includes(unit)
      if (isBaseUnit) expect(name.replace(/_total$/, '')).toMatch(new RegExp(`_${unit}$`))
      expect(help).not.toMatch(/\.$/)
      expect(buckets !== undefined).toBe(type === 'histogram')
      expect([...(buckets ?? [])]).toEqual([...(buckets ?? [])].sort((one, two) => one - two))
      // Each value of each label is a series: sets that are written out stay small.
      for (const values of Object.values(labels)) {
        if (typeof values !== 'string') expect(values.length).toBeLessThan(30)
      }
    },
  )

  it('has buckets from 0.05 s to 600 s for images', () => {
    const { buckets } = METRICS.fresnel_time_to_image_seconds
    expect([buckets[0], buckets.at(-1)]).toEqual([0.05, 600])
  })
})

describe('a label value from outside its set', () => {
  it('is taken for other, and every set is made once', () => {
    const made: string[] = []
    const find = holdChildren([['a', 'b'], ['x']], (values) => {
      made.push(values.join(' '))
      return { values }
    })
    expect(find(['a', 'x'])).toBe(find(['a', 'x']))
    expect(find(['b', 'x']).values).toEqual(['b', 'x'])
    expect(find(['whatever', 'x'])).toBe(find(['something else', 'x']))
    expect(find(['a', 'whatever']).values).toEqual(['a', 'other'])
    expect(made).toEqual(['a x', 'b x', 'other x', 'a other'])
  })
})

describe('the metrics of events', () => {
  it('are there at zero before anything happened, where alerts count', async () => {
    const { metrics } = setUp()
    const text = await metrics.render()
    expect(text).toContain('fresnel_attempts_total{provider="gemini",outcome="auth"} 0')
    expect(text).toContain('fresnel_request_errors_total{code="INTERNAL_ERROR"} 0')
    expect(text).toContain('fresnel_build_info{version="1.2.3"')
  })

  it('count an attempt by provider and outcome, its time and what it cost', async () => {
    const { events, trace, read } = setUp()
    const kind = 'timeout'
    const failure = new ProviderError({ kind, workMayExist: true, publicMessage: 'late' })
    events.emit('attempt', attempt(), trace)
    events.emit('attempt', attempt({ status: 'failed', failure, cost: 40_000 }), trace)
    events.emit('attempt', attempt({ provider: 'gemini', status: 'cancelled', cost: 0 }), trace)
    expect(await read('fresnel_attempts_total')).toEqual([
      'fal completed 1',
      'fal timeout 1',
      'gemini cancelled 1',
    ])
    expect(await read('fresnel_cost_usd_total')).toEqual(['fal model-a request 0.12'])
    expect(await read('fresnel_upstream_seconds_sum')).toEqual([
      'fal completed 5',
      'fal failed 5',
      'gemini cancelled 5',
    ])
  })

  it('count what a probe found out and cost apart from the requests', async () => {
    const { events, trace, read } = setUp()
    events.emit('probe', attempt(), trace, [])
    expect(await read('fresnel_probes_total')).toEqual(['fal completed 1'])
    expect(await read('fresnel_cost_usd_total')).toEqual(['fal model-a probe 0.08'])
    expect(await read('fresnel_attempts_total')).toEqual([])
  })

  it('count a request by how it ended, its images, its time and its warnings', async () => {
    const { events, trace, read } = setUp()
    const warnings = [
      { type: 'unsupported', param: 'quality', message: 'no' },
      { type: 'unsupported', param: 'name-of-a-client', message: 'no' },
      { type: 'partial', message: 'no' },
    ] as const
    events.emit('request', { ...outcome({ warnings }), trace })
    expect(await read('fresnel_requests_total')).toEqual(['generations model-a completed 1'])
    expect(await read('fresnel_images_total')).toEqual(['model-a 2'])
    expect(await read('fresnel_time_to_image_seconds_sum')).toEqual(['generations model-a 7'])
    // No provider was waited for.
    expect(await read('fresnel_gateway_overhead_seconds_sum')).toEqual(['generations 7'])
    expect(await read('fresnel_warnings_total')).toEqual([
      'unsupported quality 1',
      'unsupported other 1',
      'partial none 1',
    ])
  })

  it('count a failed request under its code, and time no image', async () => {
    const { events, trace, read } = setUp()
    const request = imageRequest({ mode: 'image_edit' })
    const failed = { request, status: 'upstream_failure', errorCode: 'TIMEOUT', images: 0 } as const
    events.emit('request', { ...outcome(failed), trace })
    expect(await read('fresnel_requests_total')).toEqual(['edits model-a upstream_failure 1'])
    expect(await read('fresnel_request_errors_total')).toEqual(['TIMEOUT 1'])
    expect(await read('fresnel_time_to_image_seconds_count')).toEqual([])
    expect(await read('fresnel_images_total')).toEqual([])
  })

  it('call a model that there is not other, whatever the client wrote', async () => {
    const { events, read } = setUp()
    const trace = createDecisionTrace('req_test', createFakeClock())
    const request = imageRequest({ requestedModel: 'planted-model' })
    events.emit('request', { ...outcome({ request, status: 'rejected', images: 0 }), trace })
    expect(await read('fresnel_requests_total')).toEqual(['generations other rejected 1'])
  })

  it('survive amounts that make no sense', async () => {
    const { events, trace, read } = setUp()
    events.emit('attempt', attempt({ providerMs: Number.NaN, cost: -1 }), trace)
    expect(await read('fresnel_cost_usd_total')).toEqual([])
    expect(await read('fresnel_attempts_total')).toEqual(['fal completed 1'])
  })
})

describe('the gauges of a gateway', () => {
  it('are asked for anew whenever the metrics are read', async () => {
    const { metrics, read } = setUp()
    let inFlight = 3
    watchGateway(
      {
        requestsInFlight: () => inFlight,
        detachedRequests: () => 1,
        bytesInFlight: () => ({ received: 10, sending: 20 }),
        memory: () => ({ heldBytes: 7, waitingBytes: 8, limitBytes: 9 }),
        admittedRequests: () => ({ underWay: 11, limit: 12 }),
        imageQueue: () => ({ running: 2, waiting: 5 }),
        webhooksUnderWay: () => 4,
        requestLogWaiting: () => 6,
        areRunsShared: () => true,
        isRedisConfigured: true,
      },
      metrics,
    )
    expect(await read('fresnel_requests_in_flight')).toEqual(['3'])
    inFlight = 0
    expect(await read('fresnel_requests_in_flight')).toEqual(['0'])
    expect(await read('fresnel_detached_requests')).toEqual(['1'])
    expect(await read('fresnel_in_flight_bytes')).toEqual(['received 10', 'sending 20'])
    expect(await read('fresnel_memory_bytes')).toEqual(['held 7', 'waiting 8'])
    expect(await read('fresnel_memory_limit_bytes')).toEqual(['9'])
    expect(await read('fresnel_admitted_requests')).toEqual(['11'])
    expect(await read('fresnel_admitted_requests_limit')).toEqual(['12'])
    expect(await read('fresnel_image_queue')).toEqual(['running 2', 'waiting 5'])
    expect(await read('fresnel_webhooks_under_way')).toEqual(['4'])
    expect(await read('fresnel_request_log_waiting')).toEqual(['6'])
    expect(await read('fresnel_runs_shared')).toEqual(['1'])
    expect(await read('fresnel_redis_configured')).toEqual(['1'])
  })

  it('say before Redis has answered that nothing is shared', async () => {
    const { read } = setUp()
    expect(await read('fresnel_state_shared')).toEqual(['0'])
    expect(await read('fresnel_request_log_shared')).toEqual(['0'])
  })
})
