import { hasCallerLeft } from '#providers/lib/caller-left.ts'
import type { Lifted } from '#providers/lib/lifted-base64.ts'
import { unreadableAnswer, withoutUpstreamStatus } from '#providers/lib/provider-failure.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { ProviderAnswer, ProviderImage } from '#src/domain/provider-adapter.ts'
import { classifyGoogleError } from './classify-google-error.ts'
import { type ChunkMerge, createChunkMerge } from './merge-chunks.ts'
import { readGenerateContent } from './read-generate-content.ts'

/** What reading a stream needs to know of its call. */
export interface StreamReading {
  readonly providerName: string
  readonly signal: AbortSignal
  readonly lifted: Lifted
  /** Given each draft as it comes. Must not throw. */
  readonly onDraft: (image: ProviderImage) => void
}

/**
 * A stream of `generateContent` chunks as the answer that the plain call would have given. `read` feeds them all to
 * the function that it is given and rejects when the stream breaks off.
 *
 * An image comes whole in one chunk, so when the stream breaks off behind one, that image is good and has been paid
 * for: it is the answer, unless the caller has left. What would have followed is counts and the reason of the end.
 */
export const streamGenerateContent = async (
  read: (take: (chunk: unknown) => void) => Promise<void>,
  { providerName, signal, lifted, onDraft }: StreamReading,
): Promise<ProviderAnswer> => {
  const merge = createChunkMerge(lifted)
  const take = (chunk: unknown): void => {
    // The caller has had its answer by then.
    if (signal.aborted) return
    for (const draft of merge.add(chunk)) onDraft(draft)
  }
  try {
    await read(take)
  } catch (error) {
    if (!merge.hasImage() || hasCallerLeft(signal)) throw asStreamError(error, providerName, merge)
  }
  if (!merge.hasImage() && merge.isCutOff()) throw unreadableAnswer(providerName, true)
  return readGenerateContent(merge.whole(), providerName, lifted)
}

/** The SDK throws an error chunk as its own error; anything else stays as it is. */
const asStreamError = (error: unknown, providerName: string, merge: ChunkMerge): unknown => {
  const body = errorBodyOf(error)
  if (body === undefined) return error
  const { status } = Object(error) as { status?: unknown }
  const failure = { status: Number(status), headers: {}, body, requestLeft: true }
  const classified = classifyGoogleError(failure, providerName)
  // The status of the answer was 200. What comes behind a first chunk comes behind work.
  return withoutUpstreamStatus(classified, merge.hasBegun() || classified.details.workMayExist)
}

/** The text is "got status: UNAVAILABLE. " and the chunk (@google/genai 3.1.0, `throwIfStreamErrorChunk`). */
const errorBodyOf = (error: unknown): JsonObject | undefined => {
  if (!(error instanceof Error) || error.name !== 'ApiError') return undefined
  try {
    const body: unknown = JSON.parse(error.message.slice(error.message.indexOf('{')))
    return isJsonObject(body) ? body : undefined
  } catch {
    return undefined
  }
}
