import { spoilAnswer } from '#test/emulators/answer-fault.ts'
import { setBounded } from '#test/emulators/bounded-map.ts'
import type { EmulatorContext, ProviderDefinition } from '#test/emulators/create-emulator.ts'
import { EMULATOR_KEYS } from '#test/emulators/emulator.ts'
import { isObject } from '#test/emulators/field-rules.ts'
import type { AnswerFault, Fault } from '#test/emulators/scenario.ts'
import {
  jsonReply,
  pause,
  silence,
  type WireReply,
  type WireRequest,
} from '#test/emulators/wire.ts'
import { describePrediction, isEnded, type Prediction, startPrediction } from './prediction.ts'
import {
  invalidInput,
  replicateErrors,
  replicateNoCredit,
  replicateNotFound,
  replicateThrottled,
  replicateUnauthorized,
} from './replicate-errors.ts'
import { refuseInput } from './replicate-input.ts'
import type { ReplicateModel } from './replicate-model.ts'
import { REPLICATE_MODELS } from './replicate-models.ts'
import { describeModel } from './replicate-openapi.ts'
import { createReplicateUploads, type ReplicateUploads } from './replicate-uploads.ts'

/** Predictions beyond this number are forgotten, oldest first. */
const MAX_PREDICTIONS = 5_000
/** How long `Prefer: wait` holds without a number, and at most. */
const MAX_HOLD_SECONDS = 60

type Handler = (request: WireRequest) => WireReply | Promise<WireReply>

const authorized =
  (handle: Handler): Handler =>
  (request) =>
    request.headers.authorization === `Bearer ${EMULATOR_KEYS.replicate}`
      ? handle(request)
      : replicateUnauthorized()

/** Faults that come before a prediction exists; `undefined`: it is created. */
const refuseEarly = (fault: Fault | undefined, context: EmulatorContext): WireReply | undefined => {
  switch (fault) {
    case 'hang_at_create':
      return silence
    case 'bad_key':
      return replicateUnauthorized()
    case 'quota_exhausted':
      return replicateNoCredit()
    case 'rate_limited_with_hint':
      return replicateThrottled(context.retryAfterSeconds())
    case 'rate_limited':
    case 'server_error':
    case 'stalled_error':
    case 'unavailable':
    case 'gateway_timeout':
      return spoilAnswer(fault, silence, replicateErrors)
    default:
      return undefined
  }
}

/** Faults that spoil the answer to the create; the prediction runs all the same. */
const CREATE_ANSWER_FAULTS: readonly (string | undefined)[] = [
  'reset_before_answer',
  'reset_inside_answer',
  'malformed_body',
  'truncated_body',
]

const BODY_FIELDS = ['input', 'webhook', 'webhook_events_filter']

const refuseBody = (body: unknown): WireReply | undefined => {
  if (!isObject(body))
    return invalidInput([{ type: 'required', field: 'input', description: 'input is required' }])
  const unknown = Object.keys(body).find((field) => !BODY_FIELDS.includes(field))
  if (unknown === undefined) return undefined
  const description = `Additional property ${unknown} is not allowed`
  return invalidInput([{ type: 'additional_property_not_allowed', field: unknown, description }])
}

/** Seconds to hold the answer; `undefined`: answer at once; a reply: the header is wrong. */
const readHoldSeconds = (prefer: string | undefined): number | undefined | WireReply => {
  if (prefer === undefined) return undefined
  const match = /(?:^|,)\s*wait(?:=(\d+))?\s*(?:,|$)/.exec(prefer)
  if (!match) return undefined
  const seconds = Number(match[1] ?? MAX_HOLD_SECONDS)
  if (seconds >= 1 && seconds <= MAX_HOLD_SECONDS) return seconds
  const description = 'wait must be between 1 and 60'
  return invalidInput([{ type: 'number', field: 'Prefer', description }])
}

const DURATION_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 }

/** `1m30s` → 90; `undefined`: no header; a reply: the header is wrong. */
const readCancelAfterSeconds = (header: string | undefined): number | undefined | WireReply => {
  if (header === undefined) return undefined
  if (!/^(\d+[smh])+$|^\d+$/.test(header)) {
    const description = 'Cancel-After must be a duration such as 30s, 1m or 1h30m'
    return invalidInput([{ type: 'format', field: 'Cancel-After', description }])
  }
  if (/^\d+$/.test(header)) return Number(header)
  const parts = [...header.matchAll(/(\d+)([smh])/g)]
  return parts.reduce(
    (sum, [, n, unit]) => sum + Number(n) * (DURATION_SECONDS[unit ?? 's'] ?? 1),
    0,
  )
}

/** Waits until the prediction has ended, but no longer than the hold. */
const holdUntilEnded = async (prediction: Prediction, holdMs: number, signal: AbortSignal) => {
  const { finishesMs, cancelledMs = Number.POSITIVE_INFINITY } = prediction.timeline
  const endsInMs = Math.min(finishesMs, cancelledMs) - performance.now()
  if (endsInMs <= holdMs) await prediction.ending
  await pause(Math.min(holdMs, Math.max(0, endsInMs)), signal)
}

