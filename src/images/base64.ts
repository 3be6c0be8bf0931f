import { setImmediate } from 'node:timers/promises'

/** Characters decoded in one go: under 1 ms. A multiple of 4, so that no group of bytes is split. */
const SLICE_CHARACTERS = 1_048_576

/**
 * Decodes base64 (or base64url) piece by piece, letting other work run in between: 27 MB in one go hold the event
 * loop for 23 ms. What is no base64 decodes to nonsense, which the check for an image then finds.
 */
export const decodeBase64 = async function* (base64: string): AsyncGenerator<Buffer> {
  // Line breaks (as in MIME) would shift the groups.
  const text = base64.includes('\n') ? base64.replace(/\s+/g, '') : base64
  for (let start = 0; start < text.length; start += SLICE_CHARACTERS) {
    if (start > 0) await setImmediate()
    yield Buffer.from(text.slice(start, start + SLICE_CHARACTERS), 'base64')
  }
}

export interface DataUri {
  /** As declared, such as `image/png`; empty: not declared. */
  readonly mediaType: string
  readonly base64: string
}

export const isDataUri = (text: string): boolean => /^data:/i.test(text.slice(0, 5))

/** `data:image/png;base64,…` → its parts; `undefined` when it is not of that form. */
export const parseDataUri = (text: string): DataUri | undefined => {
  const comma = text.indexOf(',')
  const [mediaType = '', ...parameters] = text.slice(5, comma).split(';')
  if (!isDataUri(text) || comma < 0 || parameters.at(-1)?.trim().toLowerCase() !== 'base64') {
    return undefined
  }
  const payload = text.slice(comma + 1)
  return { mediaType, base64: payload.includes('%') ? unescapePercents(payload) : payload }
}

const unescapePercents = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number(`0x${code}`)))
