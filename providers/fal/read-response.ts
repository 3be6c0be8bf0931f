import type { CancelFinding } from '#providers/lib/job.ts'
import { imageAtUrl, type Lifted } from '#providers/lib/lifted-base64.ts'
import { providerError, unreadableAnswer } from '#providers/lib/provider-failure.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '#src/domain/json.ts'
import type { ProviderAnswer } from '#src/domain/provider-adapter.ts'
import { FAL_NAME, type FailedJob } from './errors.ts'

/** A job as far as its status tells. */
export interface FalJob extends FailedJob {
  readonly status: 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED'
  /** True: the job ended without a result. */
  readonly hasFailed: boolean
  /** True: the status gives a time of inference. */
  readonly hasRun: boolean
}

/** Ids become part of a path, so only what fal uses for them is taken. */
const REQUEST_ID = /^[A-Za-z0-9_-]{1,128}$/

const STATUSES = ['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED'] as const

/** An answer of submit. Without an id the job is lost, though it may run. */
export const readSubmitted = (answer: unknown): FalJob => {
  const requestId = isJsonObject(answer) ? answer.request_id : undefined
  if (typeof requestId !== 'string' || !REQUEST_ID.test(requestId)) {
    throw unreadableAnswer(FAL_NAME, true)
  }
  return { requestId, status: 'IN_QUEUE', hasFailed: false, hasRun: false }
}

/** A job that an earlier call submitted: nothing is known but that it was accepted, so it may run by now. */
export const foundJob = (requestId: string): FalJob => {
  if (!REQUEST_ID.test(requestId)) throw unreadableAnswer(FAL_NAME, true)
  return { requestId, status: 'IN_PROGRESS', hasFailed: false, hasRun: false }
}

/** An answer of status. A failed job is COMPLETED too, told apart by fields that the SDK's types leave out. */
export const readStatus = (answer: unknown, requestId: string): FalJob => {
  const found = isJsonObject(answer) ? answer : {}
  const status = STATUSES.find((name) => name === found.status)
  if (status === undefined) throw unreadableAnswer(FAL_NAME, true)
  const errorType = found.error_type
  return {
    requestId,
    status,
    hasFailed: hasText(found.error) || hasText(errorType),
    hasRun: isJsonObject(found.metrics) && Number(found.metrics.inference_time ?? 0) > 0,
    ...(typeof errorType === 'string' && { errorType }),
  }
}

const hasText = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

/** A job before and after its cancel. */
interface Cancelled {
  readonly before: FalJob
  /** False: fal said that the job had ended already. */
  readonly isAccepted: boolean
  readonly after: FalJob
}

/**
 * What a look after the cancel shows. That a job never began is believed only when it was last seen in the queue and
 * is still there, or has been cancelled without any inference.
 */
export const findingAfterCancel = ({
  before,
  isAccepted,
  after,
}: Cancelled): CancelFinding<FalJob> => {
  const isCancelled = after.errorType === 'client_cancelled'
  if (after.status === 'COMPLETED' && !isCancelled) return { kind: 'ended', job: after }
  const staysQueued = isAccepted && after.status === 'IN_QUEUE'
  const neverBegan = staysQueued || (isCancelled && !after.hasRun)
  return { kind: 'stopped', hadBegun: before.status !== 'IN_QUEUE' || !neverBegan }
}

/** What a result URL answered with 200: the output of a model is an object. */
export const readOutput = (output: unknown): JsonObject => {
  if (!isJsonObject(output)) throw unreadableAnswer(FAL_NAME, true)
  return output
}

/**
 * A finished job's output as images. Models answer `images`, a few a single `image`. `sentPrompt` `undefined`: it is
 * not known, and so neither is whether the prompt was rewritten.
 */
export const readResponse = (
  output: JsonObject,
  requestId: string,
  sentPrompt: JsonValue | undefined,
  lifted: Lifted,
): ProviderAnswer => {
  const listed = Array.isArray(output.images) ? output.images : [output.image]
  const images = listed
    .filter(isJsonObject)
    .flatMap((image) => imageAtUrl(image.url, lifted, image.content_type))
  if (images.length === 0) {
    throw providerError(FAL_NAME, {
      kind: 'empty_result',
      workMayExist: true,
      reason: 'answered without an image',
      providerRequestId: requestId,
    })
  }
  return { images, providerRequestId: requestId, ...revisedPrompt(output, sentPrompt, lifted) }
}

/** Models echo the prompt that they used, which some have expanded. */
const revisedPrompt = (
  output: JsonObject,
  sentPrompt: JsonValue | undefined,
  lifted: Lifted,
): { revisedPrompt?: string } => {
  const { prompt } = output
  // A prompt that looks like base64 throughout is nobody's rewriting.
  const isText = typeof prompt === 'string' && prompt !== '' && lifted(prompt) === undefined
  const isTold = isText && sentPrompt !== undefined
  return isTold && prompt !== sentPrompt ? { revisedPrompt: prompt } : {}
}
