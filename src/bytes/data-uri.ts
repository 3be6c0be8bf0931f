/** Longest head of a data URI: media type and parameters. */
const MAX_HEAD_CHARACTERS = 256

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
