import type { Readable } from 'node:stream'
import type { TObject } from 'typebox'
import type { AnswerAccount } from './byte-account.ts'
import type { Clock } from './clock.ts'
import type { ProviderError } from './errors.ts'
import type { InputBytes } from './image-request.ts'
import type { JsonObject } from './json.ts'
import type { PublishedModels } from './published-model.ts'

/** An input image of an edit, already in a format and size that the offering takes. */
export interface InputImage {
  /** `image`: a picture to work on or from; `mask`: where to work. */
  readonly role: 'image' | 'mask'
  readonly bytes: InputBytes
  /** True type by the bytes, such as `image/png`. */
  readonly mediaType: string
  /** The provider's input field that this image belongs to, such as `image_urls`. */
  readonly field: string
  /** Whether that field takes a list (even of one) rather than a single image. */
  readonly isList: boolean
}

/** A job that a provider has accepted: what a later process needs to find it again. */
export interface ProviderJob {
  /** The provider's own id of it. */
  readonly id: string
}

/** One attempt at one offering: exactly one create request is sent for it. */
export interface ProviderCall {
  /** Unique per attempt; for logs. */
  readonly attemptId: string
  /** The id under which the provider knows the model. */
  readonly providerModelId: string
  /**
   * The request under the provider's own parameter names, `prompt` always among them. For the Google surfaces its
   * other keys are those of the SDK's `GenerateContentConfig`.
   */
  readonly input: Readonly<JsonObject>
  /** In the order in which the client sent them. */
  readonly images: readonly InputImage[]
  /** How many images this call is to make; above 1 only where the offering makes several natively. */
  readonly n: number
  /** The attempt's budget in real milliseconds, for providers that can be told of it; `signal` enforces it. */
  readonly timeoutMs: number
  /** Aborted when the client left or the time is up; the adapter then cancels the upstream job and rejects. */
  readonly signal: AbortSignal
  /** What the request holds in memory, its answer among it; absent: nobody counts. */
  readonly memory?: AnswerAccount
  /** Told once, as soon as the provider has accepted a job. Providers without jobs never call it. */
  readonly onJob?: (job: ProviderJob) => void
  /**
   * Given each draft as it comes, before the answer. Absent: the caller does not stream. Where it is given, a provider
   * with a streaming call uses that; others never call it.
   */
  readonly onPreview?: (image: ProviderImage) => void
}

/** A job that an earlier call created, to be brought to its end. Nothing is created. */
export interface AdoptionCall {
  readonly attemptId: string
  readonly job: ProviderJob
  /** The id under which the provider knows the model, as of the call that created the job. */
  readonly providerModelId: string
  readonly timeoutMs: number
  /** As of `ProviderCall`: the job is cancelled when it is aborted. */
  readonly signal: AbortSignal
  readonly memory?: AnswerAccount
}

/** Of an image that came in the provider's answer itself. */
interface InlineImage {
  readonly mediaType?: string
  /** Tells that nothing of the image is held any longer; absent: nobody counts. */
  readonly release?: () => void
}

/** One image as the provider handed it over. */
export type ProviderImage =
  | (InlineImage & { readonly kind: 'bytes'; readonly bytes: Uint8Array })
  | (InlineImage & {
      readonly kind: 'base64'
      /** The characters, in the pieces in which they came. Whoever reads them empties the list as it goes. */
      readonly pieces: Uint8Array[]
    })
  | {
      readonly kind: 'url'
      /** http or https; never a data URI. */
      readonly url: string
      readonly mediaType?: string
    }

/** Tokens as the provider counted them; absent fields were not reported. */
export interface ProviderUsage {
  readonly inputTokens?: number
  readonly inputTextTokens?: number
  readonly inputImageTokens?: number
  /** All output tokens, thoughts included. */
  readonly outputTokens?: number
  readonly outputTextTokens?: number
  readonly outputImageTokens?: number
  readonly thoughtTokens?: number
  readonly totalTokens?: number
}

export interface ProviderAnswer {
  /** At least one. */
  readonly images: readonly ProviderImage[]
  /** The provider's own id of the job or response; absent: it gave none. */
  readonly providerRequestId?: string
  /** The prompt as the provider rewrote it; absent: it did not. */
  readonly revisedPrompt?: string
  /** Absent: the provider counts no tokens. */
  readonly usage?: ProviderUsage
}

