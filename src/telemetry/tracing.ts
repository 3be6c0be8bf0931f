import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Tracer as OpenTelemetryTracer,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  type Sampler,
  SimpleSpanProcessor,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Logger } from 'pino'
import { type Activity, NO_TRACER, type Span, type Tracer } from '#src/domain/tracer.ts'
import { attributesOf, shapeOf } from './span-shapes.ts'
import { tellExportTrouble } from './tell-export-trouble.ts'
import type { SamplerName, TracingSettings } from './tracing-settings.ts'

/** How long the end of the process waits for the last spans to be taken, in ms. */
const LAST_EXPORT_MS = 3_000

/** A tracer at work. */
export interface Tracing {
  readonly tracer: Tracer
  /** Sends what has ended, for three seconds at most. Never rejects. */
  close(): Promise<void>
}

interface ActiveSpan extends Span {
  readonly context: Context
}

const propagator = new W3CTraceContextPropagator()

const contextOf = (activity: Activity, active: ActiveSpan | undefined): Context =>
  'continues' in activity && activity.continues
    ? propagator.extract(ROOT_CONTEXT, activity.continues, defaultTextMapGetter)
    : (active?.context ?? ROOT_CONTEXT)

const beginSpan = (
  sdk: OpenTelemetryTracer,
  activity: Activity,
  active: ActiveSpan | undefined,
): ActiveSpan => {
  const { name, ...options } = shapeOf(activity)
  const parent = contextOf(activity, active)
  const span = sdk.startSpan(name, options, parent)
  return {
    traceId: span.spanContext().traceId,
    context: trace.setSpan(parent, span),
    note: (facts) => {
      if (!span.isRecording()) return
      span.setAttributes(attributesOf(facts))
      const hasFailed = facts.errorType !== undefined && facts.isFailure !== false
      if (hasFailed) span.setStatus({ code: SpanStatusCode.ERROR })
    },
    end: () => span.end(),
  }
}

/** What is active is kept by an `AsyncLocalStorage` of its own: several gateways in one process do not meet. */
export const createTracer = (sdk: OpenTelemetryTracer): Tracer => {
  const storage = new AsyncLocalStorage<ActiveSpan>()
  return {
    isOn: true,
    start: (activity) => beginSpan(sdk, activity, storage.getStore()),
    within: (span, work) => storage.run(span as ActiveSpan, work),
    active: () => storage.getStore() ?? NO_TRACER.active(),
    headers: () => {
      const headers: Record<string, string> = {}
      const active = storage.getStore()
      if (active) propagator.inject(active.context, headers, defaultTextMapSetter)
      return headers
    },
  }
}

const createSampler = (name: SamplerName, share: number): Sampler => {
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(share)
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() })
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() })
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) })
  }
}

type ExporterOptions = NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]>

const createOtlpProcessor = (
  { url, headers, timeoutMs, compression }: NonNullable<TracingSettings['otlp']>,
  batch: TracingSettings['batch'],
  logger: Logger,
): SpanProcessor => {
  const exporter = new OTLPTraceExporter({
    url,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    // The names of the specification are those of the enum, whose package is not ours.
    compression: compression as NonNullable<ExporterOptions['compression']>,
  })
  return new BatchSpanProcessor({
    exporter: tellExportTrouble(exporter, logger),
    scheduledDelayMillis: batch.delayMs,
    exportTimeoutMillis: batch.timeoutMs,
    maxQueueSize: batch.maxQueued,
    maxExportBatchSize: batch.maxExported,
  })
}

const createProcessors = (
  { otlp, isPrinted, batch }: TracingSettings,
  logger: Logger,
): SpanProcessor[] => [
  ...(otlp ? [createOtlpProcessor(otlp, batch, logger)] : []),
  ...(isPrinted ? [new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })] : []),
]

/** Begins to trace. `version`: the gateway's. */
export const createTracing = (
  settings: TracingSettings,
  { logger, version }: { readonly logger: Logger; readonly version: string },
): Tracing => {
  const own = { 'service.version': version, 'service.instance.id': crypto.randomUUID() }
  const provider = new TracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({
        ...own,
        ...settings.resource,
        'service.name': settings.serviceName,
      }),
    ),
    sampler: createSampler(settings.sampler, settings.sampledShare),
    spanProcessors: createProcessors(settings, logger),
  })
  const close = async (): Promise<void> => {
    const over = new AbortController()
    const late = sleep(LAST_EXPORT_MS, undefined, { signal: over.signal }).catch(() => undefined)
    // Why it failed has been told already.
    await Promise.race([provider.shutdown().catch(() => undefined), late])
    over.abort()
  }
  return { tracer: createTracer(provider.getTracer('fresnel', version)), close }
}
