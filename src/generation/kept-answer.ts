import { GatewayError } from '#src/domain/errors.ts'
import type { AnswerImage, ImageAnswer, KeptAnswer, KeptImage } from '#src/domain/image-answer.ts'
import type { MicroUsd } from '#src/domain/money.ts'

const keepImage = ({ image, revisedPrompt }: AnswerImage): KeptImage | undefined => {
  const { file, format, size, sizeBytes } = image
  if (file === undefined) return undefined
  return { file, format, size, sizeBytes, ...(revisedPrompt !== undefined && { revisedPrompt }) }
}

/** An answer as it can be kept: where its images lie instead of the images. `undefined`: one of them lies nowhere. */
export const keepAnswer = ({ images, ...facts }: ImageAnswer): KeptAnswer | undefined => {
  const kept = images.flatMap((image) => keepImage(image) ?? [])
  return kept.length === images.length ? { ...facts, kind: 'images', images: kept } : undefined
}

/** A failure as it can be kept. What nobody had thought of is told as a plain fault, without its words. */
export const keepError = (error: unknown): KeptAnswer => {
  if (!(error instanceof GatewayError)) {
    const message = 'Something went wrong inside the gateway.'
    return { kind: 'error', code: 'INTERNAL_ERROR', message, status: 500 }
  }
  const { code, message, status } = error
  const { param } = error.options
  return { kind: 'error', code, message, status, ...(param !== undefined && { param }) }
}

/** What is kept of an answer that nobody waited for when its images could not be stored. */
export const keepAnswerOrFault = (answer: ImageAnswer): KeptAnswer =>
  keepAnswer(answer) ??
  keepError(new GatewayError('INTERNAL_ERROR', 'The images were made but could not be stored.'))

/**
 * A failure that a repeat of the request must be told again: a refusal, which would come again, and whatever may have
 * been paid for, as a key is there to pay once. `undefined` for all others: the client is to try again, and nothing is
 * lost by it.
 */
export const keepPaidFailure = (error: unknown, cost: MicroUsd): KeptAnswer | undefined => {
  const isRefusal = error instanceof GatewayError && error.code === 'CONTENT_POLICY_VIOLATION'
  return isRefusal || cost > 0 ? keepError(error) : undefined
}

/** A kept failure, to be thrown again. Repeating the request under the same key can only bring the same. */
export const keptError = ({
  code,
  message,
  status,
  param,
}: Extract<KeptAnswer, { kind: 'error' }>): GatewayError =>
  new GatewayError(code, message, {
    status,
    isRetryable: false,
    ...(param !== undefined && { param }),
  })
