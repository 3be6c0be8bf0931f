import { setTimeout as delay } from 'node:timers/promises'
import { holdBytes, holdRawBase64 } from '#src/bytes/held-bytes.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'
import { discardFiles } from './host-image.ts'
import { ImageFetchError } from './image-fetch-error.ts'
import { cancelled, toOutputError } from './output-errors.ts'
import type { PreparationDependencies } from './preparation-dependencies.ts'
import { prepareHeldImage } from './prepare-held-image.ts'
import { prepareImageFile } from './prepare-image-file.ts'

const prepareOnce = async (
  image: ProviderImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
): Promise<PreparedImage> => {
  if (image.kind === 'url') return prepareImageFile(image.url, wanted, dependencies)
  const { release = () => undefined } = image
  try {
    const bytes = image.kind === 'base64' ? holdRawBase64(image.pieces) : holdBytes([image.bytes])
    return await prepareHeldImage({ bytes, release }, wanted, dependencies)
  } catch (error) {
    release()
    throw error
  }
}

/** Whether another download may give a whole image: the file was paid for, and a broken one may be the way's fault. */
const isWorthAnotherTry = (error: unknown, image: ProviderImage): boolean => {
  if (error instanceof ImageFetchError) return error.isTransient
  return image.kind === 'url' && error instanceof ProviderError && error.kind === 'bad_response'
}

const prepareImage = async (
  image: ProviderImage,
  wanted: WantedImages,
  dependencies: PreparationDependencies,
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
  dependencies: PreparationDependencies,
): Promise<PreparedImage[]> => {
  const results = await Promise.allSettled(
    images.map((image) => prepareImage(image, wanted, dependencies)),
  )
  const done = results.filter(isDone).map((result) => result.value)
  if (dependencies.signal.aborted) {
    await discardFiles(
      done.flatMap(({ file }) => file ?? []),
      dependencies.store,
    )
    throw cancelled()
  }
  const failed = results.find((result) => result.status === 'rejected')
  if (done.length === 0 && failed) throw failed.reason
  return done
}
