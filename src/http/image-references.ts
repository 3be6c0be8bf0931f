import { invalidRequest } from '#src/domain/errors.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'
import { MAX_FORM_FILES } from './limits.ts'

/** Fields of a JSON edit that name its images, as different clients write them. */
const IMAGE_FIELDS = ['images', 'image', 'image_url'] as const

/** The pictures that a JSON edit refers to: https URLs and data URIs. */
export interface ImageReferences {
  /** In order. */
  readonly images: readonly string[]
  /** Absent: there is none. */
  readonly mask?: string
}

/** `"https://…"` or `{ "image_url": "https://…" }`. */
const readReference = (value: JsonValue | undefined, param: string): string => {
  const reference = isJsonObject(value) ? value['image_url'] : value
  if (typeof reference === 'string' && reference !== '') return reference
  throw invalidRequest(
    `${param} must be an https URL or a data URI, or an object with such an "image_url"; file ids are not known here.`,
    param,
  )
}

/** The pictures that a JSON edit refers to, and the body without them. */
export const takeImageReferences = (
  body: JsonObject,
): { references: ImageReferences; body: JsonObject } => {
  const images = IMAGE_FIELDS.flatMap((field) => {
    const value = body[field]
    if (value === undefined) return []
    return Array.isArray(value)
      ? value.map((entry, index) => readReference(entry, `${field}[${index}]`))
      : [readReference(value, field)]
  })
  if (images.length > MAX_FORM_FILES) {
    throw invalidRequest(`At most ${MAX_FORM_FILES} images can be sent.`, 'images')
  }
  const { mask, ...rest } = body
  const others = Object.entries(rest).filter(
    ([name]) => !(IMAGE_FIELDS as readonly string[]).includes(name),
  )
  return {
    references: { images, ...(mask !== undefined && { mask: readReference(mask, 'mask') }) },
    body: Object.fromEntries(others),
  }
}