export interface ProviderAdapter {
  /** Rejects only with `ProviderError`. */
  generate(call: ProviderCall): Promise<ProviderAnswer>
  /**
   * Waits for a job that another process created, and reads its result. Rejects only with `ProviderError`. Absent: the
   * provider has no jobs.
   */
  adopt?(call: AdoptionCall): Promise<ProviderAnswer>
  /** Ends idle connections; absent: the adapter holds none. */
  close?(): Promise<void>
}

/** What went wrong on the wire, as every adapter's shared transport reports it. */
export interface UpstreamFailure {
  /** HTTP status; absent: no complete answer came. */
  readonly status?: number
  /** Answer headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed JSON, else the text; `undefined` when there was no body. */
  readonly body?: unknown
  /** System or transport code such as `ECONNREFUSED`, when no complete answer came. */
  readonly networkCode?: string
  /** Whether the request had been handed to the network when it failed, so that the provider may be working. */
  readonly requestLeft: boolean
}

/** Bytes that are made while they are sent, as fast as they are taken. */
export interface StreamedBody {
  /** Read once; destroyed when the request fails. */
  readonly stream: Readable
  /** Of all that the stream gives: the request announces it. */
  readonly sizeBytes: number
}

export interface UpstreamRequest {
  readonly method: string
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Absent: none. */
  readonly body?: string | Uint8Array | StreamedBody
  /** Ends the request at any point, the reading of the answer's body included, with its reason. */
  readonly signal: AbortSignal
}

/** Is told what comes of a body: any number of pieces, then one ending. A body fails with what is thrown at it. */
export interface BodyReader {
  onBytes(bytes: Buffer): void
  /** That those were all. */
  onEnd(): void
  /** That no more come: the connection was lost, the signal came, it was destroyed, or what was thrown. Must not throw. */
  onFailure(error: Error): void
}

/** The bytes of an answer as they come. Has to be read or destroyed. */
export interface UpstreamBody {
  /** Has all told, from the first on. Until then all but a little waits at the provider. Called once. */
  read(reader: BodyReader): void
  /** Ends it, and with it the connection, if all of it has not come and been told. */
  destroy(): void
}

export interface UpstreamAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Without the encoding of the transfer. */
  readonly body: UpstreamBody
}

/**
 * Sends one request and resolves as soon as the headers of its answer are there, whatever its status. Rejects with
 * `NotSentError` when nothing of it went out.
 */
export type SendUpstream = (request: UpstreamRequest) => Promise<UpstreamAnswer>

/** What the composition root gives every provider. */
export interface ProviderDependencies {
  /** HTTP with keep-alive: no retries, no redirects, no time limits but the one for connecting. */
  readonly send: SendUpstream
  readonly logger: ProviderLogger
  readonly clock: Clock
  /** Divides every poll interval, back-off and time-out of the provider; 1 in production. */
  readonly timeScale: number
}

/** The part of the logger that adapters use. Never pass prompts, images, keys or upstream bodies. */
export interface ProviderLogger {
  debug(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** A provider, as `providers/<id>/index.ts` exports it. */
export interface ProviderModule<Settings = Readonly<Record<string, string | undefined>>> {
  /** Slug in config keys, headers and answers, such as `fal`. */
  readonly id: string
  /** Name for people, such as `fal.ai`. */
  readonly name: string
  /**
   * The provider's environment variables: each property a string schema with a `description`; secrets marked
   * `secret: true`, and `default` where there is one.
   */
  readonly configSchema: TObject
  /** Whether these settings switch the provider on. */
  isConfigured(settings: Settings): boolean
  create(settings: Settings, dependencies: ProviderDependencies): ProviderAdapter
  /**
   * What the provider publishes of its models; `undefined` where these settings do not let it be read. Absent: it
   * publishes nothing.
   */
  createModels?(settings: Settings, dependencies: ProviderDependencies): PublishedModels | undefined
  /** Pure: the same failure always gives the same error. */
  classifyError(failure: UpstreamFailure): ProviderError
}
