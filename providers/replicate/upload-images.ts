import type Replicate from 'replicate'
import { type PlaceBytes, toDataUri } from '#providers/lib/data-uri.ts'
import type { PlacedImage } from '#providers/lib/image-fields.ts'
import { unreadableAnswer, withWorkMayExist } from '#providers/lib/provider-failure.ts'
import { createTextWithBytes, type TextWithBytes } from '#src/bytes/text-with-bytes.ts'
import type { InputImage } from '#src/domain/provider-adapter.ts'
import { needsUpload } from './build-request.ts'
import { REPLICATE_NAME } from './errors.ts'

/** Runs one SDK call that sends one request, rejecting with `ProviderError`. */
export type RunOnce = (
  signal: AbortSignal,
  run: (client: Replicate) => Promise<unknown>,
  options: { readonly placed: TextWithBytes },
) => Promise<unknown>

/** How images get to Replicate. */
export interface Uploading {
  /** Sends what `placed` has placed in the place of its marks. */
  readonly runOnce: RunOnce
  /** Of the request that is made with the images: small ones become part of it. */
  readonly place: PlaceBytes
  readonly signal: AbortSignal
}

/** Images as Replicate will read them: small ones as data URIs, the others uploaded, all at the same time. */
export const uploadImages = async (
  images: readonly InputImage[],
  { runOnce, place, signal }: Uploading,
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
          : toDataUri(image.bytes, image.mediaType, place),
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
  // The SDK makes a form of the file and copies it twice: it is given a mark in the place of the bytes.
  const placed = createTextWithBytes()
  const mark = placed.place(image.bytes, 'plain')
  const file = new File([mark], `image-${index}.${subtype}`, { type: image.mediaType })
  const answer = await runOnce(signal, (client) => client.files.create(file), { placed })
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
