import Replicate from 'replicate'
import type { PlacedImage } from '#providers/lib/image-fields.ts'
import { type JobProtocol, runJob } from '#providers/lib/job.ts'
import {
  asProviderError,
  cancelledError,
  withWorkMayExist,
} from '#providers/lib/provider-failure.ts'
import { createSingleShot } from '#providers/lib/single-shot-fetch.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type {
  ProviderAdapter,
  ProviderAnswer,
  ProviderCall,
  ProviderDependencies,
} from '#src/domain/provider-adapter.ts'
import { buildRequest, type ReplicateRequest } from './build-request.ts'
import { classifyError, REPLICATE_NAME } from './errors.ts'
import {
  isFinal,
  type Prediction,
  readCancelled,
  readPrediction,
  readResponse,
} from './read-response.ts'
import { uploadImages } from './upload-images.ts'

/** Replicate's API (replicate.com/docs/reference/http, read 2026-11). */
export const REPLICATE_BASE_URL = 'https://api.replicate.com/v1'

export interface ReplicateSettings {
  readonly token: string
  readonly baseUrl: string
}

/** What the steps of one attempt share. */
interface Attempt {
  readonly settings: ReplicateSettings
  readonly dependencies: ProviderDependencies
  readonly call: ProviderCall
}

/** Creates a prediction, looks until it is final, reads its output. */
export const createReplicateAdapter = (
  settings: ReplicateSettings,
  dependencies: ProviderDependencies,
): ProviderAdapter => ({
  generate: async (call) => {
    try {
      return await generate({ settings, dependencies, call })
    } catch (error) {
      throw asProviderError(REPLICATE_NAME, error, classifyError)
    }
  },
})

const generate = async (attempt: Attempt): Promise<ProviderAnswer> => {
  const { call, dependencies } = attempt
  const { timeScale } = dependencies
  if (call.signal.aborted) throw cancelledError(REPLICATE_NAME, false)
  const images = await uploadedImages(attempt)
  const request = buildRequest(call, images, timeScale)
  const limits = { signal: call.signal, timeScale }
  return await runJob(jobProtocol(attempt, request), limits)
}

/** Whatever goes wrong with an upload, no prediction exists yet. */
const uploadedImages = async (attempt: Attempt): Promise<PlacedImage[]> => {
  const { images, signal } = attempt.call
  try {
    return await uploadImages(images, (each, run) => callOnce(attempt, each, run), signal)
  } catch (error) {
    if (signal.aborted) throw cancelledError(REPLICATE_NAME, false)
    throw error instanceof ProviderError ? withWorkMayExist(error, false) : error
  }
}

const jobProtocol = (
  attempt: Attempt,
  request: ReplicateRequest,
): JobProtocol<Prediction, ProviderAnswer> => ({
  providerName: REPLICATE_NAME,
  create: async (signal) => {
    const { target, input, headers } = request
    const create = (client: Replicate) => client.predictions.create({ ...target, input })
    return readPrediction(await callOnce(attempt, signal, create, headers))
  },
  poll: async ({ id }, signal) =>
    readPrediction(await callOnce(attempt, signal, (client) => client.predictions.get(id))),
  isFinal,
  // A prediction carries its output, so nothing is left to be fetched.
  readResult: async (prediction) => () => readResponse(prediction),
  cancel: async ({ id }, signal) =>
    readCancelled(
      readPrediction(await callOnce(attempt, signal, (client) => client.predictions.cancel(id))),
    ),
  idOf: ({ id }) => id,
})

/**
 * One SDK call that sends one request. The SDK repeats on thrown errors too, up to six times without a pause; the
 * single shot answers each repetition with the first failure.
 */
const callOnce = async (
  { settings, dependencies }: Attempt,
  signal: AbortSignal,
  run: (client: Replicate) => Promise<unknown>,
  headers: Readonly<Record<string, string>> = {},
): Promise<unknown> => {
  const shot = createSingleShot({ dependencies, signal, headers })
  const client = new Replicate({
    auth: settings.token,
    baseUrl: settings.baseUrl,
    fetch: shot.fetch,
    useFileOutput: false,
  })
  try {
    return await run(client)
  } catch (error) {
    throw asProviderError(REPLICATE_NAME, error, classifyError, shot)
  }
}
