import type { GatewayErrorCode } from './errors.ts'
import type { Warning } from './image-request.ts'
import type { PreparedImage, WantedImages } from './image-result.ts'
import type { OutputFormat, PixelSize } from './media.ts'
import type { Mode } from './model-card.ts'
import type { MicroUsd } from './money.ts'
import type { ProviderUsage } from './provider-adapter.ts'
import type { AttemptRecord } from './request-record.ts'

/** One image of an answer. */
export interface AnswerImage {
  readonly image: PreparedImage
  /** The prompt as the provider rewrote it; absent: it did not. */
  readonly revisedPrompt?: string
}

/** What an answer tells besides its images. Plain data: it can be kept. */
export interface AnswerFacts {
  readonly requestId: string
  /** Of the request, as the request log has it: tells it from others with its id. */
  readonly requestNonce: string
  /** When it was ready, in wall-clock ms. */
  readonly createdAtMs: number
  readonly mode: Mode
  /** Canonical id. */
  readonly modelId: string
  readonly responseFormat: WantedImages['responseFormat']
  /** Config key of the offering that served it, or the last of several. */
  readonly configKey: string
  readonly provider: string
  /** In the order in which they ended. */
  readonly attempts: readonly AttemptRecord[]
  /** Tokens of all provider calls together; absent: no provider counted any. */
  readonly usage?: ProviderUsage
  /** Everything that was not done as asked, each once. */
  readonly warnings: readonly Warning[]
  /** Wasted attempts that may be billed included. */
  readonly cost: MicroUsd
  /** Whether fewer images came than were asked for. */
  readonly isPartial: boolean
}

/** A request for images that was served, before it has a shape on the wire. */
export interface ImageAnswer extends AnswerFacts {
  /** At least one. */
  readonly images: readonly AnswerImage[]
}

/** An image of an answer that is kept: where its bytes lie, not the bytes. */
export interface KeptImage {
  /** Name in the media store. */
  readonly file: string
  readonly format: OutputFormat
  readonly size: PixelSize
  readonly sizeBytes: number
  readonly revisedPrompt?: string
}

/** How a request ended, kept to be told again. Plain data. */
export type KeptAnswer =
  | (AnswerFacts & { readonly kind: 'images'; readonly images: readonly KeptImage[] })
  | {
      readonly kind: 'error'
      readonly code: GatewayErrorCode
      readonly message: string
      readonly status: number
      /** Request field that is wrong; absent: none in particular. */
      readonly param?: string
    }
  /** The request was taken on, to be answered later: what came of it is that request's own. */
  | { readonly kind: 'accepted'; readonly requestId: string }
