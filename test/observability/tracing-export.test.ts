import { afterEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { GENERATIONS } from '#test/helpers/start-test-gateway.ts'
import { startTracedGateway, type TracedGateway } from './traced-gateway.ts'

let gateway: TracedGateway
const start = async (environment?: Record<string, string>) => {
  gateway = await startTracedGateway(environment)
}
afterEach(() => gateway.close())

const ask = () =>
  gateway.post(GENERATIONS, {
    model: `gemini/${FIRST_MODEL}`,
    prompt: 'p',
    response_format: 'b64_json',
  })

const HURRY = { OTEL_BSP_SCHEDULE_DELAY: '10' }

const warnings = () =>
  gateway
    .logText()
    .split('\n')
    .flatMap((line) => (/"msg":"traces /.test(line) ? [JSON.parse(line)] : []))
    .map(({ level, reason, msg }) => ({ level, reason, msg }))

it('the line that the log has of a request names its trace', async () => {
  await start()
  await ask()
  const [span] = await gateway.endSpans()
  const line = gateway
    .logText()
    .split('\n')
    .find((text) => text.includes('"msg":"request"'))
  expect(JSON.parse(line ?? '{}')).toMatchObject({ traceId: span?.traceId })
})

describe('an export', () => {
  it('is protobuf for the path of the specification, of a gateway with a name and a version', async () => {
    await start()
    await ask()
    const [span] = await gateway.endSpans()
    expect(gateway.collector.exports).toEqual([
      {
        path: '/v1/traces',
        headers: expect.objectContaining({ 'content-type': 'application/x-protobuf' }),
        body: expect.any(Buffer),
      },
    ])
    expect(span?.resource).toEqual({
      'service.name': 'fresnel',
      'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
      'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.version': expect.any(String),
    })
  })

  it('has the headers, the packing and the names that the variables give', async () => {
    await start({
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20YTpi, x-tenant=general',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=traces',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_SERVICE_NAME: 'pictures',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment.environment.name=caf%C3%A9',
    })
    await ask()
    const [span] = await gateway.endSpans()
    expect(gateway.collector.exports[0]?.headers).toMatchObject({
      authorization: 'Basic YTpi',
      'x-tenant': 'traces',
      'content-encoding': 'gzip',
    })
    expect(span?.resource).toMatchObject({
      'service.name': 'pictures',
      'deployment.environment.name': 'café',
    })
  })

  it('takes no more spans than it may, and those that come too many are dropped', async () => {
    await start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2', OTEL_BSP_MAX_QUEUE_SIZE: '2' })
    gateway.collector.answerWith('never')
    for (let sent = 0; sent < 4; sent += 1) expect((await ask()).status).toBe(200)
    expect(gateway.collector.exports).toHaveLength(1)
    await gateway.endSpans()
    expect(gateway.collector.exports).toHaveLength(2)
  })

  it('that fails holds up no request, and a log line says when it begins to and when it works again', async () => {
    await start(HURRY)
    gateway.collector.answerWith(401)
    for (let sent = 0; sent < 3; sent += 1) {
      expect((await ask()).status).toBe(200)
      await expect.poll(() => gateway.collector.exports.length).toBeGreaterThan(sent)
    }
    await expect.poll(warnings).toEqual([
      {
        level: 'warn',
        reason: 401,
        msg: 'traces cannot be exported: those that come too many meanwhile are dropped',
      },
    ])
    gateway.collector.answerWith(200)
    await ask()
    await expect
      .poll(warnings)
      .toContainEqual({ level: 'info', reason: undefined, msg: 'traces are exported again' })
    expect(warnings()).toHaveLength(2)
  })

  it('that nobody takes holds up no request', async () => {
    await start({
      ...HURRY,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_TIMEOUT: '100',
    })
    expect((await ask()).status).toBe(200)
    await expect
      .poll(warnings)
      .toEqual([{ level: 'warn', reason: 'ECONNREFUSED', msg: expect.any(String) }])
  })
})
