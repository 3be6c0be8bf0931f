import { collect } from '#src/bytes/byte-source.ts'
import type { Clock } from '#src/domain/clock.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { AnswerImage, KeptImage } from '#src/domain/image-answer.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import { type MediaStore, readMediaFileName } from './media-store.ts'
import type { MediaSigner } from './media-url.ts'

export interface KeptImagesDependencies {
  readonly store: MediaStore
  readonly signer: MediaSigner
  readonly clock: Clock
  /** Milliseconds for which a hosted image's URL can be opened. */
  readonly mediaTtlMs: number
}

/** Makes the images of a kept answer ready to be answered again. Rejects with NOT_FOUND when one is gone. */
export type OpenKeptImages = (
  images: readonly KeptImage[],
  responseFormat: WantedImages['responseFormat'],
) => Promise<readonly AnswerImage[]>

const gone = (): GatewayError =>
  new GatewayError(
    'NOT_FOUND',
    'The images of this request are not here any more. To have new ones made, use a new Idempotency-Key.',
  )

/** Nothing is paid for again when the client comes back. */
const brokenOff = (): never => {
  throw new GatewayError('OVERLOADED', 'The gateway cannot read the image now.')
}

/** With fresh URLs: those of the first answer may have expired. None outlives its file. */
export const createOpenKeptImages =
  ({ store, signer, clock, mediaTtlMs }: KeptImagesDependencies): OpenKeptImages =>
  async (images, responseFormat) => {
    const contentOf = async ({ file }: KeptImage): Promise<PreparedImage['content']> => {
      if (responseFormat === 'b64_json') {
        const opened = await store.open(file)
        if (!opened) throw gone()
        return { kind: 'bytes', bytes: await collect(opened.stream).catch(brokenOff) }
      }
      if (!(await store.describe(file))) throw gone()
      const fileEndsMs = readMediaFileName(file)?.expiresAtMs ?? Number.POSITIVE_INFINITY
      const expiresAtMs = Math.min(clock.now() + mediaTtlMs, fileEndsMs)
      return { kind: 'hosted', path: signer.sign(file, expiresAtMs) }
    }
    return Promise.all(
      images.map(async (kept): Promise<AnswerImage> => {
        const { file, format, size, sizeBytes, revisedPrompt } = kept
        const image = { file, format, size, sizeBytes, content: await contentOf(kept) }
        return { image, ...(revisedPrompt !== undefined && { revisedPrompt }) }
      }),
    )
  }
