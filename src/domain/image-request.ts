import type { JsonObject } from './json.ts'
import type { InputFormat } from './media.ts'
import type { Mode } from './model-card.ts'

/** A picture that a client sent with an edit, inspected and found sound. */
export interface UploadedImage {
  readonly bytes: Buffer
  /** True format by the bytes. */
  readonly format: InputFormat
}

/** What matters most in the order of providers. */
export const SORTS = ['balanced', 'latency', 'price', 'success'] as const
export type Sort = (typeof SORTS)[number]

/** How the client wants this one request routed. Absent fields: no wish. */
export interface RoutingPreferences {
  /** Provider slugs to try first, in this order. */
  readonly order?: readonly string[]
  /** Only these provider slugs. */
  readonly only?: readonly string[]
  /** Never these provider slugs. */
  readonly ignore?: readonly string[]
  /** Absent: `balanced`. */
  readonly sort?: Sort
  /** USD per image; dearer offerings are left out. */
  readonly maxPrice?: number
  /** False: only the first candidate is tried. */
  readonly allowFallbacks?: boolean
}

/** One request for images, read from the wire but not yet checked against its model. */
export interface ImageRequest {
  /** `req_…`, or the client's own `x-request-id`. */
  readonly id: string
  readonly mode: Mode
  /** What the client wrote: an id, an alias, `provider/model` or a config key. */
  readonly requestedModel: string
  /** All parameters under canonical names, without `model`, routing fields, images and nulls. */
  readonly parameters: Readonly<JsonObject>
  /** Empty for text to image. */
  readonly images: readonly UploadedImage[]
  readonly routing: RoutingPreferences
  /** True: everything that would be a warning is a 400 instead. */
  readonly isStrict: boolean
  /** What the client's own habits make of an absent `response_format`; absent: the model card decides. */
  readonly responseFormatDefault?: 'url' | 'b64_json'
  /** Deadline of the whole request in real milliseconds from now. */
  readonly timeoutMs: number
  /** Aborted when the client went away. */
  readonly signal: AbortSignal
}

/** Something that was not done as asked. */
export interface Warning {
  readonly type: 'unsupported' | 'adjusted' | 'partial'
  /** The parameter concerned; absent: none in particular. */
  readonly param?: string
  readonly message: string
}
