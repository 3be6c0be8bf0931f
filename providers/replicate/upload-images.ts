import type Replicate from 'replicate'
import { toDataUri } from '#providers/lib/data-uri.ts'
import type { PlacedImage } from '#providers/lib/image-fields.ts'
import { unreadableAnswer, withWorkMayExist } from '#providers/lib/provider-failure.ts'
import type { InputImage } from '#src/domain/provider-adapter.ts'
import { needsUpload } from './build-request.ts'
import { REPLICATE_NAME } from './errors.ts'

/** Runs one SDK call that sends one request, rejecting with `ProviderError`. */
export type RunOnce = (
  signal: AbortSignal,
  run: (client: Replicate) => Promise<unknown>,
) => Promise<unknown>

/** Images as Replicate will read them: small ones as data URIs, the others uploaded, all at the same time. */
export const uploadImages = async (
  images: readonly InputImage[],
  runOnce: RunOnce,
  signal: AbortSignal,
): Promise<PlacedImage[]> => {
  const giveUp = new AbortController()
  const either = AbortSignal.any([signal, giveUp.signal])
  try {
    return await Promise.all(
      images.map(async (image, index) => ({
        field: image.field,
        isList: image.isList,
        url: needsUpload(image)
          ? await upload(image, index, runOnce, either)
          : toDataUri(image.bytes, image.mediaType),
      })),
    )
  } finally {
    // After a failure the uploads that are still under way have no use any more.
    giveUp.abort()
  }
}

const upload = async (
  image: InputImage,
  index: number,
  runOnce: RunOnce,
  signal: AbortSignal,
): Promise<string> => {
  const subtype = image.mediaType.split('/')[1] ?? 'bin'
  const file = new File([new Uint8Array(image.bytes)], `image-${index}.${subtype}`, {
    type: image.mediaType,
  })
  const answer = await runOnce(signal, (client) => client.files.create(file))
  return fileUrlOf(answer)
}

/** The URL under which a prediction of the same account may read the file, for about a day. */
const fileUrlOf = (answer: unknown): string => {
  const { urls } = Object(answer) as { urls?: { get?: unknown } }
  if (typeof urls?.get !== 'string') {
    throw withWorkMayExist(unreadableAnswer(REPLICATE_NAME, false), false)
  }
  return urls.get
}
