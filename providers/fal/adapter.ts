import { createFalClient, type FalClient } from '@fal-ai/client'
import { adoptJob, type JobCreation, type JobProtocol, runJob } from '#providers/lib/job.ts'
import {
  asProviderError,
  unreadableAnswer,
  withWorkMayExist,
} from '#providers/lib/provider-failure.ts'
import {
  createSingleShot,
  type SingleShot,
  type SingleShotOptions,
} from '#providers/lib/single-shot-fetch.ts'
import { tell } from '#providers/lib/tell.ts'
import { createTextWithBytes, type TextWithBytes } from '#src/bytes/text-with-bytes.ts'
import type { AnswerAccount } from '#src/domain/byte-account.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type { JsonValue } from '#src/domain/json.ts'
import type {
  ProviderAdapter,
  ProviderAnswer,
  ProviderDependencies,
} from '#src/domain/provider-adapter.ts'
import { buildRequest, endpointIdOf, type FalRequest } from './build-request.ts'
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
  foundJob,
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

/** What the steps of one job share. */
interface Session {
  readonly settings: FalSettings
  readonly dependencies: ProviderDependencies
  readonly endpointId: string
  /** Absent: not known, as the job was created elsewhere. */
  readonly sentPrompt?: JsonValue | undefined
  /** Where what is held of the result is counted; absent: nobody counts. */
  readonly memory?: AnswerAccount | undefined
}

/** Submits to fal's queue, looks until the job is done, reads its result. */
export const createFalAdapter = (
  settings: FalSettings,
  dependencies: ProviderDependencies,
): ProviderAdapter => {
  const { timeScale, logger } = dependencies
  return {
    generate: async (call) => {
      try {
        const placed = createTextWithBytes()
        const { endpointId, ...options } = buildRequest(call, timeScale, placed.place)
        const sentPrompt = call.input.prompt
        const session = { settings, dependencies, endpointId, sentPrompt, memory: call.memory }
        const creation: JobCreation<FalJob> = {
          create: (signal) => submit(session, options, signal, placed),
          onCreated: ({ requestId }) => tell(call.onJob, { id: requestId }, logger),
        }
        return await runJob(jobProtocol(session), creation, { signal: call.signal, timeScale })
      } catch (error) {
        throw asProviderError(FAL_NAME, error, classifyError)
      }
    },
    adopt: async ({ job, providerModelId, signal, memory }) => {
      try {
        const endpointId = endpointOfJob(job.id, providerModelId)
        const protocol = jobProtocol({ settings, dependencies, endpointId, memory })
        return await adoptJob(protocol, foundJob(job.id), { signal, timeScale })
      } catch (error) {
        throw asProviderError(FAL_NAME, error, classifyError)
      }
    },
  }
}

/** Whatever is wrong with the model id now: the job was accepted under it. */
const endpointOfJob = (jobId: string, providerModelId: string): string => {
  try {
    return endpointIdOf(providerModelId)
  } catch (error) {
    throw error instanceof ProviderError ? withWorkMayExist(error, true, jobId) : error
  }
}

const submit = async (
  session: Session,
  options: Omit<FalRequest, 'endpointId'>,
  signal: AbortSignal,
  placed: TextWithBytes,
): Promise<FalJob> => {
  const run = (client: FalClient) => client.queue.submit(session.endpointId, options)
  const shot = createShot(session, signal, { placed })
  return readSubmitted(await callOnce(session, shot, run, classifyAtSubmit))
}

const jobProtocol = (session: Session): JobProtocol<FalJob, ProviderAnswer> => {
  const { endpointId } = session
  const look = async ({ requestId }: FalJob, signal: AbortSignal): Promise<FalJob> =>
    readStatus(
      await callOnce(session, createShot(session, signal), (client) =>
        client.queue.status(endpointId, { requestId }),
      ),
      requestId,
    )
  return {
    providerName: FAL_NAME,
    poll: look,
    isFinal: ({ status }) => status === 'COMPLETED',
    readResult: (job, signal) => readResult(session, job, signal),
    cancel: async (job, signal) => {
      const isAccepted = await requestCancel(session, job, signal)
      // The answer does not say how far the job was, and what was seen before may be old.
      return findingAfterCancel({ before: job, isAccepted, after: await look(job, signal) })
    },
    idOf: ({ requestId }) => requestId,
  }
}

/** False: the job has ended, by itself or by a cancel whose answer was lost. */
const requestCancel = async (
  session: Session,
  { requestId }: FalJob,
  signal: AbortSignal,
): Promise<boolean> => {
  const { endpointId } = session
  try {
    await callOnce(session, createShot(session, signal), (client) =>
      client.queue.cancel(endpointId, { requestId }),
    )
    return true
  } catch (error) {
    if (error instanceof ProviderError && error.details.upstreamStatus === 400) return false
    throw error
  }
}

/** One SDK call that sends one request. */
const callOnce = async (
  session: Session,
  shot: SingleShot,
  run: (client: FalClient) => Promise<unknown>,
  classify = classifyError,
): Promise<unknown> => {
  try {
    return await run(createClient(session, shot))
  } catch (error) {
    throw asProviderError(FAL_NAME, error, classify, shot)
  }
}

const createShot = (
  { settings, dependencies }: Session,
  signal: AbortSignal,
  options: Pick<SingleShotOptions, 'placed' | 'memory'> = {},
): SingleShot =>
  createSingleShot({
    dependencies,
    signal,
    ...options,
    redirectTo: (url) => queueUrl(url, settings.baseUrl),
  })

const createClient = ({ settings }: Session, shot: SingleShot): FalClient =>
  createFalClient({ credentials: settings.key, fetch: shot.fetch })

/** The SDK's URL on the configured base, a path prefix of the base kept. Any other host gets nothing from us. */
export const queueUrl = (url: URL, baseUrl: string): URL => {
  if (url.host !== SDK_HOST) throw unreadableAnswer(FAL_NAME, false)
  return new URL(`${baseUrl.replace(/\/+$/, '')}${url.pathname}${url.search}`)
}

/** One look at the result. Rejects for faults on the way to it, which are tried again. */
const readResult = async (
  session: Session,
  job: FalJob,
  signal: AbortSignal,
): Promise<() => ProviderAnswer> => {
  const { requestId } = job
  const shot = createShot(session, signal, { memory: session.memory })
  try {
    const { queue } = createClient(session, shot)
    const { data } = await queue.result(session.endpointId, { requestId })
    const output = readOutput(data)
    return () => {
      const answer = readResponse(output, requestId, session.sentPrompt, shot.lifted)
      shot.settle()
      return answer
    }
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
