import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { OutputFormat, PixelSize } from '#src/domain/media.ts'
import type { MediaStore, StoredMedia, StoreOptions } from './media-store.ts'
import type { PreparationDependencies } from './preparation-dependencies.ts'

/** How an image is stored. A file that is wanted for longer outlives a URL that is given out in the last moment. */
export const storeOptionsOf = (
  format: OutputFormat,
  { keepForMs = 0 }: WantedImages,
  { clock, mediaTtlMs, signal }: PreparationDependencies,
): StoreOptions => ({
  format,
  expiresAtMs: clock.now() + mediaTtlMs + keepForMs,
  signal,
})

/** A stored image, as it is answered by URL. */
export const hostedImage = (
  { file, sizeBytes }: StoredMedia,
  format: OutputFormat,
  size: PixelSize,
  { signer, clock, mediaTtlMs }: PreparationDependencies,
): PreparedImage => {
  const path = signer.sign(file, clock.now() + mediaTtlMs)
  return { format, size, sizeBytes, file, content: { kind: 'hosted', path } }
}

/** Removes stored images. What cannot be removed now is swept later: that must not hide why it was to be. */
export const discardFiles = async (files: readonly string[], store: MediaStore): Promise<void> => {
  await Promise.allSettled(files.map((file) => store.remove(file)))
}
