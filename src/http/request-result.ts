import type { ByteAccount } from '#src/domain/byte-account.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { ImageAnswer } from '#src/domain/image-answer.ts'
import type { RequestRecord } from '#src/domain/request-record.ts'
import type { RunStore } from '#src/domain/run-store.ts'
import { acceptedRunId } from '#src/generation/run-id.ts'
import type { OpenKeptImages } from '#src/images/kept-images.ts'

export interface ResultDependencies {
  readonly runs: RunStore
  readonly openKeptImages: OpenKeptImages
}

/**
 * The result of a request that was answered at once: what the answer would have been. `undefined` while it is pending,
 * when it failed, and once its images are kept no longer. `memory`: of whoever asks for it.
 */
export const findRequestResult = async (
  { id, keyId, nonce, status }: RequestRecord,
  { runs, openKeptImages }: ResultDependencies,
  memory: ByteAccount,
): Promise<ImageAnswer | undefined> => {
  if (status !== 'completed') return undefined
  const answer = await runs.read(acceptedRunId(keyId, id))
  // Clients choose ids: what is kept under this one may be another request's.
  if (answer?.kind !== 'images' || answer.requestNonce !== nonce) return undefined
  const { kind: _kind, ...facts } = answer
  try {
    return { ...facts, images: await openKeptImages(facts.images, facts.responseFormat, memory) }
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}
