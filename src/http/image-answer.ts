import type { JsonWithBytes } from '#src/bytes/json-with-bytes.ts'
import type { AnswerFacts, AnswerImage, ImageAnswer } from '#src/domain/image-answer.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { formatPixelSize } from '#src/domain/media.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import { presentAttempt } from './attempt-object.ts'

/** What an answer's shape depends on besides the answer. */
export interface AnswerContext {
  readonly baseUrl: string
  readonly place: JsonWithBytes['place']
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
}

const presentImage = (
  { image, revisedPrompt }: AnswerImage,
  { baseUrl, place }: AnswerContext,
): JsonObject => ({
  ...(image.content.kind === 'hosted'
    ? { url: `${baseUrl}${image.content.path}` }
    : { b64_json: place(image.content.bytes) }),
  ...(revisedPrompt !== undefined && { revised_prompt: revisedPrompt }),
})

/** Tokens of all provider calls together, in OpenAI's shape; nothing when no provider counted any. */
export const presentUsage = (usage: ProviderUsage | undefined): JsonObject => {
  if (!usage) return {}
  const { inputTokens = 0, outputTokens = 0, inputImageTokens = 0, outputImageTokens } = usage
  return {
    usage: {
      input_tokens: inputTokens,
      output_tokens: outputTokens,
      total_tokens: usage.totalTokens || inputTokens + outputTokens,
      input_tokens_details: {
        image_tokens: inputImageTokens,
        text_tokens: Math.max(0, inputTokens - inputImageTokens),
      },
      ...(outputImageTokens !== undefined && {
        output_tokens_details: {
          image_tokens: outputImageTokens,
          text_tokens: Math.max(0, outputTokens - outputImageTokens),
        },
      }),
    },
  }
}

/** How the request was served. */
export const presentMetadata = (
  answer: AnswerFacts,
  { providerNames }: Pick<AnswerContext, 'providerNames'>,
): JsonObject => ({
  model: answer.modelId,
  executed_model: answer.configKey,
  provider: answer.provider,
  provider_name: providerNames.get(answer.provider) ?? answer.provider,
  cost: usdFromMicroUsd(answer.cost),
  cost_currency: 'USD',
  attempts: answer.attempts.map(presentAttempt),
  partial: answer.isPartial,
})

/** Everything that was not done as asked; nothing where all was. */
export const presentWarnings = ({ warnings }: AnswerFacts): JsonObject =>
  warnings.length > 0 ? { warnings: warnings.map((warning) => ({ ...warning })) } : {}

/** The body of a 200, as the contract shapes it. */
export const presentImageAnswer = (answer: ImageAnswer, context: AnswerContext): JsonObject => {
  const first = answer.images[0]?.image
  return {
    id: answer.requestId,
    created: Math.floor(answer.createdAtMs / 1000),
    ...(first && { size: formatPixelSize(first.size), output_format: first.format }),
    data: answer.images.map((image) => presentImage(image, context)),
    ...presentUsage(answer.usage),
    ...presentWarnings(answer),
    metadata: presentMetadata(answer, context),
  }
}
