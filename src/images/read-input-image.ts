import { decodeBase64, isDataUri, parseDataUri } from '#src/bytes/base64.ts'
import { collect } from '#src/bytes/byte-source.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { ImageFetcher } from './fetch-image.ts'
import { ImageFetchError } from './image-fetch-error.ts'

export interface ReadInputImageDependencies {
  /** Absent: remote images are switched off, data URIs still work. */
  readonly fetcher?: ImageFetcher
  /** Largest image in bytes. */
  readonly maxBytes: number
  /** Aborted when the client left. */
  readonly signal: AbortSignal
}

const decodeDataUri = async (
  reference: string,
  param: string,
  maxBytes: number,
): Promise<Buffer> => {
  const parsed = parseDataUri(reference)
  if (!parsed) throw invalidRequest(`${param} must be of the form data:image/png;base64,…`, param)
  if (Math.floor(parsed.base64.length * 0.75) - 2 > maxBytes) {
    throw invalidRequest(`${param} has more than ${maxBytes} bytes`, param)
  }
  return collect(decodeBase64(parsed.base64))
}

const download = async (
  url: string,
  param: string,
  fetcher: ImageFetcher,
  dependencies: ReadInputImageDependencies,
): Promise<Buffer> => {
  const { signal, maxBytes } = dependencies
  try {
    const { stream } = await fetcher.fetch(url, { signal, purpose: 'client_input', maxBytes })
    return await collect(stream)
  } catch (error) {
    if (!(error instanceof ImageFetchError)) throw error
    throw new GatewayError('INVALID_REQUEST', error.message, { param })
  }
}

/**
 * The bytes behind an image reference of a JSON edit: a data URI, or an https URL fetched under the outbound rules.
 * They are not looked at yet: `inspectInputImage` does. Throws INVALID_REQUEST naming `param`.
 */
export const readInputImage = async (
  reference: string,
  param: string,
  dependencies: ReadInputImageDependencies,
): Promise<Buffer> => {
  if (isDataUri(reference)) return decodeDataUri(reference, param, dependencies.maxBytes)
  if (!dependencies.fetcher) {
    throw invalidRequest(
      `${param}: image URLs are not fetched by this gateway; send a data URI or upload the file`,
      param,
    )
  }
  return download(reference, param, dependencies.fetcher, dependencies)
}
