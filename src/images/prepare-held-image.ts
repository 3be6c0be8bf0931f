import { measure, TAIL_BYTES } from '#src/bytes/byte-source.ts'
import {
  firstBytes,
  holdBase64,
  holdBytes,
  lastBytes,
  sameBytes,
  takeBytes,
  takeWhole,
} from '#src/bytes/held-bytes.ts'
import type { HeldBytes, PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { OutputFormat } from '#src/domain/media.ts'
import { canDecode, hasCompleteEnd, isTooLargeToDecode } from './completeness.ts'
import { convertImage } from './convert.ts'
import { hostArrivingImage } from './host-arriving-image.ts'
import { hostedImage, storeOptionsOf } from './host-image.ts'
import { badImage } from './output-errors.ts'
import type { PreparationDependencies } from './preparation-dependencies.ts'
import {
  conversionTarget,
  readHeadOf,
  recogniseFormat,
  requireComplete,
  tooLarge,
} from './recognise-image.ts'
import { readImageHeader, readSizeFromHead } from './sniff.ts'

/** An image that is in memory. */
export interface HeldImage {
  readonly bytes: HeldBytes
  /** Tells that it is there no longer. */
  readonly release: () => void
}

/** An image whose bytes are good. */
interface CheckedImage
  extends HeldImage,
    Pick<PreparedImage, 'format' | 'size' | 'isUnconverted'> {}

/** Makes room for what is held only while something is done with it. */
const inRoom = async <T>(
  sizeBytes: number,
  { memory, signal }: PreparationDependencies,
  work: () => Promise<T>,
): Promise<T> => {
  const room = await memory?.reserve(sizeBytes, signal)
  return work().finally(() => room?.release())
}

/** Decoded whole only when its ends leave a doubt. */
const check = async (
  format: OutputFormat,
  head: Buffer,
  { bytes, release }: HeldImage,
  dependencies: PreparationDependencies,
): Promise<CheckedImage> => {
  const ends = { head, tail: lastBytes(bytes, TAIL_BYTES), sizeBytes: bytes.sizeBytes }
  const known = await readSizeFromHead(format, head)
  const size =
    known && hasCompleteEnd(format, ends)
      ? known
      : await inRoom(bytes.sizeBytes, dependencies, async () =>
          requireComplete(format, await takeWhole(sameBytes(bytes)), dependencies.signal),
        )
  return { bytes, release, format, size }
}

/** An image that is one piece. */
interface WholeImage extends Pick<PreparedImage, 'format' | 'size' | 'isUnconverted'> {
  readonly bytes: Buffer
}

/**
 * What an image is that could not be converted: as it came, if it is sound. It was paid for, and no encoder takes all
 * that decoders do (WebP 16,383 pixels a side). Rejects when it is the image that is to blame.
 */
const asItCame = async (
  format: OutputFormat,
  bytes: Buffer,
  signal: AbortSignal,
): Promise<WholeImage> => {
  const isSound = (await canDecode(bytes, undefined, signal)) || (await isTooLargeToDecode(bytes))
  if (!isSound) throw badImage('cannot be decoded')
  const { size } = await readImageHeader(format, bytes)
  return { bytes, format, size, isUnconverted: true }
}

/** In the wanted format, or in its own where it cannot be encoded in that one. */
const encodeAnew = async (
  format: OutputFormat,
  bytes: Buffer,
  to: OutputFormat,
  { outputCompression: quality }: WantedImages,
  { signal, convert = convertImage }: PreparationDependencies,
): Promise<WholeImage> => {
  const options = quality === undefined ? { to, signal } : { to, quality, signal }
  try {
    return { ...(await convert(bytes, options)), format: to }
  } catch (error) {
    if (signal.aborted) throw error
    return asItCame(format, bytes, signal)
  }
}

const convert = async (
  image: HeldImage,
  format: OutputFormat,
  to: OutputFormat,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<CheckedImage> => {
  const { memory, signal } = dependencies
  const room = await memory?.reserve(image.bytes.sizeBytes, signal)
  const release = (): void => room?.release()
  try {
    const original = await takeWhole(image.bytes)
    image.release()
    const { bytes, ...facts } = await encodeAnew(format, original, to, wanted, dependencies)
    room?.shrink(room.bytes)
    room?.grow(bytes.length)
    return { bytes: holdBytes([bytes]), release, ...facts }
  } catch (error) {
    release()
    throw error
  }
}

/** Keeps an image that is answered as bytes. It was paid for and is in hand: a store that fails does not lose it. */
const keep = async (
  { bytes, format }: CheckedImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<{ readonly file?: string }> => {
  if (wanted.keepForMs === undefined) return {}
  const { store, signal, onNotKept, memory } = dependencies
  // Counted and not waited for: the image is as good as answered.
  const room = memory?.hold(Math.min(store.putHoldsBytes ?? 0, bytes.sizeBytes))
  try {
    const options = storeOptionsOf(format, wanted, dependencies)
    const { file } = await store.put(takeBytes(sameBytes(bytes)), options)
    return { file }
  } catch (error) {
    if (signal.aborted) throw error
    onNotKept(error)
    return {}
  } finally {
    room?.release()
  }
}

/** Leaves an image in memory, to be answered from there. */
const leaveHeld = async (
  image: CheckedImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<PreparedImage> => {
  const { bytes, release: _ends, ...facts } = image
  const { sizeBytes } = bytes
  const kept = await keep(image, wanted, dependencies)
  return { ...facts, sizeBytes, ...kept, content: { kind: 'held', bytes } }
}

const hostConverted = async (
  { format, size, bytes, release, isUnconverted }: CheckedImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<PreparedImage> => {
  const options = storeOptionsOf(format, wanted, dependencies)
  const stored = await dependencies.store.put(await takeWhole(bytes), options)
  release()
  const hosted = hostedImage(stored, format, size, dependencies)
  return isUnconverted ? { ...hosted, isUnconverted } : hosted
}

const deliverConverted = async (
  image: CheckedImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<PreparedImage> => {
  const deliver = wanted.responseFormat === 'url' ? hostConverted : leaveHeld
  try {
    return await deliver(image, wanted, dependencies)
  } catch (error) {
    image.release()
    throw error
  }
}

/** Hosts an image as it is. What is held as base64 becomes bytes only as it is stored. */
const host = async (
  format: OutputFormat,
  head: Buffer,
  { bytes, release }: HeldImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<PreparedImage> => {
  const { maxImageBytes } = dependencies
  const meter = measure(takeBytes(bytes), maxImageBytes, () => tooLarge(maxImageBytes))
  const prepared = await hostArrivingImage({ format, head, meter }, wanted, dependencies)
  release()
  return prepared
}

/**
 * Checks an image that is held, converts it where that is wanted and can be done, and hosts it or leaves it held. Its
 * base64 may be raw. When it fails, the image is still to be released.
 */
export const prepareHeldImage = async (
  image: HeldImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<PreparedImage> => {
  const { maxImageBytes } = dependencies
  const head = readHeadOf((wished) => firstBytes(image.bytes, wished))
  const format = recogniseFormat(head)
  if (image.bytes.sizeBytes > maxImageBytes) throw tooLarge(maxImageBytes)
  const to = conversionTarget(format, wanted)
  if (to) {
    const converted = await convert(image, format, to, wanted, dependencies)
    return deliverConverted(converted, wanted, dependencies)
  }
  if (wanted.responseFormat === 'url') return host(format, head, image, wanted, dependencies)
  const { bytes: given, release } = image
  const bytes = given.form === 'base64' ? await holdBase64(given.pieces) : given
  return leaveHeld(
    await check(format, head, { bytes, release }, dependencies),
    wanted,
    dependencies,
  )
}
