import Replicate from 'replicate'
import type { PlacedImage } from '#providers/lib/image-fields.ts'
import { adoptJob, type JobCreation, type JobProtocol, runJob } from '#providers/lib/job.ts'
import {
  asProviderError,
  cancelledError,
  withWorkMayExist,
} from '#providers/lib/provider-failure.ts'
import { createSingleShot } from '#providers/lib/single-shot-fetch.ts'
import { tell } from '#providers/lib/tell.ts'
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
  foundPrediction,
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

/** What every request shares. */
interface Connection {
  readonly settings: ReplicateSettings
  readonly dependencies: ProviderDependencies
}

/** Creates a prediction, looks until it is final, reads its output. */
export const createReplicateAdapter = (
  settings: ReplicateSettings,
  dependencies: ProviderDependencies,
): ProviderAdapter => {
  const connection = { settings, dependencies }
  return {
    generate: async (call) => {
      try {
        return await generate(connection, call)
      } catch (error) {
        throw asProviderError(REPLICATE_NAME, error, classifyError)
      }
    },
    adopt: async ({ job, signal }) => {
      const limits = { signal, timeScale: dependencies.timeScale }
      try {
        return await adoptJob(jobProtocol(connection), foundPrediction(job.id), limits)
      } catch (error) {
        throw asProviderError(REPLICATE_NAME, error, classifyError)
      }
    },
  }
}

const generate = async (connection: Connection, call: ProviderCall): Promise<ProviderAnswer> => {
  const { timeScale, logger } = connection.dependencies
  if (call.signal.aborted) throw cancelledError(REPLICATE_NAME, false)
  const images = await uploadedImages(connection, call)
  const request = buildRequest(call, images, timeScale)
  const creation: JobCreation<Prediction> = {
    create: (signal) => create(connection, request, signal),
    onCreated: ({ id }) => tell(call.onJob, { id }, logger),
  }
  return await runJob(jobProtocol(connection), creation, { signal: call.signal, timeScale })
}

/** Whatever goes wrong with an upload, no prediction exists yet. */
const uploadedImages = async (
  connection: Connection,
  { images, signal }: ProviderCall,
): Promise<PlacedImage[]> => {
  try {
    return await uploadImages(images, (each, run) => callOnce(connection, each, run), signal)
  } catch (error) {
    if (signal.aborted) throw cancelledError(REPLICATE_NAME, false)
    throw error instanceof ProviderError ? withWorkMayExist(error, false) : error
  }
}

const create = async (
  connection: Connection,
  { target, input, headers }: ReplicateRequest,
  signal: AbortSignal,
): Promise<Prediction> => {
  const run = (client: Replicate) => client.predictions.create({ ...target, input })
  return readPrediction(await callOnce(connection, signal, run, headers))
}

const jobProtocol = (connection: Connection): JobProtocol<Prediction, ProviderAnswer> => ({
  providerName: REPLICATE_NAME,
  poll: async ({ id }, signal) =>
    readPrediction(await callOnce(connection, signal, (client) => client.predictions.get(id))),
  isFinal,
  // A prediction carries its output, so nothing is left to be fetched.
  readResult: async (prediction) => () => readResponse(prediction),
  cancel: async ({ id }, signal) =>
    readCancelled(
      readPrediction(await callOnce(connection, signal, (client) => client.predictions.cancel(id))),
    ),
  idOf: ({ id }) => id,
})

/**
 * One SDK call that sends one request. The SDK repeats on thrown errors too, up to six times without a pause; the
 * single shot answers each repetition with the first failure.
 */
const callOnce = async (
  { settings, dependencies }: Connection,
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
