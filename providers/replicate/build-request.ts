import { type PlacedImage, placeImages } from '#providers/lib/image-fields.ts'
import { providerError } from '#providers/lib/provider-failure.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type { InputImage, ProviderCall } from '#src/domain/provider-adapter.ts'
import { REPLICATE_NAME } from './errors.ts'

/** `owner/name`, or `owner/name:version`. The id becomes part of a path. */
const MODEL_ID = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?::([\w-]+))?$/

/**
 * Seconds below which no deadline is set: rounding and a slow start must not end a prediction that its budget would
 * have allowed.
 */
const MIN_DEADLINE_S = 5

/** Which model runs: an official one by name, any other by version. */
export type PredictionTarget =
  | { readonly model: string; readonly version?: never }
  | { readonly version: string; readonly model?: never }

/** What is given to `predictions.create`, and the header that it has no option for. */
export interface ReplicateRequest {
  readonly target: PredictionTarget
  readonly input: JsonObject
  readonly headers: Readonly<Record<string, string>>
}

/**
 * `images` are the call's images as Replicate will read them. `timeScale` turns the budget back into the provider's
 * own seconds.
 */
export const buildRequest = (
  call: Pick<ProviderCall, 'providerModelId' | 'input' | 'timeoutMs'>,
  images: readonly PlacedImage[],
  timeScale: number,
): ReplicateRequest => {
  const budgetSeconds = Math.ceil((call.timeoutMs * timeScale) / 1000)
  return {
    target: targetOf(call.providerModelId),
    input: { ...call.input, ...placeImages(REPLICATE_NAME, images) },
    // A prediction that nobody waits for ends by itself (replicate.com/changelog/2025-10-16-prediction-deadlines).
    headers: { 'cancel-after': `${Math.max(MIN_DEADLINE_S, budgetSeconds)}s` },
  }
}

/** What an id names; throws for one that cannot be called. */
export const targetOf = (providerModelId: string): PredictionTarget => {
  const [, name, version] = MODEL_ID.exec(providerModelId) ?? []
  if (name === undefined) {
    throw providerError(REPLICATE_NAME, {
      kind: 'bad_response',
      workMayExist: false,
      reason: 'cannot be called with this model id',
    })
  }
  return version === undefined ? { model: name } : { version }
}

/**
 * Bytes up to which an image goes into the request as a data URI. Replicate's API reference advises a file beyond
 * 256 kB, its guide beyond 1 MB (replicate.com/docs/topics/predictions/input-files, read 2026-11); the lower one
 * keeps 14 images together under the 6.4 MiB at which requests were reported to fail.
 */
export const DATA_URI_LIMIT_BYTES = 256_000

/** Whether an image has to be uploaded first. */
export const needsUpload = (image: InputImage): boolean =>
  image.bytes.sizeBytes > DATA_URI_LIMIT_BYTES
