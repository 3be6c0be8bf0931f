import { decodeBase64, isDataUri, parseDataUri } from '#src/bytes/base64.ts'
import { type ByteSource, sourceOf } from '#src/bytes/byte-source.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'
import type { ImageFetcher } from './fetch-image.ts'
import { badImage } from './output-errors.ts'

export interface OpenedProviderImage {
  readonly source: ByteSource
  /** Ends a fetch that was not read to its end. */
  close(): void
}

export interface OpenProviderImageDependencies {
  readonly fetcher: ImageFetcher
  /** Largest image in bytes. */
  readonly maxImageBytes: number
  /** Ends a fetch. */
  readonly signal: AbortSignal
}

const held = (source: ByteSource): OpenedProviderImage => ({ source, close: () => undefined })

const openUrl = async (
  url: string,
  { fetcher, signal, maxImageBytes }: OpenProviderImageDependencies,
): Promise<OpenedProviderImage> => {
  const { stream } = await fetcher.fetch(url, {
    signal,
    purpose: 'provider_output',
    maxBytes: maxImageBytes,
  })
  return { source: stream, close: () => stream.destroy() }
}

/** A provider's image as bytes that come piece by piece, however the provider handed it over. */
export const openProviderImage = async (
  image: ProviderImage,
  dependencies: OpenProviderImageDependencies,
): Promise<OpenedProviderImage> => {
  if (image.kind === 'bytes') return held(sourceOf(image.bytes))
  if (image.kind === 'base64') return held(decodeBase64(image.base64))
  if (!isDataUri(image.url)) return openUrl(image.url, dependencies)
  const parsed = parseDataUri(image.url)
  if (!parsed) throw badImage('is a data URI that is not base64')
  return held(decodeBase64(parsed.base64))
}
