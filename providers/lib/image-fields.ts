import type { JsonObject } from '#src/domain/json.ts'
import type { InputImage } from '#src/domain/provider-adapter.ts'
import { providerError } from './provider-failure.ts'

/** An input image as the provider will read it. */
export interface PlacedImage extends Pick<InputImage, 'field' | 'isList'> {
  /** A URL or data URI. */
  readonly url: string
}

/** Images → the input fields that they belong to, lists in the order of the images. */
export const placeImages = (providerName: string, images: readonly PlacedImage[]): JsonObject => {
  const fields = new Map<string, string | string[]>()
  for (const { field, isList, url } of images) {
    const before = fields.get(field)
    if (isList) fields.set(field, Array.isArray(before) ? [...before, url] : [url])
    else if (before === undefined) fields.set(field, url)
    else throw tooManyImages(providerName, field)
  }
  return Object.fromEntries(fields)
}

/** Dropping an image in silence would give a picture that nobody asked for. */
const tooManyImages = (providerName: string, field: string): Error =>
  providerError(providerName, {
    kind: 'bad_request',
    workMayExist: false,
    reason: 'takes only one image in this field',
    param: field,
  })
