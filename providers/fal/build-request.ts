import { type PlaceBytes, toDataUri } from '#providers/lib/data-uri.ts'
import { placeImages } from '#providers/lib/image-fields.ts'
import { providerError } from '#providers/lib/provider-failure.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type { ProviderCall } from '#src/domain/provider-adapter.ts'
import { FAL_NAME } from './errors.ts'

/**
 * Ids such as `fal-ai/nano-banana-2/edit`. The SDK takes a whole URL for an id as well, and sends the key to any
 * host that ends in "fal.run", so nothing else is let through (@fal-ai/client 1.10.1, read 2026-11).
 */
const MODEL_ID = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*(\/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+$/

/**
 * Headers of every submit (fal platform headers and reliability docs, read 2026-11):
 * - no-retry: fal would run a failed job up to ten times more, while another provider could serve it
 * - disable-fallback: fal would otherwise serve the request from another endpoint than the one asked for
 */
const SUBMIT_HEADERS = {
  'x-fal-no-retry': '1',
  'x-app-fal-disable-fallback': 'true',
} as const

/** Seconds that outputs stay at fal; they are fetched at once. An hour, as at Replicate. */
const OUTPUT_LIFETIME_S = 3_600

/** The SDK refuses a start time limit of one second or less. */
const MIN_START_TIMEOUT_S = 2

/** What is given to `queue.submit`. */
export interface FalRequest {
  readonly endpointId: string
  readonly input: JsonObject
  readonly headers: Record<string, string>
  /** Seconds after which fal gives up a job that has not begun. */
  readonly startTimeout: number
  readonly storageSettings: { readonly expiresIn: number }
}

/** `timeScale` turns the budget back into the provider's own seconds; `place` puts the images in. */
export const buildRequest = (
  call: Pick<ProviderCall, 'providerModelId' | 'input' | 'images' | 'timeoutMs'>,
  timeScale: number,
  place: PlaceBytes,
): FalRequest => {
  const endpointId = endpointIdOf(call.providerModelId)
  const images = call.images.map(({ field, isList, bytes, mediaType }) => ({
    field,
    isList,
    url: toDataUri(bytes, mediaType, place),
  }))
  const budgetSeconds = Math.ceil((call.timeoutMs * timeScale) / 1000)
  return {
    endpointId,
    input: { ...call.input, ...placeImages(FAL_NAME, images) },
    headers: { ...SUBMIT_HEADERS },
    startTimeout: Math.max(MIN_START_TIMEOUT_S, budgetSeconds),
    storageSettings: { expiresIn: OUTPUT_LIFETIME_S },
  }
}

/** The id itself when it is fit for the SDK, else throws. */
export const endpointIdOf = (providerModelId: string): string => {
  if (!MODEL_ID.test(providerModelId)) throw unusableModelId()
  return providerModelId
}

const unusableModelId = (): Error =>
  providerError(FAL_NAME, {
    kind: 'bad_response',
    workMayExist: false,
    reason: 'cannot be called with this model id',
  })
