import type { CancelFinding } from '#providers/lib/job.ts'
import { imageAtUrl, type Lifted } from '#providers/lib/lifted-base64.ts'
import { providerError, unreadableAnswer } from '#providers/lib/provider-failure.ts'
import { isJsonObject, type JsonObject } from '#src/domain/json.ts'
import type { ProviderAnswer, ProviderImage } from '#src/domain/provider-adapter.ts'
import { classifyEndedPrediction, REPLICATE_NAME } from './errors.ts'

/** A prediction with what everything depends on read out of it; the rest is as it came. */
export interface Prediction {
  readonly id: string
  readonly status: string
  /** What it has made so far. */
  readonly images: readonly ProviderImage[]
  readonly answer: JsonObject
}

/** Ids become part of a path, so only what Replicate uses for them is taken. */
const PREDICTION_ID = /^[A-Za-z0-9_-]{1,128}$/

const FINAL = ['succeeded', 'failed', 'canceled', 'aborted']

/**
 * An answer of create, get or cancel. Without an id the prediction is lost, though it may run; with one, a status
 * that is new to us only means that it is not known to have ended.
 */
export const readPrediction = (answer: unknown, lifted: Lifted): Prediction => {
  if (!isJsonObject(answer)) throw unreadableAnswer(REPLICATE_NAME, true)
  const { id, status } = answer
  if (typeof id !== 'string' || !PREDICTION_ID.test(id)) {
    throw unreadableAnswer(REPLICATE_NAME, true)
  }
  return {
    id,
    status: typeof status === 'string' ? status : 'unknown',
    images: readImages(answer.output, lifted),
    answer,
  }
}

/** Some models answer one URL, others a list. */
const readImages = (output: unknown, lifted: Lifted): ProviderImage[] =>
  (Array.isArray(output) ? output : [output]).flatMap((url) => imageAtUrl(url, lifted))

/** A prediction that an earlier call created, before it has been looked at. */
export const foundPrediction = (id: string): Prediction => readPrediction({ id }, () => undefined)

/** Whether nothing will change any more. The SDK's own wait does not know `aborted`. */
export const isFinal = ({ status }: Prediction): boolean => FINAL.includes(status)

/** What a cancel's answer shows. A prediction that does not end as `aborted` or unstarted may be billed. */
export const readCancelled = (prediction: Prediction): CancelFinding<Prediction> => {
  const { status, answer } = prediction
  if (status === 'succeeded' || status === 'failed') return { kind: 'ended', job: prediction }
  const neverBegan =
    status === 'aborted' || (status === 'canceled' && typeof answer.started_at !== 'string')
  return { kind: 'stopped', hadBegun: !neverBegan }
}

/** A final prediction as images. */
export const readResponse = (prediction: Prediction): ProviderAnswer => {
  const { id, status, images, answer } = prediction
  if (status !== 'succeeded') throw classifyEndedPrediction(answer)
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
