import { inlineImage, type Lifted } from '#providers/lib/lifted-base64.ts'
import { providerError, unreadableAnswer, type Verdict } from '#providers/lib/provider-failure.ts'
import type { ProviderError } from '#src/domain/errors.ts'
import { isJsonObject } from '#src/domain/json.ts'
import type { ProviderAnswer, ProviderImage, ProviderUsage } from '#src/domain/provider-adapter.ts'

/** Finish and block reasons by which the content rules refused, per the SDK's enums (@google/genai 3.1.0). */
const REFUSALS: ReadonlySet<string> = new Set([
  'SAFETY',
  'RECITATION',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
  'MODEL_ARMOR',
  'JAILBREAK',
])

/** Finish reasons of an answer that broke off in a way that images never should. */
const BROKEN: ReadonlySet<string> = new Set([
  'MALFORMED_FUNCTION_CALL',
  'MALFORMED_RESPONSE',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
])

/** Reasons without an image that may go better elsewhere or another time. */
const EMPTY: ReadonlySet<string> = new Set([
  'STOP',
  'MAX_TOKENS',
  'LANGUAGE',
  'OTHER',
  'CONTINUATION',
  'IMAGE_OTHER',
  'NO_IMAGE',
])

/** A 200 of `generateContent` as images, or throws what the missing image means. Unknown fields are ignored. */
export const readGenerateContent = (
  response: unknown,
  providerName: string,
  lifted: Lifted,
): ProviderAnswer => {
  if (!isJsonObject(response)) throw unreadableAnswer(providerName, true)
  const candidates = listOf(response.candidates).filter(isJsonObject)
  const images = candidates.flatMap((candidate) => imagesOf(candidate.content, lifted))
  if (images.length === 0) throw missingImage(response, candidates, providerName)
  const usage = readUsage(response.usageMetadata)
  return {
    images,
    ...(typeof response.responseId === 'string' && { providerRequestId: response.responseId }),
    ...(usage !== undefined && { usage }),
  }
}

/** The list itself; anything else as an empty one. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Parts marked `thought` are drafts of the model's reasoning: never the result. */
export const isDraft = (part: unknown): boolean => isJsonObject(part) && part.thought === true

const imagesOf = (content: unknown, lifted: Lifted): ProviderImage[] =>
  isJsonObject(content)
    ? readImages(
        listOf(content.parts).filter((part) => !isDraft(part)),
        lifted,
      )
    : []

/** The images among the parts, drafts or not. */
export const readImages = (parts: readonly unknown[], lifted: Lifted): ProviderImage[] =>
  parts.filter(isJsonObject).flatMap((part) => imageOf(part.inlineData, part.fileData, lifted))

const imageOf = (inline: unknown, file: unknown, lifted: Lifted): ProviderImage[] => {
  if (isJsonObject(inline) && typeof inline.data === 'string' && inline.data !== '') {
    const { data, mimeType } = inline
    return isImage(mimeType)
      ? [inlineImage(data, lifted, typeof mimeType === 'string' ? mimeType : undefined)]
      : []
  }
  const url = isJsonObject(file) ? file.fileUri : undefined
  if (!isJsonObject(file) || typeof url !== 'string' || !url.startsWith('https://')) return []
  return isImage(file.mimeType) ? [{ kind: 'url', url, ...mediaTypeOf(file.mimeType) }] : []
}

/** An absent type may be an image; the bytes decide later. */
const isImage = (mimeType: unknown): boolean =>
  typeof mimeType !== 'string' || mimeType.startsWith('image/')

const mediaTypeOf = (mimeType: unknown): { mediaType?: string } =>
  typeof mimeType === 'string' ? { mediaType: mimeType } : {}

const missingImage = (
  response: Readonly<Record<string, unknown>>,
  candidates: readonly Readonly<Record<string, unknown>>[],
  providerName: string,
): ProviderError => {
  const feedback = response.promptFeedback
  const isBlocked = candidates.length === 0 && isJsonObject(feedback)
  const found = isBlocked ? feedback.blockReason : candidates[0]?.finishReason
  if (candidates.length === 0 && !isBlocked) return unreadableAnswer(providerName, true)
  const reason = typeof found === 'string' ? found : ''
  const verdict = verdictOf(reason)
  // A blocked prompt never reached the model, so there is nothing to bill but input at most.
  return providerError(providerName, {
    ...verdict,
    workMayExist: !isBlocked,
    ...(typeof response.responseId === 'string' && { providerRequestId: response.responseId }),
  })
}

const verdictOf = (reason: string): Omit<Verdict, 'workMayExist'> => {
  if (REFUSALS.has(reason)) {
    return { kind: 'content_rejected', reason: 'refused by its content rules', code: reason }
  }
  if (BROKEN.has(reason)) {
    return { kind: 'bad_response', reason: 'gave an answer that broke off', code: reason }
  }
  const known = EMPTY.has(reason) ? { code: reason } : {}
  return { kind: 'empty_result', reason: 'answered without an image', ...known }
}

/** Token counts; `outputTokens` includes thoughts, which are billed as output too. */
const readUsage = (metadata: unknown): ProviderUsage | undefined => {
  if (!isJsonObject(metadata)) return undefined
  const prompt = count(metadata.promptTokenCount)
  const tools = count(metadata.toolUsePromptTokenCount)
  const candidates = count(metadata.candidatesTokenCount)
  const thoughts = count(metadata.thoughtsTokenCount)
  const counts = {
    inputTokens: sum(prompt, tools),
    inputTextTokens: tokensOf(metadata.promptTokensDetails, 'TEXT'),
    inputImageTokens: tokensOf(metadata.promptTokensDetails, 'IMAGE'),
    outputTokens: sum(candidates, thoughts),
    outputTextTokens: tokensOf(metadata.candidatesTokensDetails, 'TEXT'),
    outputImageTokens: tokensOf(metadata.candidatesTokensDetails, 'IMAGE'),
    thoughtTokens: thoughts,
    totalTokens: count(metadata.totalTokenCount),
  }
  const reported = Object.entries(counts).filter(([, value]) => value !== undefined)
  return reported.length === 0 ? undefined : (Object.fromEntries(reported) as ProviderUsage)
}

const count = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined

const sum = (...values: (number | undefined)[]): number | undefined =>
  values.every((value) => value === undefined)
    ? undefined
    : values.reduce<number>((total, value) => total + (value ?? 0), 0)

const tokensOf = (details: unknown, modality: string): number | undefined =>
  sum(
    ...listOf(details)
      .filter(isJsonObject)
      .filter((detail) => detail.modality === modality)
      .map((detail) => count(detail.tokenCount)),
  )
