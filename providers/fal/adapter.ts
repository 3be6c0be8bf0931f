import { createFalClient, type FalClient } from '@fal-ai/client'
import { type JobProtocol, runJob } from '#providers/lib/job.ts'
import {
  asProviderError,
  unreadableAnswer,
  withWorkMayExist,
} from '#providers/lib/provider-failure.ts'
import { createSingleShot, type SingleShot } from '#providers/lib/single-shot-fetch.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type {
  ProviderAdapter,
  ProviderAnswer,
  ProviderCall,
  ProviderDependencies,
} from '#src/domain/provider-adapter.ts'
import { buildRequest, type FalRequest } from './build-request.ts'
import {
  classifyAtSubmit,
  classifyError,
  classifyFailedJob,
  FAL_NAME,
  isJobOutcome,
  isStillRunning,
  unfinishedJob,
} from './errors.ts'
import {
  type FalJob,
  findingAfterCancel,
  readOutput,
  readResponse,
  readStatus,
  readSubmitted,
} from './read-response.ts'

/** fal's queue (fal.ai/docs/documentation/model-apis/inference/queue, read 2026-11). */
export const FAL_BASE_URL = 'https://queue.fal.run'

/** The one host that the SDK's queue calls go to; it cannot be configured there. */
const SDK_HOST = 'queue.fal.run'

export interface FalSettings {
  readonly key: string
  readonly baseUrl: string
}

/** What the steps of one attempt share. */
interface Attempt {
  readonly settings: FalSettings
  readonly dependencies: ProviderDependencies
  readonly call: ProviderCall
  readonly request: FalRequest
}

/** Submits to fal's queue, looks until the job is done, reads its result. */
export const createFalAdapter = (
  settings: FalSettings,
  dependencies: ProviderDependencies,
): ProviderAdapter => ({
  generate: async (call) => {
    try {
      const request = buildRequest(call, dependencies.timeScale)
      const limits = { signal: call.signal, timeScale: dependencies.timeScale }
      return await runJob(jobProtocol({ settings, dependencies, call, request }), limits)
    } catch (error) {
      throw asProviderError(FAL_NAME, error, classifyError)
    }
  },
})

const jobProtocol = (attempt: Attempt): JobProtocol<FalJob, ProviderAnswer> => {
  const { endpointId, ...options } = attempt.request
  const look = async ({ requestId }: FalJob, signal: AbortSignal): Promise<FalJob> =>
    readStatus(
      await callOnce(attempt, signal, (client) => client.queue.status(endpointId, { requestId })),
      requestId,
    )
  return {
    providerName: FAL_NAME,
    create: async (signal) => {
      const answer = await callOnce(
        attempt,
        signal,
        (client) => client.queue.submit(endpointId, options),
        classifyAtSubmit,
      )
      return readSubmitted(answer)
    },
    poll: look,
    isFinal: ({ status }) => status === 'COMPLETED',
    readResult: (job, signal) => readResult(attempt, job, signal),
    cancel: async (job, signal) => {
      const isAccepted = await requestCancel(attempt, job, signal)
      // The answer does not say how far the job was, and what was seen before may be old.
      return findingAfterCancel({ before: job, isAccepted, after: await look(job, signal) })
    },
    idOf: ({ requestId }) => requestId,
  }
}

/** False: the job has ended, by itself or by a cancel whose answer was lost. */
const requestCancel = async (
  attempt: Attempt,
  { requestId }: FalJob,
  signal: AbortSignal,
): Promise<boolean> => {
  const { endpointId } = attempt.request
  try {
    await callOnce(attempt, signal, (client) => client.queue.cancel(endpointId, { requestId }))
    return true
  } catch (error) {
    if (error instanceof ProviderError && error.details.upstreamStatus === 400) return false
    throw error
  }
}

/** One SDK call that sends one request. */
const callOnce = async (
  attempt: Attempt,
  signal: AbortSignal,
  run: (client: FalClient) => Promise<unknown>,
  classify = classifyError,
): Promise<unknown> => {
  const shot = createShot(attempt, signal)
  try {
    return await run(createClient(attempt, shot))
  } catch (error) {
    throw asProviderError(FAL_NAME, error, classify, shot)
  }
}

const createShot = ({ settings, dependencies }: Attempt, signal: AbortSignal): SingleShot =>
  createSingleShot({
    dependencies,
    signal,
    redirectTo: (url) => queueUrl(url, settings.baseUrl),
  })

const createClient = ({ settings }: Attempt, shot: SingleShot): FalClient =>
  createFalClient({ credentials: settings.key, fetch: shot.fetch })

/** The SDK's URL on the configured base, a path prefix of the base kept. Any other host gets nothing from us. */
export const queueUrl = (url: URL, baseUrl: string): URL => {
  if (url.host !== SDK_HOST) throw unreadableAnswer(FAL_NAME, false)
  return new URL(`${baseUrl.replace(/\/+$/, '')}${url.pathname}${url.search}`)
}

/** One look at the result. Rejects for faults on the way to it, which are tried again. */
const readResult = async (
  attempt: Attempt,
  job: FalJob,
  signal: AbortSignal,
): Promise<() => ProviderAnswer> => {
  const { requestId } = job
  const shot = createShot(attempt, signal)
  try {
    const { endpointId } = attempt.request
    const { data } = await createClient(attempt, shot).queue.result(endpointId, { requestId })
    const output = readOutput(data)
    return () => readResponse(output, requestId, attempt.call.input.prompt)
  } catch (error) {
    const failure = shot.failure()
    const isOutcome = failure !== undefined && isJobOutcome(failure, job)
    if (isOutcome || job.hasFailed) {
      return () => {
        throw classifyFailedJob(job, isOutcome ? failure : undefined)
      }
    }
    if (isStillRunning(failure)) throw unfinishedJob(requestId)
    const fault = asProviderError(FAL_NAME, error, classifyError, shot)
    throw withWorkMayExist(fault, true, requestId)
  }
}
