import { type CommonErrors, spoilAnswer } from '#test/emulators/answer-fault.ts'
import { stringifyWithBase64 } from '#test/emulators/base64-json.ts'
import type { EmulatorContext } from '#test/emulators/create-emulator.ts'
import { isObject } from '#test/emulators/field-rules.ts'
import type { Outcome } from '#test/emulators/outcome.ts'
import { ANSWER_FAULTS, type AnswerFault, type Fault } from '#test/emulators/scenario.ts'
import { pause, silence, type WireReply, type WireRequest } from '#test/emulators/wire.ts'
import {
  bodyProblems,
  type GenerateOrder,
  type InlineLimits,
  loadInputs,
  readOrder,
} from './generate-request.ts'
import {
  composeAnswer,
  type GenerateAnswer,
  type ResponseIdentity,
  responseChunks,
  wholeResponse,
} from './generate-response.ts'
import { invalidArgument } from './google-errors.ts'
import { GOOGLE_MODELS, type GoogleModel } from './google-models.ts'
import { gatheredStreamReply, streamReply } from './stream-reply.ts'
import type { SurfaceRules } from './surface-rules.ts'

/** What tells the Gemini API and Vertex apart. */
export interface GoogleSurface {
  readonly rules: SurfaceRules
  readonly limits: InlineLimits & { readonly requestBytes: number }
  readonly errors: CommonErrors
  readonly isVertex: boolean
  /** The reply that refuses the caller; `undefined` when the credentials are right. */
  refuseCaller(request: WireRequest): WireReply | undefined
  unknownModel(request: WireRequest, method: string): WireReply
  /** `undefined` when the fault is no refusal of this surface's own kind. */
  quotaReply(fault: Fault, request: WireRequest): WireReply | undefined
}

interface Order {
  readonly order: GenerateOrder
  readonly model: GoogleModel
}

const isAnswerFault = (fault: Fault | undefined): fault is AnswerFault =>
  (ANSWER_FAULTS as readonly (string | undefined)[]).includes(fault)

const readRequest = async (
  request: WireRequest,
  surface: GoogleSurface,
): Promise<Order | WireReply> => {
  const model = GOOGLE_MODELS[request.parameters.model ?? '']
  if (!model) return surface.unknownModel(request, request.parameters.method ?? '')
  const { limits, rules } = surface
  if (request.bytes.length > limits.requestBytes) {
    return invalidArgument(`Request payload size exceeds the limit: ${limits.requestBytes} bytes.`)
  }
  const body = request.json
  if (!isObject(body)) return invalidArgument('Invalid JSON payload received.')
  const problem = bodyProblems(body, model, rules)[0]
  if (problem) return invalidArgument(problem.message, problem.field)
  const inputs = await loadInputs(body, model, limits)
  if (!Array.isArray(inputs)) return invalidArgument(inputs.message)
  return { order: readOrder(body, inputs, model), model }
}

/** Faults that come before any work; `undefined`: the model goes to work. */
const refuseEarly = (
  fault: Fault | undefined,
  request: WireRequest,
  surface: GoogleSurface,
): WireReply | undefined => {
  if (fault === undefined) return undefined
  if (fault === 'hang') return silence
  if (fault === 'rate_limited') return surface.errors.rateLimited()
  if (fault === 'server_error') return surface.errors.serverError()
  if (fault === 'unavailable') return surface.errors.unavailable()
  return surface.quotaReply(fault, request)
}

const answerReply = (value: unknown): WireReply => ({
  status: 200,
  headers: { 'content-type': 'application/json; charset=UTF-8' },
  body: stringifyWithBase64(value),
})

const generate = async (
  { order, model }: Order,
  outcome: Outcome,
  request: WireRequest,
  surface: GoogleSurface,
  emulator: EmulatorContext,
): Promise<WireReply> => {
  const { fault, latencyMs, fastFailureMs } = outcome
  const { signal } = request
  const context = { emulator, model, isVertex: surface.isVertex }
  const startedMs = performance.now()
  const answer = await composeAnswer(order, fault, context)
  const identity = {
    modelVersion: request.parameters.model ?? '',
    responseId: emulator.random.text(22),
    ...(surface.isVertex ? { createTime: new Date().toISOString() } : {}),
  }
  // A blocked prompt never reaches the model. Drawing takes real time, which the latency includes.
  const wholeMs = fault === 'refusal' ? fastFailureMs : latencyMs
  const leftMs = Math.max(0, wholeMs - (performance.now() - startedMs))
  const { streamBreak } = emulator.scenario()
  if (isEventStream(request) && !isAnswerFault(fault)) {
    const unavailable = surface.errors.unavailable()
    return streamReply(answer, identity, { latencyMs: leftMs, signal, streamBreak, unavailable })
  }
  await pause(leftMs, signal)
  const reply = wholeReply(answer, identity, request)
  return isAnswerFault(fault) ? spoilAnswer(fault, reply, surface.errors) : reply
}

/** What is sent in one go; an event stream too, as if something on the way had gathered it. */
const wholeReply = (
  answer: GenerateAnswer,
  identity: ResponseIdentity,
  request: WireRequest,
): WireReply => {
  if (isEventStream(request)) return gatheredStreamReply(answer, identity)
  const isStream = request.parameters.method === 'streamGenerateContent'
  return answerReply(isStream ? responseChunks(answer, identity) : wholeResponse(answer, identity))
}

const isEventStream = ({ parameters, query }: WireRequest): boolean =>
  parameters.method === 'streamGenerateContent' && query.get('alt') === 'sse'

/** Handles `generateContent` and `streamGenerateContent` of either surface. */
export const handleGenerate =
  (emulator: EmulatorContext, surface: GoogleSurface) =>
  async (request: WireRequest): Promise<WireReply> => {
    const refused = surface.refuseCaller(request)
    if (refused) return wrapErrors(refused, request)
    const read = await readRequest(request, surface)
    if ('status' in read) return wrapErrors(read, request)
    const outcome = emulator.draw()
    const early = refuseEarly(outcome.fault, request, surface)
    if (early) {
      await pause(outcome.fastFailureMs, request.signal)
      return wrapErrors(early, request)
    }
    return generate(read, outcome, request, surface, emulator)
  }

/** A stream asked for without `alt=sse` is a JSON array, and so are its errors. */
const wrapErrors = (reply: WireReply, request: WireRequest): WireReply =>
  request.parameters.method === 'streamGenerateContent' &&
  request.query.get('alt') !== 'sse' &&
  typeof reply.body === 'string' &&
  reply.body !== ''
    ? { ...reply, body: `[${reply.body}]` }
    : reply
