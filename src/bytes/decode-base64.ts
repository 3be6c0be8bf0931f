import { setImmediate } from 'node:timers/promises'

/** Characters decoded in one go: a few milliseconds at most. */
const SLICE_CHARACTERS = 1_048_576

/** Longest head of a data URI: media type and parameters. */
const MAX_HEAD_CHARACTERS = 256

/** Line breaks (as in MIME) and percent escapes (as in URIs) of what stands in base64. */
const NOISE = /[\s%]/
const withoutNoise = (text: string): string =>
  NOISE.test(text)
    ? text
        .replace(/%2b/gi, '+')
        .replace(/%2f/gi, '/')
        .replace(/%3d/gi, '=')
        .replace(/%0[ad]|%20|\s+/gi, '')
    : text

/**
 * Decodes base64 (or base64url) piece by piece, letting other work run in between: 27 MB in one go hold the event
 * loop for 23 ms. What is no base64 decodes to nonsense, which the check for an image then finds.
 */
export const decodeBase64 = async function* (base64: string): AsyncGenerator<Buffer> {
  let clean = ''
  for (let start = 0; start < base64.length; ) {
    if (start > 0) await setImmediate()
    const slice = base64.slice(start, start + SLICE_CHARACTERS)
    // An escape is not split between two slices.
    const cut = slice.length < SLICE_CHARACTERS ? -1 : slice.indexOf('%', slice.length - 2)
    const whole = cut === -1 ? slice : slice.slice(0, cut)
    start += whole.length
    clean += withoutNoise(whole)
    // Nor is a group of four, which holds three bytes.
    const grouped = start < base64.length ? clean.length - (clean.length % 4) : clean.length
    yield Buffer.from(clean.slice(0, grouped), 'base64')
    clean = clean.slice(grouped)
  }
}

export interface DataUri {
  /** As declared, such as `image/png`; empty: not declared. */
  readonly mediaType: string
  /** As it stands in the URI: line breaks and percent escapes are for `decodeBase64`. */
  readonly base64: string
}

export const isDataUri = (text: string): boolean => /^data:/i.test(text.slice(0, 5))

/** `data:image/png;base64,…` → its parts; `undefined` when it is not of that form. Looks at the head only. */
export const parseDataUri = (text: string): DataUri | undefined => {
  const head = text.slice(0, MAX_HEAD_CHARACTERS)
  const comma = head.indexOf(',')
  if (!isDataUri(head) || comma < 0) return undefined
  const [mediaType = '', ...parameters] = head.slice(5, comma).split(';')
  if (parameters.at(-1)?.trim().toLowerCase() !== 'base64') return undefined
  return { mediaType, base64: text.slice(comma + 1) }
}
