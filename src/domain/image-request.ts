import type { Static } from 'typebox'
import type { ByteAccount } from './byte-account.ts'
import type { JsonObject } from './json.ts'
import type { InputFormat, PixelSize } from './media.ts'
import type { Mode } from './model-card.ts'
import { Type } from './schema-type.ts'

/**
 * A client's picture in the pieces in which it came, with borders anywhere. It is read as often as there are attempts, so
 * nobody changes or takes them.
 */
export interface InputBytes {
  readonly pieces: readonly Uint8Array[]
  /** Of all pieces. */
  readonly sizeBytes: number
}

/** A picture that a client sent with an edit, inspected and found sound. */
export interface UploadedImage {
  readonly bytes: InputBytes
  /** True format by the bytes. */
  readonly format: InputFormat
  /** True size by the bytes; absent: not known. */
  readonly size?: PixelSize
}

/** What matters most in the order of providers. */
export const SORTS = ['balanced', 'latency', 'price', 'success'] as const
export type Sort = (typeof SORTS)[number]

const slugs = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
    minItems: 1,
    maxItems: 32,
    description,
  })

/** The body field `provider`, which wishes for routing. Unknown names in it are reported, not refused. */
export const RoutingFieldSchema = Type.Object(
  {
    order: Type.Optional(slugs('Providers to try first, in this order.')),
    only: Type.Optional(slugs('Only these providers.')),
    ignore: Type.Optional(slugs('Never these providers.')),
    sort: Type.Optional(
      Type.Unsafe<Sort>({
        type: 'string',
        enum: [...SORTS],
        description: 'What matters most in the order.',
      }),
    ),
    max_price: Type.Optional(
      Type.Number({ minimum: 0, description: 'USD per image; dearer offerings are left out.' }),
    ),
    allow_fallbacks: Type.Optional(
      Type.Boolean({ description: 'False: only the first provider is tried.' }),
    ),
    hedge: Type.Optional(
      Type.Unsafe<boolean | 'billed'>({
        enum: [false, true, 'billed'],
        description:
          'True: a call that is slower than usual races against a second provider, where the loser costs nothing; "billed": also where it is paid for.',
      }),
    ),
    strict: Type.Optional(
      Type.Boolean({
        description: 'True: what would be a warning is an error, before anything is sent.',
      }),
    ),
  },
  { description: 'How this request is to be routed.' },
)
export type RoutingField = Static<typeof RoutingFieldSchema>

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
  /** `billed`: also where the call that loses is paid for. Absent: never. */
  readonly hedge?: boolean | 'billed'
}

/** One request for images, read from the wire but not yet checked against its model. */
export interface ImageRequest {
  /** `req_…`, or the client's own `x-request-id`. */
  readonly id: string
  /** Path that it came by, such as `/openai/v1/images/generations`. */
  readonly endpoint: string
  /** Which key it came with; absent: none is asked for. */
  readonly keyId?: string
  /** Ids and aliases of the models that its key may ask for; absent: all. */
  readonly allowedModels?: readonly string[]
  readonly mode: Mode
  /** What the client wrote: an id, an alias, `provider/model` or a config key. */
  readonly requestedModel: string
  /** All parameters under canonical names, without `model`, routing fields, images and nulls. */
  readonly parameters: Readonly<JsonObject>
  /** Empty for text to image. */
  readonly images: readonly UploadedImage[]
  /** Where the first image may be changed: a PNG of its size, transparent there. Absent: everywhere. */
  readonly mask?: UploadedImage
  readonly routing: RoutingPreferences
  /** True: everything that would be a warning is a 400 instead. */
  readonly isStrict: boolean
  /** What the client's own habits make of an absent `response_format`; absent: the model card decides. */
  readonly responseFormatDefault?: 'url' | 'b64_json'
  /** What the gateway itself cannot do of what was asked, whichever offering serves. */
  readonly warnings: readonly Warning[]
  /** Whether the answer is a stream of events; absent: it is not. */
  readonly isStreamed?: boolean
  /** Most drafts that the client wants to see; absent: none. */
  readonly previews?: number
  /** Where the result of a request that is answered at once is posted; absent: nowhere. */
  readonly webhookUrl?: string
  /** How long its images must stay in the store at least, in ms; absent: as long as their URLs. */
  readonly keepForMs?: number
  /** What the client named the session that it belongs to; absent: not given. */
  readonly sessionId?: string
  /** The W3C trace that it is part of, its client's or the gateway's own; absent: none. */
  readonly traceId?: string
  /** Of the body as it came; absent: not known. */
  readonly sizeBytes?: number
  /** What it holds in memory: its pictures, and what is answered to it. Absent: nobody counts. */
  readonly memory?: ByteAccount
  /**
   * Has what it holds be counted, also when it has ended itself, until the result is called: by whoever works with its
   * pictures for longer. Absent: nobody counts.
   */
  readonly outlive?: () => () => void
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
