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

/**
 * Bytes that are held in the pieces in which they came, with borders anywhere. They are taken once: whoever reads them
 * empties the list as it goes, so that memory is free again while others are still waited for.
 */
export interface HeldBytes {
  /** What the pieces are together: the bytes, or their base64 by the standard, rightly padded. */
  readonly form: 'bytes' | 'base64'
  readonly pieces: Uint8Array[]
  /** Of the bytes themselves. */
  readonly sizeBytes: number
}

/** An image ready to be answered: hosted by the gateway, or held as bytes. */
export interface PreparedImage {
  /** True format by the bytes. */
  readonly format: OutputFormat
  /** True size by the bytes. */
  readonly size: PixelSize
  readonly sizeBytes: number
  /** True: it could not be converted as wanted, and is as its provider made it. Absent: it is as wanted. */
  readonly isUnconverted?: true
  /** Name in the store of hosted images, from which a URL can be signed again; absent: it is not there. */
  readonly file?: string
  readonly content:
    | {
        readonly kind: 'hosted'
        /** Path with signed query, from the root: `/v1/media/…?expires=…&signature=…`. */
        readonly path: string
      }
    | { readonly kind: 'held'; readonly bytes: HeldBytes }
}
