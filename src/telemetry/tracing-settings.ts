/** Values of `OTEL_TRACES_SAMPLER` that need nothing but the SDK. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const
export type SamplerName = (typeof SAMPLERS)[number]

/** Where traces go, and which: what the variables of OpenTelemetry's specification say. */
export interface TracingSettings {
  /** Absent: nowhere by OTLP. */
  readonly otlp?: {
    /** Whole, with its path. */
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
    /** Of one export, its repeats included. */
    readonly timeoutMs: number
    readonly compression: 'none' | 'gzip'
  }
  /** Whether spans are printed, for looking at while developing. */
  readonly isPrinted: boolean
  readonly serviceName: string
  /** What else is said of this gateway in every trace. */
  readonly resource: Readonly<Record<string, string>>
  readonly sampler: SamplerName
  /** Part of the traces that ratio samplers take, 0 to 1. */
  readonly sampledShare: number
  readonly batch: {
    /** Longest wait of a span that has ended. */
    readonly delayMs: number
    readonly timeoutMs: number
    /** Spans that wait; more are dropped. */
    readonly maxQueued: number
    readonly maxExported: number
  }
}
