import { type ByteMeter, collect } from '#src/bytes/byte-source.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { OutputFormat, PixelSize } from '#src/domain/media.ts'
import { hasCompleteEnd } from './completeness.ts'
import { discardFiles, hostedImage, storeOptionsOf } from './host-image.ts'
import type { MediaStore, StoredMedia } from './media-store.ts'
import { cannotCheck } from './output-errors.ts'
import type { PreparationDependencies } from './preparation-dependencies.ts'
import { requireComplete } from './recognise-image.ts'
import { readSizeFromHead } from './sniff.ts'

/** One image on its way: its first bytes seen, the rest still to come. */
export interface ArrivingImage {
  readonly format: OutputFormat
  readonly head: Buffer
  readonly meter: ByteMeter
}

const readBack = async (file: string, store: MediaStore): Promise<Buffer | undefined> => {
  try {
    const opened = await store.open(file)
    return opened && (await collect(opened.stream))
  } catch {
    throw cannotCheck()
  }
}

/** The size of a stored image, read back only when its ends leave a doubt. */
const sizeOfStored = async (
  { format, head, meter }: ArrivingImage,
  { file }: StoredMedia,
  { store, signal, memory }: PreparationDependencies,
): Promise<PixelSize> => {
  const ends = { head, tail: meter.tail(), sizeBytes: meter.sizeBytes() }
  const size = await readSizeFromHead(format, head)
  if (size && hasCompleteEnd(format, ends)) return size
  // Held whole now, until its turn to be decoded has come.
  const room = await memory?.reserve(meter.sizeBytes(), signal)
  try {
    const bytes = await readBack(file, store)
    if (!bytes) throw cannotCheck()
    return await requireComplete(format, bytes, signal)
  } finally {
    room?.release()
  }
}

/** Passes an image on into the store as it comes, never holding it whole. */
export const hostArrivingImage = async (
  arriving: ArrivingImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<PreparedImage> => {
  const { store } = dependencies
  const { format } = arriving
  const options = storeOptionsOf(format, wanted, dependencies)
  const stored = await store.put(arriving.meter.source, options)
  try {
    const size = await sizeOfStored(arriving, stored, dependencies)
    return hostedImage(stored, format, size, dependencies)
  } catch (error) {
    await discardFiles([stored.file], store)
    throw error
  }
}
