import type { Warning } from '#src/domain/image-request.ts'
import type { PreparedImage } from '#src/domain/image-result.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'

/** One image that was made. */
export interface GeneratedImage {
  readonly image: PreparedImage
  /** What its offering did otherwise than asked. */
  readonly warnings: readonly Warning[]
  /** The prompt as the provider rewrote it; absent: it did not. */
  readonly revisedPrompt?: string
  /** Of the whole provider call, on its first image only; absent: on another, or none was counted. */
  readonly usage?: ProviderUsage
}
