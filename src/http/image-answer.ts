import type { JsonObject } from '#src/domain/json.ts'
import { formatPixelSize } from '#src/domain/media.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import { type DecisionTrace, decisiveAttempt } from '#src/generation/decision-trace.ts'
import type { GeneratedImage, GenerationResult } from '#src/generation/generate-images.ts'
import { recordAttempt } from '#src/generation/record-requests.ts'
import { presentAttempt } from './request-object.ts'

interface AnswerContext {
  readonly trace: DecisionTrace
  readonly baseUrl: string
  /** Puts an image's bytes into the body; the result stands for their base64. */
  readonly place: (bytes: Buffer) => string
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
  /** Unix seconds. */
  readonly createdAtS: number
}

const presentImage = (
  { image, revisedPrompt }: GeneratedImage,
  { baseUrl, place }: AnswerContext,
): JsonObject => ({
  ...(image.content.kind === 'hosted'
    ? { url: `${baseUrl}${image.content.path}` }
    : { b64_json: place(image.content.bytes) }),
  ...(revisedPrompt !== undefined && { revised_prompt: revisedPrompt }),
})

const sum = (usages: readonly ProviderUsage[], field: keyof ProviderUsage): number =>
  usages.reduce((total, usage) => total + (usage[field] ?? 0), 0)

/** Tokens of all provider calls together, in OpenAI's shape; nothing when no provider counted any. */
const presentUsage = (images: readonly GeneratedImage[]): JsonObject => {
  const usages = images.flatMap(({ usage }) => usage ?? [])
  if (usages.length === 0) return {}
  const input = sum(usages, 'inputTokens')
  const output = sum(usages, 'outputTokens')
  const inputImages = sum(usages, 'inputImageTokens')
  return {
    usage: {
      input_tokens: input,
      output_tokens: output,
      total_tokens: sum(usages, 'totalTokens') || input + output,
      input_tokens_details: { image_tokens: inputImages, text_tokens: input - inputImages },
    },
  }
}

const presentMetadata = (
  result: GenerationResult,
  { trace, providerNames }: AnswerContext,
): JsonObject => {
  const executed = decisiveAttempt(trace)
  const provider = executed?.provider ?? ''
  return {
    model: result.resolved.model.card.id,
    executed_model: executed?.configKey ?? '',
    provider,
    provider_name: providerNames.get(provider) ?? provider,
    cost: usdFromMicroUsd(result.cost),
    cost_currency: 'USD',
    attempts: trace.attempts.map((attempt) => presentAttempt(recordAttempt(attempt))),
    partial: result.isPartial,
  }
}

/** The body of a 200, as the contract shapes it. */
export const presentImageAnswer = (
  result: GenerationResult,
  context: AnswerContext,
): JsonObject => {
  const first = result.images[0]?.image
  return {
    id: context.trace.requestId,
    created: context.createdAtS,
    ...(first && { size: formatPixelSize(first.size), output_format: first.format }),
    data: result.images.map((image) => presentImage(image, context)),
    ...presentUsage(result.images),
    ...(result.warnings.length > 0 && {
      warnings: result.warnings.map((warning) => ({ ...warning })),
    }),
    metadata: presentMetadata(result, context),
  }
}
