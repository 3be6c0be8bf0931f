import Replicate from 'replicate'
import type { PlacedImage } from '#providers/lib/image-fields.ts'
import { adoptJob, type JobCreation, type JobProtocol, runJob } from '#providers/lib/job.ts'
import type { Lifted } from '#providers/lib/lifted-base64.ts'
import {
  asProviderError,
  cancelledError,
  withWorkMayExist,
} from '#providers/lib/provider-failure.ts'
import { createSingleShot, type SingleShotOptions } from '#providers/lib/single-shot-fetch.ts'
import { tell } from '#providers/lib/tell.ts'
import { createTextWithBytes, type TextWithBytes } from '#src/bytes/text-with-bytes.ts'
import type { AnswerAccount } from '#src/domain/byte-account.ts'
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
import { type RunOnce, uploadImages } from './upload-images.ts'

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
  /** Where what is held of predictions is counted; absent: nobody counts. */
  readonly memory?: AnswerAccount | undefined
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
        return await generate({ ...connection, memory: call.memory }, call)
      } catch (error) {
        throw asProviderError(REPLICATE_NAME, error, classifyError)
      }
    },
    adopt: async ({ job, signal, memory }) => {
      const limits = { signal, timeScale: dependencies.timeScale }
      try {
        const protocol = jobProtocol({ ...connection, memory })
        return await adoptJob(protocol, foundPrediction(job.id), limits)
      } catch (error) {
        throw asProviderError(REPLICATE_NAME, error, classifyError)
      }
    },
  }
}

const generate = async (connection: Connection, call: ProviderCall): Promise<ProviderAnswer> => {
  const { timeScale, logger } = connection.dependencies
  if (call.signal.aborted) throw cancelledError(REPLICATE_NAME, false)
  const placed = createTextWithBytes()
  const images = await uploadedImages(connection, call, placed)
  const request = buildRequest(call, images, timeScale)
  const creation: JobCreation<Prediction> = {
    create: (signal) => create(connection, request, signal, placed),
    onCreated: ({ id }) => tell(call.onJob, { id }, logger),
  }
  return await runJob(jobProtocol(connection), creation, { signal: call.signal, timeScale })
}

/** Whatever goes wrong with an upload, no prediction exists yet. */
const uploadedImages = async (
  connection: Connection,
  { images, signal }: ProviderCall,
  { place }: TextWithBytes,
): Promise<PlacedImage[]> => {
  const runOnce: RunOnce = (each, run, options) =>
    callOnce(connection, each, { run, read: (answer) => answer, ...options })
  try {
    return await uploadImages(images, { runOnce, place, signal })
  } catch (error) {
    if (signal.aborted) throw cancelledError(REPLICATE_NAME, false)
    throw error instanceof ProviderError ? withWorkMayExist(error, false) : error
  }
}

const create = async (
  connection: Connection,
  { target, input, headers }: ReplicateRequest,
  signal: AbortSignal,
  placed: TextWithBytes,
): Promise<Prediction> => {
  const run = (client: Replicate) => client.predictions.create({ ...target, input })
  return await callOnce(connection, signal, { run, read: readPrediction, headers, placed })
}

const jobProtocol = (connection: Connection): JobProtocol<Prediction, ProviderAnswer> => ({
  providerName: REPLICATE_NAME,
  poll: ({ id }, signal) => {
    const run = (client: Replicate) => client.predictions.get(id)
    return callOnce(connection, signal, { run, read: readPrediction })
  },
  isFinal,
  // A prediction carries its output, so nothing is left to be fetched.
  readResult: async (prediction) => () => readResponse(prediction),
  cancel: async ({ id }, signal) => {
    const run = (client: Replicate) => client.predictions.cancel(id)
    return readCancelled(await callOnce(connection, signal, { run, read: readPrediction }))
  },
  idOf: ({ id }) => id,
})

interface OneCall<T> extends Pick<SingleShotOptions, 'headers' | 'placed'> {
  readonly run: (client: Replicate) => Promise<unknown>
  readonly read: (answer: unknown, lifted: Lifted) => T
}

/**
 * One SDK call that sends one request. The SDK repeats on thrown errors too, up to six times without a pause; the
 * single shot answers each repetition with the first failure.
 */
const callOnce = async <T>(
  { settings, dependencies, memory }: Connection,
  signal: AbortSignal,
  { run, read, ...options }: OneCall<T>,
): Promise<T> => {
  const shot = createSingleShot({ dependencies, signal, memory, ...options })
  const client = new Replicate({
    auth: settings.token,
    baseUrl: settings.baseUrl,
    fetch: shot.fetch,
    useFileOutput: false,
  })
  try {
    return read(await run(client), shot.lifted)
  } catch (error) {
    throw asProviderError(REPLICATE_NAME, error, classifyError, shot)
  } finally {
    shot.settle()
  }
}
