import type { Lifted } from '#providers/lib/lifted-base64.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'
import { isDraft, listOf, readImages } from './read-generate-content.ts'

/** The chunks of one stream, put together into one response. */
export interface ChunkMerge {
  /** Takes the next chunk; returns the drafts in it, which are kept nowhere else. */
  add(chunk: unknown): readonly ProviderImage[]
  /** Whether any chunk has come. */
  hasBegun(): boolean
  /** Whether an image has come that is no draft. */
  hasImage(): boolean
  /** Whether candidates were begun and none was said to be finished. */
  isCutOff(): boolean
  /** As the plain call would have answered it. */
  whole(): unknown
}

interface Candidate {
  readonly parts: unknown[]
  /** Absent: none was given so far. */
  finishReason?: unknown
}

export const createChunkMerge = (lifted: Lifted): ChunkMerge => {
  const candidates = new Map<unknown, Candidate>()
  const fields = new Map<string, unknown>()
  let hasBegun = false
  let hasImage = false

  const addCandidate = (found: JsonObject): ProviderImage[] => {
    const candidate = candidates.get(found.index ?? 0) ?? { parts: [] }
    candidates.set(found.index ?? 0, candidate)
    if (found.finishReason !== undefined) candidate.finishReason = found.finishReason
    const parts = isJsonObject(found.content) ? listOf(found.content.parts) : []
    const finals = parts.filter((part) => !isDraft(part))
    candidate.parts.push(...finals)
    if (readImages(finals, lifted).length > 0) hasImage = true
    return readImages(parts.filter(isDraft), lifted)
  }

  return {
    add: (chunk) => {
      if (!isJsonObject(chunk)) return []
      hasBegun = true
      const { candidates: found, ...others } = chunk
      for (const [name, value] of Object.entries(others)) fields.set(name, value)
      return listOf(found).filter(isJsonObject).flatMap(addCandidate)
    },
    hasBegun: () => hasBegun,
    hasImage: () => hasImage,
    isCutOff: () =>
      candidates.size > 0 &&
      [...candidates.values()].every(({ finishReason }) => finishReason === undefined),
    whole: () => ({
      ...Object.fromEntries(fields),
      ...(candidates.size > 0 && {
        candidates: [...candidates.values()].map(({ parts, finishReason }) => ({
          content: { parts },
          finishReason,
        })),
      }),
    }),
  }
}