interface CreateOptions {
  /** `owner/name`. */
  readonly name: string
  readonly model: ReplicateModel
  readonly holdSeconds: number | undefined
  readonly cancelAfterSeconds: number | undefined
}

/** Reads what the create asks for, or tells why it is refused. */
const readCreate = (request: WireRequest, context: EmulatorContext): CreateOptions | WireReply => {
  const name = `${request.parameters.owner}/${request.parameters.name}`
  const model = REPLICATE_MODELS[name]
  if (!model) return replicateNotFound()
  const holdSeconds = readHoldSeconds(request.headers.prefer)
  if (typeof holdSeconds === 'object') return holdSeconds
  const cancelAfterSeconds = readCancelAfterSeconds(request.headers['cancel-after'])
  if (typeof cancelAfterSeconds === 'object') return cancelAfterSeconds
  const refused = refuseBody(request.json)
  if (refused) return refused
  const { input } = request.json as { input?: unknown }
  const rejectsUnknown = context.scenario().rejectUnknownInput ?? false
  const refusal = refuseInput(model, input, rejectsUnknown)
  return refusal ?? { name, model, holdSeconds, cancelAfterSeconds }
}

const create =
  (
    predictions: Map<string, Prediction>,
    uploads: ReplicateUploads,
    context: EmulatorContext,
  ): Handler =>
  async (request) => {
    const options = readCreate(request, context)
    if ('body' in options) return options
    const outcome = context.draw()
    const early = refuseEarly(outcome.fault, context)
    if (early) {
      await pause(outcome.fastFailureMs, request.signal)
      return early
    }
    const { name, model, holdSeconds, cancelAfterSeconds } = options
    const { input } = request.json as { input: Readonly<Record<string, unknown>> }
    const scaled = (seconds: number): number => (seconds * 1_000) / context.timeScale
    const deadline =
      cancelAfterSeconds === undefined ? {} : { cancelAfterMs: scaled(cancelAfterSeconds) }
    const order = { name, model, input, outcome, findUpload: uploads.find, ...deadline }
    const prediction = startPrediction(order, context)
    setBounded(predictions, prediction.id, prediction, MAX_PREDICTIONS)
    context.openJobs.open(prediction.id)
    request.call.jobId = prediction.id
    if (holdSeconds !== undefined) {
      await holdUntilEnded(prediction, scaled(holdSeconds), request.signal)
    }
    const isNew = holdSeconds === undefined
    if (!isNew && isEnded(prediction)) context.openJobs.settle(prediction.id)
    const status = isNew || isEnded(prediction) ? 201 : 202
    const reply = jsonReply(status, await describePrediction(prediction, context, isNew))
    return CREATE_ANSWER_FAULTS.includes(outcome.fault)
      ? spoilAnswer(outcome.fault as AnswerFault, reply, replicateErrors)
      : reply
  }

/** The API of Replicate for official models, its files API and its delivery host. */
export const replicateEmulator: ProviderDefinition = {
  id: 'replicate',
  errors: replicateErrors,
  notFound: replicateNotFound,
  routes(context) {
    const predictions = new Map<string, Prediction>()
    const uploads = createReplicateUploads(context)
    const withPrediction = (change: (prediction: Prediction) => void): Handler =>
      authorized(async (request) => {
        const prediction = predictions.get(request.parameters.id ?? '')
        if (!prediction) return replicateNotFound()
        request.call.jobId = prediction.id
        change(prediction)
        if (isEnded(prediction)) context.openJobs.settle(prediction.id)
        return jsonReply(200, await describePrediction(prediction, context))
      })
    const cancel = (prediction: Prediction): void => {
      if (!isEnded(prediction)) prediction.timeline.cancelledMs = performance.now()
    }
    return [
      {
        method: 'GET',
        pattern: /^\/v1\/models\/(?<owner>[^/]+)\/(?<name>[^/]+)$/,
        kind: 'other',
        handle: authorized(describeModel),
      },
      {
        method: 'POST',
        pattern: /^\/v1\/models\/(?<owner>[^/]+)\/(?<name>[^/]+)\/predictions$/,
        kind: 'create',
        handle: authorized(create(predictions, uploads, context)),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/predictions\/(?<id>[^/]+)$/,
        kind: 'poll',
        handle: withPrediction(() => undefined),
      },
      {
        method: 'POST',
        pattern: /^\/v1\/predictions\/(?<id>[^/]+)\/cancel$/,
        kind: 'cancel',
        handle: withPrediction(cancel),
      },
      {
        method: 'POST',
        pattern: /^\/v1\/files$/,
        kind: 'upload',
        handle: authorized(uploads.receive),
      },
      {
        method: 'GET',
        pattern: /^\/v1\/files\/(?<id>[^/]+)$/,
        kind: 'other',
        handle: authorized(uploads.describe),
      },
    ]
  },
}
