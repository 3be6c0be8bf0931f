import type { ByteAccount } from '#src/domain/byte-account.ts'
import type { Clock } from '#src/domain/clock.ts'
import type { convertImage } from './convert.ts'
import type { ImageFetcher } from './fetch-image.ts'
import type { MediaStore } from './media-store.ts'
import type { MediaSigner } from './media-url.ts'

/** What a provider's images are prepared with. */
export interface PreparationDependencies {
  readonly fetcher: ImageFetcher
  readonly store: MediaStore
  readonly signer: MediaSigner
  readonly clock: Clock
  /** Milliseconds for which a hosted image can be opened. */
  readonly mediaTtlMs: number
  /** Largest image in bytes that is taken from a provider. */
  readonly maxImageBytes: number
  /** Aborted when the client left or the request's time is up. */
  readonly signal: AbortSignal
  /** Pauses in milliseconds before a broken fetch is tried again, one for each. */
  readonly retryDelaysMs: readonly number[]
  /** Told when an image that is answered as bytes could not be kept besides. */
  readonly onNotKept: (error: unknown) => void
  /** Where what is held is counted; absent: nobody counts. */
  readonly memory?: ByteAccount | undefined
  /** Instead of `convertImage`; absent: that. */
  readonly convert?: typeof convertImage
}
