import type { CancelFinding } from '#providers/lib/job.ts'
import { providerError, unreadableAnswer } from '#providers/lib/provider-failure.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { ProviderAnswer, ProviderImage } from '#src/domain/provider-adapter.ts'
import { classifyEndedPrediction, REPLICATE_NAME } from './errors.ts'

/** A prediction with the two fields that everything depends on checked; the rest is as it came. */
export type Prediction = JsonObject & { readonly id: string; readonly status: string }

/** Ids become part of a path, so only what Replicate uses for them is taken. */
const PREDICTION_ID = /^[A-Za-z0-9_-]{1,128}$/

const FINAL = ['succeeded', 'failed', 'canceled', 'aborted']

/**
 * An answer of create, get or cancel. Without an id the prediction is lost, though it may run; with one, a status
 * that is new to us only means that it is not known to have ended.
 */
export const readPrediction = (answer: unknown): Prediction => {
  if (!isJsonObject(answer)) throw unreadableAnswer(REPLICATE_NAME, true)
  const { id, status } = answer
  if (typeof id !== 'string' || !PREDICTION_ID.test(id)) {
    throw unreadableAnswer(REPLICATE_NAME, true)
  }
  return { ...answer, id, status: typeof status === 'string' ? status : 'unknown' }
}

/** A prediction that an earlier call created, before it has been looked at. */
export const foundPrediction = (id: string): Prediction => readPrediction({ id })

/** Whether nothing will change any more. The SDK's own wait does not know `aborted`. */
export const isFinal = ({ status }: Prediction): boolean => FINAL.includes(status)

/** What a cancel's answer shows. A prediction that does not end as `aborted` or unstarted may be billed. */
export const readCancelled = (prediction: Prediction): CancelFinding<Prediction> => {
  const { status, started_at: startedAt } = prediction
  if (status === 'succeeded' || status === 'failed') return { kind: 'ended', job: prediction }
  const neverBegan =
    status === 'aborted' || (status === 'canceled' && typeof startedAt !== 'string')
  return { kind: 'stopped', hadBegun: !neverBegan }
}

/** A final prediction as images. Some models answer one URL, others a list. */
export const readResponse = (prediction: Prediction): ProviderAnswer => {
  if (prediction.status !== 'succeeded') throw classifyEndedPrediction(prediction)
  const { output, id } = prediction
  const urls = Array.isArray(output) ? output : [output]
  const images = urls.flatMap(imageOf)
  if (images.length === 0) {
    throw providerError(REPLICATE_NAME, {
      kind: 'empty_result',
      workMayExist: true,
      reason: 'answered without an image',
      providerRequestId: id,
    })
  }
  return { images, providerRequestId: id }
}

const imageOf = (url: unknown): ProviderImage[] =>
  typeof url === 'string' && /^(https?:|data:)/i.test(url) ? [{ kind: 'url', url }] : []
