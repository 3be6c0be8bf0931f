import type { AnswerImage, ImageAnswer } from '#src/domain/image-answer.ts'
import type { Warning } from '#src/domain/image-request.ts'
import type { WantedImages } from '#src/domain/image-result.ts'
import type { Mode } from '#src/domain/model-card.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import { answerWarnings } from './answer-warnings.ts'
import { type DecisionTrace, decisiveAttempt } from './decision-trace.ts'
import type { GeneratedImage } from './generated-image.ts'
import { recordAttempt } from './record-requests.ts'

/** What was asked for, as far as the answer tells of it. */
export interface Asked {
  readonly mode: Mode
  readonly count: number
  readonly wanted: WantedImages
  /** What the gateway itself does otherwise than asked. */
  readonly warnings: readonly Warning[]
}

/** Tokens of all provider calls together; `undefined`: none was counted. */
export const sumUsage = (images: readonly GeneratedImage[]): ProviderUsage | undefined => {
  const usages = images.flatMap(({ usage }) => usage ?? [])
  if (usages.length === 0) return undefined
  const sums: Record<string, number> = {}
  for (const [name, tokens] of usages.flatMap((usage) => Object.entries(usage))) {
    sums[name] = (sums[name] ?? 0) + tokens
  }
  return sums
}

/** An image as the answer has it. */
export const toAnswerImage = ({ image, revisedPrompt }: GeneratedImage): AnswerImage => ({
  image,
  ...(revisedPrompt !== undefined && { revisedPrompt }),
})

/** Everything that a served request is answered with. */
export const createImageAnswer = (
  images: readonly GeneratedImage[],
  asked: Asked,
  trace: DecisionTrace,
  nowMs: number,
): ImageAnswer => {
  const executed = decisiveAttempt(trace)
  const usage = sumUsage(images)
  return {
    requestId: trace.requestId,
    requestNonce: trace.nonce,
    createdAtMs: nowMs,
    mode: asked.mode,
    modelId: trace.modelId ?? '',
    responseFormat: asked.wanted.responseFormat,
    configKey: executed?.configKey ?? '',
    provider: executed?.provider ?? '',
    attempts: trace.attempts.map(recordAttempt),
    images: images.map(toAnswerImage),
    ...(usage && { usage }),
    warnings: answerWarnings(images, asked),
    cost: trace.attempts.reduce((sum, attempt) => sum + attempt.cost, 0),
    isPartial: images.length < asked.count,
  }
}
