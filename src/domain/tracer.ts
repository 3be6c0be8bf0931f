import { GatewayError, ProviderError } from './errors.ts'
import type { OutputFormat } from './media.ts'
import type { Mode } from './model-card.ts'
import type { ProviderUsage } from './provider-adapter.ts'

/** W3C Trace Context as it stands in headers. */
export interface TraceHeaders {
  readonly traceparent?: string
  /** Absent: the trace carries nothing of that kind. */
  readonly tracestate?: string
}

/** A call of the API, from its first line to the last byte of its answer. */
interface CallActivity {
  readonly type: 'call'
  readonly method: string
  /** Such as `/v1/images/edits`. */
  readonly route: string
  /** As the client reached the gateway: scheme, host and port count. */
  readonly baseUrl: string
  /** Of HTTP, such as `1.1`. */
  readonly protocolVersion: string
  /** As the client sent them, not checked. */
  readonly continues: TraceHeaders
}

/** The work for one request for images, which may outlive its call. */
interface GenerationActivity {
  readonly type: 'generation'
  readonly requestId: string
  readonly mode: Mode
  /** What it belongs to when it was begun elsewhere; absent: the active span. */
  readonly continues?: TraceHeaders
}

/** One try at one offering, with all that the gateway does with its answer. */
interface AttemptActivity {
  readonly type: 'attempt'
  readonly attemptId: string
  readonly provider: string
  readonly configKey: string
  /** The id under which the provider knows the model. */
  readonly providerModelId: string
  /** Images asked of it. */
  readonly count: number
  /** `probe`: a paid copy of a request; `adoption`: a job that an earlier process or request created. */
  readonly purpose: 'request' | 'probe' | 'adoption'
}

/** The download of a picture. */
interface FetchActivity {
  readonly type: 'fetch'
  /** Who named the URL. */
  readonly purpose: 'provider_output' | 'client_input'
  /** Only its scheme, host and port are told. */
  readonly url: string
}

/** Decoding a picture and encoding it anew, the wait for its turn included. */
interface TranscodingActivity {
  readonly type: 'transcoding'
  readonly purpose: 'provider_output' | 'client_input'
  readonly format: OutputFormat
}

/** Putting a picture into the store of hosted images. */
interface HostingActivity {
  readonly type: 'hosting'
  readonly format: OutputFormat
}

/** What a span stands for. */
export type Activity =
  | CallActivity
  | GenerationActivity
  | AttemptActivity
  | FetchActivity
  | TranscodingActivity
  | HostingActivity

/** What has become known of an activity. Never prompts, images, keys or whole URLs. Absent fields: nothing new. */
export interface SpanFacts {
  /** How it ended, as a word of a closed set. */
  readonly outcome?: string
  /** What went wrong, as a word of a closed set. */
  readonly errorType?: string
  /** False: what went wrong is nobody's failure here, such as a client's own mistake. Absent: it is one. */
  readonly isFailure?: boolean
  /** Status of the answer, given or got. */
  readonly httpStatus?: number
  /** Where the other side is; only host and port are told. */
  readonly serverUrl?: URL
  /** Under which name the provider knows the work. */
  readonly providerRequestId?: string
  /** Canonical id. */
  readonly modelId?: string
  readonly usage?: ProviderUsage
  /** How many came of it. */
  readonly images?: number
  readonly costUsd?: number
  readonly sizeBytes?: number
}

/** One activity under way. */
export interface Span {
  /** 32 hexadecimal digits; absent: nothing is traced. */
  readonly traceId?: string
  note(facts: SpanFacts): void
  /** Further calls do nothing. */
  end(): void
}

/** Tells what takes how long, and what belongs together. Never throws, never waits. */
export interface Tracer {
  /** False: nothing is traced, and nothing needs to be made ready for it. */
  readonly isOn: boolean
  /** Begins a part of the active span, or of what the activity continues. It has to be ended. */
  start(activity: Activity): Span
  /** Runs work with the span as the active one: for all that it calls and waits for. */
  within<T>(span: Span, work: () => T): T
  /** What the caller is a part of. */
  active(): Span
  /** With what another system goes on from the active span. */
  headers(): TraceHeaders
}

const NO_SPAN: Span = { note: () => undefined, end: () => undefined }

/** Traces nothing. */
export const NO_TRACER: Tracer = {
  isOn: false,
  start: () => NO_SPAN,
  within: (_span, work) => work(),
  active: () => NO_SPAN,
  headers: () => ({}),
}

/** What an error tells about an activity that ended in it: its class, never its text. */
export const factsOfError = (error: unknown): SpanFacts => {
  if (error instanceof ProviderError) {
    return { errorType: error.kind, isFailure: error.kind !== 'cancelled' }
  }
  if (error instanceof GatewayError) {
    return { errorType: error.code, isFailure: error.status >= 500 }
  }
  return { errorType: error instanceof Error ? error.name : '_OTHER' }
}

/** Runs work as an activity of its own. `describe`: what an error tells about it. */
export const traced = async <T>(
  tracer: Tracer,
  activity: Activity,
  work: (span: Span) => Promise<T>,
  describe: (error: unknown) => SpanFacts = factsOfError,
): Promise<T> => {
  if (!tracer.isOn) return work(NO_SPAN)
  const span = tracer.start(activity)
  try {
    return await tracer.within(span, () => work(span))
  } catch (error) {
    span.note(describe(error))
    throw error
  } finally {
    span.end()
  }
}
