import pLimit from 'p-limit'
import { inPieces } from '#src/bytes/pieces.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest, InputBytes, UploadedImage } from '#src/domain/image-request.ts'
import { formatPixelSize } from '#src/domain/media.ts'
import type { ImageReferences } from './image-references.ts'
import { MAX_FORM_BYTES, MAX_INPUT_IMAGE_BYTES } from './limits.ts'

/** Checks an uploaded image by its bytes; throws the 400 that names it. */
export type InspectImage = (bytes: InputBytes, param: string) => Promise<UploadedImage>

/** What the reading of a reference is bounded by. */
export interface ReferenceLimits {
  readonly signal: AbortSignal
  readonly maxBytes: number
  /** Told of the bytes as they come; what it throws ends the reading. Absent: nobody asks. */
  readonly onBytes?: (bytes: number) => void
  /** Base64 for which a text in a data URI stands, to be taken once. Absent, or `undefined`: it is base64 itself. */
  readonly lifted?: (text: string) => Uint8Array[] | undefined
}

/** The bytes behind a data URI or an https URL; throws the 400 that names it. */
export type ReadImageReference = (
  reference: string,
  param: string,
  limits: ReferenceLimits,
) => Promise<InputBytes>

/** The pictures of an edit. */
export type InputPictures = Pick<ImageRequest, 'images' | 'mask'>

/** Image URLs fetched at the same time for one request. */
const FETCHES_AT_ONCE = 4

/** Names image `index` of `count` as messages do: `image`, or `image[2]`. */
const imageName = (index: number, count: number): string =>
  count === 1 ? 'image' : `image[${index}]`

/**
 * A mask is a PNG, as its transparency says where to work, and of the size of the first image, as it is laid over it
 * (`images.edit`, npm openai 7.55.0).
 */
const checkMask = (mask: UploadedImage, first: UploadedImage | undefined): void => {
  if (mask.format !== 'png') {
    throw invalidRequest(`mask is a ${mask.format.toUpperCase()} image; allowed: PNG`, 'mask')
  }
  if (!mask.size || !first?.size) return
  const [given, wanted] = [formatPixelSize(mask.size), formatPixelSize(first.size)]
  if (given === wanted) return
  throw invalidRequest(
    `mask has ${given} pixels; it must have those of the image, ${wanted}`,
    'mask',
  )
}

/** `T`s of an edit's images, and that of its mask last, as what they are. */
const toPictures = (pictures: readonly UploadedImage[], hasMask: boolean): InputPictures => {
  const images = hasMask ? pictures.slice(0, -1) : pictures
  const mask = hasMask ? pictures.at(-1) : undefined
  if (!mask) return { images }
  checkMask(mask, images[0])
  return { images, mask }
}

/** Everything of an edit under the name that messages give it, its mask last. */
const named = <T>(images: readonly T[], mask: T | undefined): { content: T; name: string }[] => [
  ...images.map((content, index) => ({ content, name: imageName(index, images.length) })),
  ...(mask === undefined ? [] : [{ content: mask, name: 'mask' }]),
]

/** Inspects the pictures of a form. */
export const inspectPictures = async (
  { images, mask }: { readonly images: readonly InputBytes[]; readonly mask?: InputBytes },
  inspectImage: InspectImage,
): Promise<InputPictures> => {
  const inspected = await Promise.all(
    named(images, mask).map(({ content, name }) => inspectImage(content, name)),
  )
  return toPictures(inspected, mask !== undefined)
}

/** Stands for a picture that has yet to be fetched, so that everything else is checked first. */
const PLACEHOLDER: UploadedImage = { bytes: inPieces([]), format: 'png' }

/** As many pictures as are referred to, with nothing in them. */
export const placeholdersFor = ({ images, mask }: ImageReferences): InputPictures => ({
  images: images.map(() => PLACEHOLDER),
  ...(mask !== undefined && { mask: PLACEHOLDER }),
})

interface FetchOptions extends Omit<ReferenceLimits, 'maxBytes'> {
  readonly readImageReference: ReadImageReference
  readonly inspectImage: InspectImage
  /** Deadline in real milliseconds from now. */
  readonly timeoutMs: number
}

/** Reads the pictures referred to, within one budget of bytes; the first that fails ends the others. */
export const fetchPictures = async (
  references: ImageReferences,
  { readImageReference, inspectImage, timeoutMs, signal: gone, ...watching }: FetchOptions,
): Promise<InputPictures> => {
  const failed = new AbortController()
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([gone, failed.signal, deadline])
  let leftBytes = MAX_FORM_BYTES
  const limit = pLimit(FETCHES_AT_ONCE)
  const readOne = async (reference: string, name: string): Promise<UploadedImage> => {
    const maxBytes = Math.min(MAX_INPUT_IMAGE_BYTES, leftBytes)
    const bytes = await readImageReference(reference, name, {
      signal,
      maxBytes,
      ...watching,
    })
    leftBytes -= bytes.sizeBytes
    if (leftBytes < 0) {
      throw invalidRequest(`The images have more than ${MAX_FORM_BYTES} bytes together.`, name)
    }
    return inspectImage(bytes, name)
  }
  try {
    const pictures = await Promise.all(
      named(references.images, references.mask).map(({ content, name }) =>
        limit(() => readOne(content, name)),
      ),
    )
    return toPictures(pictures, references.mask !== undefined)
  } catch (error) {
    limit.clearQueue()
    failed.abort()
    if (!deadline.aborted) throw error
    throw new GatewayError(
      'TIMEOUT',
      "The request's deadline passed while its images were fetched.",
    )
  }
}
