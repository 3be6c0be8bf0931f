import { createFalClient, type FalClient } from '@fal-ai/client'
import { type JobProtocol, readPatiently, runJob } from '#providers/lib/job.ts'
import {
  asProviderError,
  cancelledError,
  unreadableAnswer,
  withWorkMayExist,
} from '#providers/lib/provider-failure.ts'
import { createSingleShot, type SingleShot } from '#providers/lib/single-shot-fetch.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type {
  ProviderAdapter,
  ProviderAnswer,
  ProviderCall,
  ProviderDependencies,
  UpstreamFailure,
} from '#src/domain/provider-adapter.ts'
import { buildRequest, type FalRequest } from './build-request.ts'
import {
  classifyAtSubmit,
  classifyError,
  classifyFailedJob,
  FAL_NAME,
  isFalError,
} from './errors.ts'
import { type FalJob, readResponse, readStatus, readSubmitted } from './read-response.ts'

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
      return await generate({ settings, dependencies, call, request })
    } catch (error) {
      throw asProviderError(FAL_NAME, error, classifyError)
    }
  },
})

const generate = async (attempt: Attempt): Promise<ProviderAnswer> => {
  const { call } = attempt
  const limits = { signal: call.signal, timeScale: attempt.dependencies.timeScale }
  const job = await runJob(jobProtocol(attempt), limits)
  try {
    const outcome = await readPatiently((signal) => fetchResult(attempt, job, signal), limits)
    if ('failed' in outcome) throw classifyFailedJob(job, outcome.failed ?? undefined)
    return readResponse(outcome.output, job.requestId, call.input.prompt)
  } catch (error) {
    if (call.signal.aborted) throw cancelledError(FAL_NAME, !job.hasFailed)
    throw error
  }
}

const jobProtocol = (attempt: Attempt): JobProtocol<FalJob> => {
  const { endpointId, ...options } = attempt.request
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
    poll: async ({ requestId }, signal) =>
      readStatus(
        await callOnce(attempt, signal, (client) => client.queue.status(endpointId, { requestId })),
        requestId,
      ),
    isFinal: ({ status }) => status === 'COMPLETED',
    cancel: async ({ requestId, status }, signal) => {
      await callOnce(attempt, signal, (client) => client.queue.cancel(endpointId, { requestId }))
      // Accepted while still queued: it never begins. A job that runs may finish and be billed all the same.
      return status !== 'IN_QUEUE'
    },
    idOf: ({ requestId }) => requestId,
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
    fetch: dependencies.fetch,
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

/** The job's output, or how it failed; null: its status says that it failed, and nothing more is known. */
type Outcome = { readonly output: unknown } | { readonly failed: UpstreamFailure | null }

/** One look at the result. Faults on the way to it are thrown, to be tried again. */
const fetchResult = async (
  attempt: Attempt,
  job: FalJob,
  signal: AbortSignal,
): Promise<Outcome> => {
  const shot = createShot(attempt, signal)
  try {
    const result = await createClient(attempt, shot).queue.result(attempt.request.endpointId, {
      requestId: job.requestId,
    })
    return { output: result.data as JsonObject }
  } catch (error) {
    const failure = shot.failure()
    if (isStillRunning(failure)) throw unreadableAnswer(FAL_NAME, true)
    if (failure?.status !== undefined && isFalError(failure.body)) return { failed: failure }
    if (job.hasFailed) return { failed: null }
    throw withWorkMayExist(
      asProviderError(FAL_NAME, error, classifyError, shot),
      true,
      job.requestId,
    )
  }
}

/** An answer seen by one implementer right after COMPLETED: 400 "Request is still in progress". */
const isStillRunning = (failure: UpstreamFailure | undefined): boolean =>
  failure?.status === 400 && /still in progress/i.test(JSON.stringify(failure.body ?? ''))
