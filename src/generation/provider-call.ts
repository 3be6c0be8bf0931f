import type { ImageRequest, UploadedImage } from '#src/domain/image-request.ts'
import { copyJsonObject } from '#src/domain/json.ts'
import { type InputFormat, mediaTypeOf } from '#src/domain/media.ts'
import type { InputImage, ProviderCall } from '#src/domain/provider-adapter.ts'
import type { AttemptContext } from '#src/routing/attempt.ts'
import type { Candidate } from '#src/routing/candidates.ts'

/** Gives an input image in one of the accepted formats; `param` names it should it prove damaged. */
export type ConvertInput = (
  image: UploadedImage,
  accepted: readonly InputFormat[],
  param: string,
) => Promise<UploadedImage>

/** Input images as an offering takes them. */
export type InputsFor = (candidate: Candidate) => Promise<readonly InputImage[]>

/** Converts what an offering does not take, each image to each format at most once for the request. */
export const createInputsFor = (
  { images, mask, memory }: Pick<ImageRequest, 'images' | 'mask' | 'memory'>,
  convert: ConvertInput,
): InputsFor => {
  const converted = new Map<string, Promise<UploadedImage>>()
  const convertAndCount: ConvertInput = async (image, accepted, param) => {
    const result = await convert(image, accepted, param)
    if (result !== image) memory?.hold(result.bytes.sizeBytes)
    return result
  }
  const convertOnce = (image: UploadedImage, index: number, accepted: readonly InputFormat[]) => {
    // By what comes of it: offerings whose lists differ mostly begin with the same format.
    const key = `${index} ${accepted.includes(image.format) ? image.format : accepted[0]}`
    const present = converted.get(key) ?? convertAndCount(image, accepted, `image[${index}]`)
    converted.set(key, present)
    return present
  }
  return async ({ offering, mapped }) => {
    const { imageField, maskField } = mapped
    if (!imageField) return []
    const inputs = await Promise.all(
      images.map(async (image, index): Promise<InputImage> => {
        const { bytes, format } = await convertOnce(image, index, offering.limits.inputFormats)
        return { role: 'image', bytes, mediaType: mediaTypeOf(format), ...imageField }
      }),
    )
    if (!mask || !maskField) return inputs
    // As it came: converting could cost it the transparency that it consists of.
    const mediaType = mediaTypeOf(mask.format)
    return [...inputs, { role: 'mask', bytes: mask.bytes, mediaType, ...maskField }]
  }
}

/** What the adapter is called with for `count` images. */
export const buildProviderCall = async (
  candidate: Candidate,
  count: number,
  context: AttemptContext,
  inputsFor: InputsFor,
): Promise<ProviderCall> => {
  const { input, countField } = candidate.mapped
  return {
    attemptId: context.attemptId,
    providerModelId: candidate.offering.providerModelId,
    input: { ...copyJsonObject(input), ...(countField && { [countField]: count }) },
    images: await inputsFor(candidate),
    n: count,
    timeoutMs: context.timeoutMs,
    signal: context.signal,
  }
}
