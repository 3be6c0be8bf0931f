import { charactersOf } from '#src/bytes/base64-characters.ts'
import { isDataUri, parseDataUri } from '#src/bytes/data-uri.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'

/** Base64 that was kept out of the JSON that an SDK has read. */
export interface LiftedBase64 {
  /** Always the same list. */
  readonly pieces: Uint8Array[]
  /** Tells that they are not held any longer; absent: nobody counts. */
  readonly release?: () => void
}

/** The base64 that stood where a text of an SDK's answer stands; `undefined`: the text stood there itself. */
export type Lifted = (text: string) => LiftedBase64 | undefined

/** An image that an answer has as base64. `mediaType` as it was told, if it was. */
export const inlineImage = (
  base64: string,
  lifted: Lifted,
  mediaType: string | undefined,
): ProviderImage => ({
  kind: 'base64',
  ...(lifted(base64) ?? { pieces: charactersOf(base64) }),
  ...(mediaType !== undefined && mediaType !== '' && { mediaType }),
})

/** An image that an answer has as a URL of any kind; none when the text is no such URL. */
export const imageAtUrl = (url: unknown, lifted: Lifted, mediaType?: unknown): ProviderImage[] => {
  if (typeof url !== 'string') return []
  const told = typeof mediaType === 'string' ? mediaType : undefined
  if (!isDataUri(url)) {
    return /^https?:/i.test(url) ? [{ kind: 'url', url, ...(told && { mediaType: told }) }] : []
  }
  const inline = parseDataUri(url)
  return inline ? [inlineImage(inline.base64, lifted, told ?? inline.mediaType)] : []
}
