import type { ByteSource } from '#src/bytes/byte-source.ts'
import { holdBytes } from '#src/bytes/held-bytes.ts'
import type { ByteAccount } from '#src/domain/byte-account.ts'
import type { Clock } from '#src/domain/clock.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { AnswerImage, KeptImage } from '#src/domain/image-answer.ts'
import type { HeldBytes, PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import { type MediaStore, readMediaFileName } from './media-store.ts'
import type { MediaSigner } from './media-url.ts'

export interface KeptImagesDependencies {
  readonly store: MediaStore
  readonly signer: MediaSigner
  readonly clock: Clock
  /** Milliseconds for which a hosted image's URL can be opened. */
  readonly mediaTtlMs: number
}

/**
 * Makes the images of a kept answer ready to be answered again. Rejects with NOT_FOUND when one is gone, and with
 * OVERLOADED when `memory` has no room for those that are wanted as bytes. `memory` absent: nobody counts.
 */
export type OpenKeptImages = (
  images: readonly KeptImage[],
  responseFormat: WantedImages['responseFormat'],
  memory?: ByteAccount,
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

/** They can be asked for again: so they are refused like new work, and hold up no answers that were paid for. */
const requireRoom = (images: readonly KeptImage[], memory: ByteAccount | undefined): void => {
  const bytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (!memory || memory.tryReserve(bytes)) return
  throw new GatewayError('OVERLOADED', 'The gateway has no memory left for these images now.')
}

const hold = async (source: ByteSource): Promise<HeldBytes> => {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return holdBytes(pieces)
}

/** With fresh URLs: those of the first answer may have expired. None outlives its file. */
export const createOpenKeptImages =
  ({ store, signer, clock, mediaTtlMs }: KeptImagesDependencies): OpenKeptImages =>
  async (images, responseFormat, memory) => {
    if (responseFormat === 'b64_json') requireRoom(images, memory)
    const contentOf = async ({ file }: KeptImage): Promise<PreparedImage['content']> => {
      if (responseFormat === 'b64_json') {
        const opened = await store.open(file)
        if (!opened) throw gone()
        return { kind: 'held', bytes: await hold(opened.stream).catch(brokenOff) }
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
