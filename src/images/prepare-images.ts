import { setTimeout as delay } from 'node:timers/promises'
import { isDataUri } from '#src/bytes/base64.ts'
import { type ByteMeter, collect, measure, readHead } from '#src/bytes/byte-source.ts'
import type { Clock } from '#src/domain/clock.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { OutputFormat, PixelSize } from '#src/domain/media.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'
import { hasCompleteEnd, isComplete } from './completeness.ts'
import { convertImage } from './convert.ts'
import type { ImageFetcher } from './fetch-image.ts'
import { ImageFetchError } from './image-fetch-error.ts'
import type { MediaStore, StoredMedia, StoreOptions } from './media-store.ts'
import type { MediaSigner } from './media-url.ts'
import { badImage, cancelled, cannotCheck, toOutputError } from './output-errors.ts'
import { openProviderImage } from './provider-image-source.ts'
import { describeForeign, readImageHeader, readSizeFromHead, sniffFormat } from './sniff.ts'

export interface PrepareImagesDependencies {
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
}

/** First bytes looked at before an image is passed on: holds the size of nearly every JPEG. */
const HEAD_BYTES = 65_536

/** One image on its way: its first bytes seen, the rest still to come. */
interface Arriving {
  readonly format: OutputFormat
  readonly head: Buffer
  readonly meter: ByteMeter
}

/** The format to encode; `undefined`: the bytes stay as they are. */
const conversionTarget = (format: OutputFormat, wanted: WantedImages): OutputFormat | undefined => {
  const to = wanted.outputFormat ?? format
  const isLossy = to === 'jpeg' || to === 'webp' || to === 'avif'
  const isRecompressed = wanted.outputCompression !== undefined && isLossy
  return to !== format || isRecompressed ? to : undefined
}

/** A file that is wanted for longer outlives a URL that is given out in the last moment. */
const storeOptionsOf = (
  format: OutputFormat,
  { keepForMs = 0 }: WantedImages,
  { clock, mediaTtlMs, signal }: PrepareImagesDependencies,
): StoreOptions => ({
  format,
  expiresAtMs: clock.now() + mediaTtlMs + keepForMs,
  signal,
})

const hosted = (
  { file, sizeBytes }: StoredMedia,
  format: OutputFormat,
  size: PixelSize,
  { signer, clock, mediaTtlMs }: PrepareImagesDependencies,
): PreparedImage => {
  const path = signer.sign(file, clock.now() + mediaTtlMs)
  return { format, size, sizeBytes, file, content: { kind: 'hosted', path } }
}

const requireComplete = async (
  format: OutputFormat,
  bytes: Buffer,
  { signal }: PrepareImagesDependencies,
): Promise<PixelSize> => {
  if (!(await isComplete(format, bytes, undefined, signal)))
    throw badImage('is truncated or damaged')
  const known = await readSizeFromHead(format, bytes)
  if (known) return known
  return readImageHeader(format, bytes).then(
    (header) => header.size,
    () => {
      throw badImage('is damaged')
    },
  )
}

const readBack = async (file: string, store: MediaStore): Promise<Buffer | undefined> => {
  try {
    const opened = await store.open(file)
    return opened && (await collect(opened.stream))
  } catch {
    throw cannotCheck()
  }
}

/** What cannot be removed now is swept later: that must not hide why it was to be. */
const discard = async (files: readonly string[], store: MediaStore): Promise<void> => {
  await Promise.allSettled(files.map((file) => store.remove(file)))
}

/** The size of a stored image, read back only when its ends leave a doubt. */
const sizeOfStored = async (
  { format, head, meter }: Arriving,
  { file }: StoredMedia,
  dependencies: PrepareImagesDependencies,
): Promise<PixelSize> => {
  const ends = { head, tail: meter.tail(), sizeBytes: meter.sizeBytes() }
  const size = await readSizeFromHead(format, head)
  if (size && hasCompleteEnd(format, ends)) return size
  const bytes = await readBack(file, dependencies.store)
  if (!bytes) throw badImage('was lost before it could be checked')
  return requireComplete(format, bytes, dependencies)
}

/** Passes an image on into the store as it comes, never holding it whole. */
const hostAsItComes = async (
  arriving: Arriving,
  wanted: WantedImages,
  dependencies: PrepareImagesDependencies,
): Promise<PreparedImage> => {
  const { store } = dependencies
  const { format } = arriving
  const options = storeOptionsOf(format, wanted, dependencies)
  const stored = await store.put(arriving.meter.source, options)
  try {
    const size = await sizeOfStored(arriving, stored, dependencies)
    return hosted(stored, format, size, dependencies)
  } catch (error) {
    await discard([stored.file], store)
    throw error
  }
}

const convert = async (
  bytes: Buffer,
  to: OutputFormat,
  quality: number | undefined,
  signal: AbortSignal,
) => {
  try {
    const options = quality === undefined ? { to, signal } : { to, quality, signal }
    return await convertImage(bytes, options)
  } catch (error) {
    if (signal.aborted) throw error
    throw badImage('cannot be decoded')
  }
}

