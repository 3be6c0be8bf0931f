import { measure, readHead } from '#src/bytes/byte-source.ts'
import { holdBytes } from '#src/bytes/held-bytes.ts'
import { createGatherer } from '#src/bytes/pieces.ts'
import type { Reservation } from '#src/domain/byte-account.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import { type ArrivingImage, hostArrivingImage } from './host-arriving-image.ts'
import type { PreparationDependencies } from './preparation-dependencies.ts'
import { prepareHeldImage } from './prepare-held-image.ts'
import { conversionTarget, HEAD_BYTES, recogniseFormat, tooLarge } from './recognise-image.ts'

/** Bytes that a file is taken for before it is asked for: most images. */
const USUAL_BYTES = 4 * 1024 * 1024

/** Holds an image whole, in the pieces in which it comes. */
const hold = async (
  { meter }: ArrivingImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
  room: Reservation | undefined,
): Promise<PreparedImage> => {
  const pieces: Uint8Array[] = []
  const gather = createGatherer(pieces)
  for await (const piece of meter.source) {
    gather(piece)
    if (room && meter.sizeBytes() > room.bytes) room.grow(meter.sizeBytes() - room.bytes)
  }
  room?.shrink(room.bytes - meter.sizeBytes())
  const image = { bytes: holdBytes(pieces), release: () => room?.release() }
  return prepareHeldImage(image, wanted, dependencies)
}

const fetchAndPrepare = async (
  url: string,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
  room: Reservation | undefined,
): Promise<PreparedImage> => {
  const { fetcher, signal, maxImageBytes } = dependencies
  const { stream } = await fetcher.fetch(url, {
    signal,
    purpose: 'provider_output',
    maxBytes: maxImageBytes,
  })
  try {
    const { head, all } = await readHead(stream, HEAD_BYTES)
    const format = recogniseFormat(head)
    const meter = measure(all, maxImageBytes, () => tooLarge(maxImageBytes))
    const arriving = { format, head, meter }
    if (wanted.responseFormat === 'b64_json' || conversionTarget(format, wanted)) {
      return await hold(arriving, wanted, dependencies, room)
    }
    const prepared = await hostArrivingImage(arriving, wanted, dependencies)
    room?.release()
    return prepared
  } finally {
    stream.destroy()
  }
}

/** Whether the file will be held, as far as can be said before its format is known. */
const mayBeHeld = ({ responseFormat, outputFormat, outputCompression }: WantedImages): boolean =>
  responseFormat === 'b64_json' || outputFormat !== undefined || outputCompression !== undefined

/**
 * Fetches an image and makes it ready. There has to be room for it before it is asked for, as from then on the time of
 * the download runs.
 */
export const prepareImageFile = async (
  url: string,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<PreparedImage> => {
  const { memory, store, signal } = dependencies
  const expectedBytes = mayBeHeld(wanted) ? USUAL_BYTES : (store.putHoldsBytes ?? 0)
  const room = expectedBytes > 0 ? await memory?.reserve(expectedBytes, signal) : undefined
  try {
    return await fetchAndPrepare(url, wanted, dependencies, room)
  } catch (error) {
    room?.release()
    throw error
  }
}
