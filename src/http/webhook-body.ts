import type { Clock } from '#src/domain/clock.ts'
import { failureStatusOf, GatewayError } from '#src/domain/errors.ts'
import type { AnswerImage, ImageAnswer, KeptAnswer } from '#src/domain/image-answer.ts'
import { SORTS } from '#src/domain/image-request.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type { RequestLog, RequestRecord } from '#src/domain/request-record.ts'
import type { RunOrder } from '#src/domain/run-store.ts'
import type { OpenKeptImages } from '#src/images/kept-images.ts'
import { presentImageAnswer } from './image-answer.ts'
import { presentRequest } from './request-object.ts'

/** How a request ended that was taken on: with its images, or with an error. */
type Ending = Exclude<KeptAnswer, { kind: 'accepted' }>

/** What a webhook's body is made of. */
export interface WebhookFacts {
  readonly order: RunOrder
  readonly answer: Ending
  /**
   * As the request log has it; absent, still pending, or of another request with its id: it is told as far as order
   * and answer know it.
   */
  readonly record?: RequestRecord
  /** The answer's images, hosted; absent: there are none, or they are not there any more. */
  readonly images?: readonly AnswerImage[]
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
  /** Wall-clock ms. */
  readonly nowMs: number
}

const howItEnded = (answer: Ending) =>
  answer.kind === 'error'
    ? {
        status: failureStatusOf(answer.code),
        attempts: [],
        cost: 0,
        errorCode: answer.code,
        errorMessage: answer.message,
      }
    : {
        status: 'completed' as const,
        attempts: answer.attempts,
        cost: answer.cost,
        provider: answer.provider,
        ...(answer.usage && { usage: answer.usage }),
      }

/** When it ended, in wall-clock ms; of an error that the log does not know, the latest time that it can have been. */
const endOf = ({ order, answer, record, nowMs }: WebhookFacts): number => {
  if (answer.kind === 'images') return answer.createdAtMs
  if (record) return record.createdAtMs + record.durationMs
  return Math.max(order.createdAtMs, Math.min(nowMs, order.deadlineAtMs))
}

const recordFrom = (facts: WebhookFacts): RequestRecord => {
  const { order, answer } = facts
  return {
    id: order.requestId,
    createdAtMs: order.createdAtMs,
    nonce: order.nonce,
    endpoint: order.endpoint,
    mode: order.mode,
    model: order.modelId,
    durationMs: endOf(facts) - order.createdAtMs,
    ...(order.user !== undefined && { user: order.user }),
    ...(order.keyId !== undefined && { keyId: order.keyId }),
    routing: { sort: SORTS[0], decisions: [], excluded: [] },
    ...howItEnded(answer),
  }
}

/** Without `routing` when the log has no record: how it was routed is not known then. */
const presentEnded = (facts: WebhookFacts): JsonObject => {
  if (facts.record) return presentRequest(facts.record)
  const { routing: _unknown, ...known } = presentRequest(recordFrom(facts))
  return known
}

const neverPlaced = (): never => {
  throw new Error('A webhook carries URLs, never the bytes of images')
}

const presentResult = ({ answer, images, order, providerNames }: WebhookFacts): JsonObject => {
  if (answer.kind !== 'images' || !images) return {}
  const { kind: _kind, ...kept } = answer
  const result: ImageAnswer = { ...kept, images }
  const context = { baseUrl: order.baseUrl, place: neverPlaced, providerNames }
  return { result: presentImageAnswer(result, context) }
}

/** What is posted to a webhook: the request object, with its result. Pure. */
export const presentWebhook = (given: WebhookFacts): JsonObject => {
  const { record, ...unrecorded } = given
  // The latest record with this id may be another request's: clients choose ids.
  const isItsOwn = record?.nonce === given.order.nonce && record.status !== 'pending'
  const facts = isItsOwn ? given : unrecorded
  return {
    type: facts.answer.kind === 'images' ? 'image.completed' : 'image.failed',
    timestamp: new Date(endOf(facts)).toISOString(),
    data: { ...presentEnded(facts), ...presentResult(facts) },
  }
}

export interface WebhookBodyDependencies {
  readonly requestLog: Pick<RequestLog, 'find'>
  readonly openKeptImages: OpenKeptImages
  readonly providerNames: ReadonlyMap<string, string>
  readonly clock: Pick<Clock, 'now'>
}

/** Renders a webhook's body as text. Rejects when the log or the store of images cannot be asked. */
export type RenderWebhookBody = (order: RunOrder, answer: KeptAnswer) => Promise<string>

/** `undefined`: there are none, or they are not there any more. */
const openImages = async (
  answer: Ending,
  openKeptImages: OpenKeptImages,
): Promise<readonly AnswerImage[] | undefined> => {
  if (answer.kind !== 'images') return undefined
  try {
    // URLs also for who asked for base64: bodies of tens of megabytes are for nobody's receiver.
    return await openKeptImages(answer.images, 'url')
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}

/** With fresh URLs each time that it is rendered. */
export const createWebhookBody =
  (deps: WebhookBodyDependencies): RenderWebhookBody =>
  async (order, answer) => {
    if (answer.kind === 'accepted') throw new Error('A request that was taken on has not ended')
    const { requestLog, openKeptImages, providerNames, clock } = deps
    const record = await requestLog.find(order.requestId, order.keyId)
    const images = await openImages(answer, openKeptImages)
    const facts = {
      order,
      answer,
      ...(record && { record }),
      ...(images && { images }),
      providerNames,
      nowMs: clock.now(),
    }
    return JSON.stringify(presentWebhook(facts))
  }