/** Keeps an image that is answered as bytes. It was paid for and is in hand: a store that fails does not lose it. */
const keep = async (
  bytes: Buffer,
  format: OutputFormat,
  wanted: WantedImages,
  dependencies: PrepareImagesDependencies,
): Promise<{ readonly file?: string }> => {
  if (wanted.keepForMs === undefined) return {}
  try {
    const options = storeOptionsOf(format, wanted, dependencies)
    const { file } = await dependencies.store.put(bytes, options)
    return { file }
  } catch (error) {
    if (dependencies.signal.aborted) throw error
    dependencies.onNotKept(error)
    return {}
  }
}

/** Holds an image whole: to convert it, or because its bytes are wanted. */
const hold = async (
  arriving: Arriving,
  wanted: WantedImages,
  dependencies: PrepareImagesDependencies,
): Promise<PreparedImage> => {
  const { store, signal } = dependencies
  const original = await collect(arriving.meter.source)
  const to = conversionTarget(arriving.format, wanted)
  const format = to ?? arriving.format
  const { bytes, size } = to
    ? await convert(original, to, wanted.outputCompression, signal)
    : { bytes: original, size: await requireComplete(format, original, dependencies) }
  if (wanted.responseFormat === 'b64_json') {
    const kept = await keep(bytes, format, wanted, dependencies)
    return { format, size, sizeBytes: bytes.length, ...kept, content: { kind: 'bytes', bytes } }
  }
  const stored = await store.put(bytes, storeOptionsOf(format, wanted, dependencies))
  return hosted(stored, format, size, dependencies)
}

const prepareOnce = async (
  image: ProviderImage,
  wanted: WantedImages,
  dependencies: PrepareImagesDependencies,
): Promise<PreparedImage> => {
  const { maxImageBytes } = dependencies
  const opened = await openProviderImage(image, dependencies)
  try {
    const { head, all } = await readHead(opened.source, HEAD_BYTES)
    const format = sniffFormat(head)
    if (!format) throw badImage(`is not an image but ${describeForeign(head)}`)
    const tooLarge = () => badImage(`is larger than ${maxImageBytes} bytes`)
    const arriving = { format, head, meter: measure(all, maxImageBytes, tooLarge) }
    const isPassedOn = wanted.responseFormat === 'url' && !conversionTarget(format, wanted)
    return isPassedOn
      ? await hostAsItComes(arriving, wanted, dependencies)
      : await hold(arriving, wanted, dependencies)
  } finally {
    opened.close()
  }
}

/** Whether another download may give a whole image: the file was paid for, and a broken one may be the way's fault. */
const isWorthAnotherTry = (error: unknown, image: ProviderImage): boolean => {
  if (error instanceof ImageFetchError) return error.isTransient
  const isDownload = image.kind === 'url' && !isDataUri(image.url)
  return isDownload && error instanceof ProviderError && error.kind === 'bad_response'
}

const prepareImage = async (
  image: ProviderImage,
  wanted: WantedImages,
  dependencies: PrepareImagesDependencies,
): Promise<PreparedImage> => {
  const { signal, retryDelaysMs } = dependencies
  for (let tries = 0; ; tries += 1) {
    try {
      return await prepareOnce(image, wanted, dependencies)
    } catch (error) {
      const pauseMs = retryDelaysMs[tries]
      const isOver = signal.aborted || !isWorthAnotherTry(error, image)
      if (isOver || pauseMs === undefined) throw toOutputError(error, signal)
      await delay(pauseMs, undefined, { signal }).catch(() => {
        throw cancelled()
      })
    }
  }
}

const isDone = <T>(result: PromiseSettledResult<T>): result is PromiseFulfilledResult<T> =>
  result.status === 'fulfilled'

/**
 * Brings a provider's images into the form that the client wants: checked by their bytes, converted only when asked
 * to something else, hosted or held. Images were paid for, so one that fails does not discard the others: the result
 * is shorter then, in the same order. Rejects when none is left, or the signal was aborted: with `ProviderError`,
 * or with `GatewayError` when the gateway could not store them.
 */
export const prepareImages = async (
  images: readonly ProviderImage[],
  wanted: WantedImages,
  dependencies: PrepareImagesDependencies,
): Promise<PreparedImage[]> => {
  const results = await Promise.allSettled(
    images.map((image) => prepareImage(image, wanted, dependencies)),
  )
  const done = results.filter(isDone).map((result) => result.value)
  if (dependencies.signal.aborted) {
    await discard(
      done.flatMap(({ file }) => file ?? []),
      dependencies.store,
    )
    throw cancelled()
  }
  const failed = results.find((result) => result.status === 'rejected')
  if (done.length === 0 && failed) throw failed.reason
  return done
}
