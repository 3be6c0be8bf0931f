import { charactersOf } from '#src/bytes/base64-characters.ts'
import { isDataUri, parseDataUri } from '#src/bytes/data-uri.ts'
import { decodeBase64 } from '#src/bytes/decode-base64.ts'
import { gatherPieces, lengthOf } from '#src/bytes/pieces.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { InputBytes } from '#src/domain/image-request.ts'
import type { ImageFetcher } from './fetch-image.ts'
import { ImageFetchError } from './image-fetch-error.ts'

export interface ReadInputImageDependencies {
  /** Absent: remote images are switched off, data URIs still work. */
  readonly fetcher?: ImageFetcher
  /** Largest image in bytes. */
  readonly maxBytes: number
  /** Aborted when the client left. */
  readonly signal: AbortSignal
  /** Told of the bytes as they come; what it throws ends the reading. Absent: nobody asks. */
  readonly onBytes?: (bytes: number) => void
  /** Base64 for which a text in a data URI stands, to be taken once. Absent, or `undefined`: it is base64 itself. */
  readonly lifted?: (text: string) => Uint8Array[] | undefined
}

const decodeDataUri = async (
  reference: string,
  param: string,
  { maxBytes, lifted }: ReadInputImageDependencies,
): Promise<InputBytes> => {
  const parsed = parseDataUri(reference)
  if (!parsed) throw invalidRequest(`${param} must be of the form data:image/png;base64,…`, param)
  const characters = lifted?.(parsed.base64) ?? charactersOf(parsed.base64)
  if (Math.floor(lengthOf(characters) * 0.75) - 2 > maxBytes) {
    throw invalidRequest(`${param} has more than ${maxBytes} bytes`, param)
  }
  // Not more than is held already: the characters go as the bytes come.
  return gatherPieces(decodeBase64(characters))
}

const download = async (
  url: string,
  param: string,
  fetcher: ImageFetcher,
  dependencies: ReadInputImageDependencies,
): Promise<InputBytes> => {
  const { signal, maxBytes, onBytes } = dependencies
  try {
    const { stream } = await fetcher.fetch(url, { signal, purpose: 'client_input', maxBytes })
    return await gatherPieces(stream, onBytes)
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
): Promise<InputBytes> => {
  if (isDataUri(reference)) return decodeDataUri(reference, param, dependencies)
  if (!dependencies.fetcher) {
    throw invalidRequest(
      `${param}: image URLs are not fetched by this gateway; send a data URI or upload the file`,
      param,
    )
  }
  return download(reference, param, dependencies.fetcher, dependencies)
}
