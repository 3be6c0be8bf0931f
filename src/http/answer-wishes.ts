import type { FastifyRequest } from 'fastify'
import type { ImageRequest, Warning } from '#src/domain/image-request.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { readFlag } from './read-flag.ts'

/** How a client wants to be answered. */
export type AnswerWishes = Pick<ImageRequest, 'isStreamed' | 'previews' | 'webhookUrl'> & {
  /** What of these wishes means nothing without another. */
  readonly warnings: readonly Warning[]
}

/** Whether the client wants an answer at once and the result later (RFC 7240 §4.1). */
export const prefersAsync = ({ headers }: Pick<FastifyRequest, 'headers'>): boolean =>
  String(headers['prefer'] ?? '')
    .split(',')
    .some((preference) => preference.split(';')[0]?.trim().toLowerCase() === 'respond-async')

/** Whether the client wants to be told of attempts in a stream. */
export const wantsProgress = ({ headers }: Pick<FastifyRequest, 'headers'>): boolean =>
  readFlag(headers['x-gateway-progress'] || undefined, 'x-gateway-progress')

const unsupported = (param: string, message: string): Warning => ({
  type: 'unsupported',
  param,
  message,
})

/** Reads what body and headers say of the way to answer. Values of a wrong type are left to the model's schema. */
export const readAnswerWishes = (
  body: JsonObject,
  request: Pick<FastifyRequest, 'headers'>,
): AnswerWishes => {
  const { stream, partial_images: previews, webhook_url: webhookUrl } = body
  const isStreamed = stream === true
  const warnings: Warning[] = []
  if (!isStreamed && typeof previews === 'number' && previews > 0) {
    warnings.push(unsupported('partial_images', 'partial_images needs stream: true.'))
  }
  if (isStreamed && body['response_format'] === 'url') {
    warnings.push(
      unsupported('response_format', 'The events of a stream carry b64_json, never a url.'),
    )
  }
  if (webhookUrl !== undefined && !prefersAsync(request)) {
    warnings.push(
      unsupported('webhook_url', 'webhook_url needs the header "Prefer: respond-async".'),
    )
  }
  return {
    isStreamed,
    ...(typeof previews === 'number' && { previews }),
    // As it is understood, for whoever reads it later; what cannot be is left to be refused.
    ...(typeof webhookUrl === 'string' && {
      webhookUrl: URL.parse(webhookUrl)?.href ?? webhookUrl,
    }),
    warnings,
  }
}
