import type { OutputFormat, PixelSize } from './media.ts'

/** What the client wants to be handed. */
export interface WantedImages {
  readonly responseFormat: 'url' | 'b64_json'
  /** Absent: whatever the provider gives. */
  readonly outputFormat?: OutputFormat
  /** Encoder quality 0–100 for jpeg, webp and avif; absent: the encoder's default. */
  readonly outputCompression?: number
  /**
   * Milliseconds for which the image has to stay in the store at least, also one that is answered as bytes. Absent: as
   * long as its URL can be opened, and an image without a URL is not stored.
   */
  readonly keepForMs?: number
}

/** An image ready to be answered: hosted by the gateway, or held as bytes. */
export interface PreparedImage {
  /** True format by the bytes. */
  readonly format: OutputFormat
  /** True size by the bytes. */
  readonly size: PixelSize
  readonly sizeBytes: number
  /** Name in the store of hosted images, from which a URL can be signed again; absent: it is not there. */
  readonly file?: string
  readonly content:
    | {
        readonly kind: 'hosted'
        /** Path with signed query, from the root: `/v1/media/…?expires=…&signature=…`. */
        readonly path: string
      }
    | { readonly kind: 'bytes'; readonly bytes: Buffer }
}
