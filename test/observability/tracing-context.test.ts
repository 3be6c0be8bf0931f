import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import type { ProviderId } from '#test/emulators/emulator.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import { startTracedGateway, type TracedGateway } from './traced-gateway.ts'

let gateway: TracedGateway
const start = async (environment?: Record<string, string>, timeScale?: number) => {
  gateway = await startTracedGateway(environment, timeScale)
}
afterEach(() => gateway.close())

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'
const SAMPLED = { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01` }

const ask = (headers: Record<string, string> = {}, part: object = {}) =>
  gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: 'p', ...part }, headers)

/** The trace that the log has of the only request. */
const loggedTraceId = async (): Promise<string | null> =>
  (await gateway.get('/v1/requests')).body.data[0].trace_id

/** What a provider was told of the trace, by kind of call. */
const toldTo = (provider: ProviderId) =>
  gateway.emulators[provider].calls.map(({ kind, headers }) => ({
    kind,
    traceparent: headers['traceparent'],
    tracestate: headers['tracestate'],
  }))

const spanOf = async (kind: 'server' | 'internal' | 'client') => {
  const span = (await gateway.endSpans()).find((each) => each.kind === kind)
  if (!span) throw new Error(`No ${kind} span has come`)
  return span
}

describe('a request that is part of a trace', () => {
  it('goes on from it', async () => {
    await start()
    await ask({ ...SAMPLED, tracestate: 'vendor=a,other=b' })
    expect(await loggedTraceId()).toBe(TRACE_ID)
    const call = await spanOf('server')
    const { traceId, parentSpanId, traceState } = call
    expect({ traceId, parentSpanId, traceState }).toEqual({
      traceId: TRACE_ID,
      parentSpanId: SPAN_ID,
      traceState: 'vendor=a,other=b',
    })
    expect(new Set((await gateway.endSpans()).map((span) => span.traceId))).toEqual(
      new Set([TRACE_ID]),
    )
  })

  it('keeps its parts together when its body comes later than its headers', async () => {
    await start({ GATEWAY_ADMIN_KEY: 'admin' })
    const receivedBytes = async (): Promise<string | undefined> => {
      const headers = { authorization: 'Bearer admin' }
      const metrics = await (await fetch(`${gateway.url}/metrics`, { headers })).text()
      return /^fresnel_in_flight_bytes{direction="received"} (\d+)$/m.exec(metrics)?.[1]
    }
    const body = JSON.stringify({ model: `gemini/${FIRST_MODEL}`, prompt: 'p' })
    const sent = request(gateway.url + GENERATIONS, {
      method: 'POST',
      headers: {
        ...SAMPLED,
        'content-type': 'application/json',
        'content-length': body.length,
        authorization: `Bearer ${TEST_KEY}`,
      },
    })
    sent.flushHeaders()
    await expect.poll(receivedBytes, { timeout: 5_000 }).toBe(String(body.length))
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    await text(answer)
    const spans = await gateway.endSpans()
    const [call, work, attempt] = ['server', 'internal', 'client'].map((kind) =>
      spans.find((span) => span.kind === kind && span.name !== 'store image'),
    )
    expect([work?.parentSpanId, attempt?.parentSpanId]).toEqual([call?.spanId, work?.spanId])
  })

  it('has each attempt told to its provider, with all calls that belong to it', async () => {
    await start()
    gateway.emulators.gemini.setScenario({ always: 'unavailable' })
    await ask({ ...SAMPLED, tracestate: 'vendor=a' })
    const spans = await gateway.endSpans()
    const toldOf = (provider: ProviderId) => {
      const attempt = spans.find(({ attributes }) => attributes['fresnel.provider'] === provider)
      const traceparent = `00-${TRACE_ID}-${attempt?.spanId}-01`
      return { traceparent, tracestate: 'vendor=a' }
    }
    expect(toldTo('gemini')).toEqual([{ kind: 'create', ...toldOf('gemini') }])
    const [create, ...others] = toldTo('fal')
    expect(create).toEqual({ kind: 'create', ...toldOf('fal') })
    const file = others.pop()
    // Whoever holds the file of a picture is no part of the API.
    expect(file).toEqual({ kind: 'file', traceparent: undefined, tracestate: undefined })
    expect(others.length).toBeGreaterThan(1)
    for (const other of others) expect(other).toEqual({ kind: other.kind, ...toldOf('fal') })
    expect(toldOf('gemini')).not.toEqual(toldOf('fal'))
  })

  it('is not told of when its client does not trace it, but the trace goes on to the provider', async () => {
    await start()
    await ask({ traceparent: `00-${TRACE_ID}-${SPAN_ID}-00` }, { model: `gemini/${FIRST_MODEL}` })
    expect(await loggedTraceId()).toBe(TRACE_ID)
    expect(await gateway.endSpans()).toEqual([])
    const [told] = toldTo('gemini')
    expect(told?.traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-(?!${SPAN_ID})[0-9a-f]{16}-00$`))
  })

  it.each([
    ['no hexadecimal digits', `00-${'x'.repeat(32)}-${SPAN_ID}-01`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN_ID}-01`],
    ['a version that there is not', `ff-${TRACE_ID}-${SPAN_ID}-01`],
    ['more than version 00 has', `00-${TRACE_ID}-${SPAN_ID}-01-more`],
  ])('begins one of its own when its traceparent has %s', async (_what, traceparent) => {
    await start()
    await ask({ traceparent })
    const logged = await loggedTraceId()
    const { traceId, parentSpanId } = await spanOf('server')
    expect([traceId, parentSpanId]).toEqual([logged, undefined])
    expect(traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(traceId).not.toBe(TRACE_ID)
  })
})

describe('a request without a trace', () => {
  it('begins one, which the log names and the provider is told', async () => {
    await start()
    await ask()
    const logged = await loggedTraceId()
    const attempt = await spanOf('client')
    expect(attempt.traceId).toBe(logged)
    expect(toldTo('gemini')[0]?.traceparent).toBe(`00-${logged}-${attempt.spanId}-01`)
  })

  it('is told of by share, when the sampler is asked for that', async () => {
    await start({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' })
    await ask()
    await ask(SAMPLED)
    const spans = await gateway.endSpans()
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]))
  })
})

describe('requests at the same time', () => {
  it('are traces of their own, each with its own attempts and calls', async () => {
    await start({}, 20)
    const latency = { p50Ms: 3_000, p95Ms: 9_000 }
    for (const id of ['gemini', 'fal'] as const) gateway.emulators[id].setScenario({ latency })
    const all = Array.from({ length: 6 }, (_, index) => {
      const digits = String(index).padStart(2, '0')
      const model = `${index % 2 ? 'fal' : 'gemini'}/${FIRST_MODEL}`
      const headers = { traceparent: `00-${'a'.repeat(30)}${digits}-${SPAN_ID}-01` }
      return ask(headers, { model, output_format: 'avif', response_format: 'url' })
    })
    await Promise.all(all)
    const spans = await gateway.endSpans()
    const traces = Map.groupBy(spans, ({ traceId }) => traceId)
    expect(traces.size).toBe(6)
    for (const [traceId, parts] of traces) {
      const byFal = Number(traceId.slice(-2)) % 2 === 1
      expect(parts.map(({ name }) => name).toSorted()).toEqual(
        [
          ...(byFal ? ['GET'] : []),
          `POST ${GENERATIONS}`,
          'generate images',
          `generate_content ${byFal ? 'fal-ai/nano-banana-2' : 'gemini-3.1-flash-image'}`,
          'store image',
          'transcode image',
        ].toSorted(),
      )
    }
    const told = gateway.emulators.fal.calls.filter(({ kind }) => kind !== 'file')
    const ids = new Map(spans.map(({ spanId, traceId }) => [spanId, traceId]))
    for (const { headers } of told) {
      const [, traceId, spanId = ''] = headers['traceparent']?.split('-') ?? []
      expect(ids.get(spanId)).toBe(traceId)
    }
  })
})
