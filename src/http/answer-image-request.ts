import type { FastifyReply, FastifyRequest } from 'fastify'
import { invalidRequest } from '#src/domain/errors.ts'
import type { ImageAnswer } from '#src/domain/image-answer.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { isJsonObject } from '#src/domain/json.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { estimateRequest } from '#src/generation/estimate-request.ts'
import { answerLater } from './answer-later.ts'
import { prefersAsync, wantsProgress } from './answer-wishes.ts'
import { presentEstimate } from './estimate-answer.ts'
import { readIdempotencyKey } from './idempotent-call.ts'
import { presentImageAnswer } from './image-answer.ts'
import type { ImageCall, ImageRouteDependencies } from './image-call.ts'
import { enterLimits } from './key-limits.ts'
import { readFlag } from './read-flag.ts'
import { baseUrlOf } from './request-context.ts'
import { sendJson } from './send-json.ts'
import { serveImages } from './serve-images.ts'
import { streamImageAnswer } from './stream-image-answer.ts'

/** A typing error must not turn a dry run into a bill. */
const isDryRun = (request: FastifyRequest): boolean => {
  const query = request.query as Readonly<Record<string, unknown>>
  const typo = Object.keys(query).find((name) => name !== 'dryRun' && /^dry[_-]?run$/i.test(name))
  if (typo === undefined) return readFlag(query['dryRun'], 'dryRun')
  throw invalidRequest(`"${typo}" is not known here; write dryRun=true.`, typo)
}

const answerDryRun = async ({ deps, request, reply, read }: ImageCall): Promise<FastifyReply> => {
  const { generation } = deps
  const trace = createDecisionTrace(request.id, generation.clock)
  const imageRequest = await read()
  request.trace = trace
  return reply.send(presentEstimate(estimateRequest(generation, imageRequest, trace)))
}

const sendAnswer = (
  { deps: { publicBaseUrl, providerNames }, request, reply }: ImageCall,
  answer: ImageAnswer,
): Promise<FastifyReply> => {
  const baseUrl = baseUrlOf(request, publicBaseUrl)
  return sendJson(reply, (place) => presentImageAnswer(answer, { baseUrl, place, providerNames }))
}

/** A form tells only once it has been read. */
const isStreamed = async ({ request, read }: ImageCall): Promise<boolean> =>
  request.isMultipart()
    ? (await read()).isStreamed === true
    : isJsonObject(request.body) && request.body['stream'] === true

const textOf = (value: unknown): string => (typeof value === 'string' ? value : 'auto')

const sendStream = async (call: ImageCall): Promise<FastifyReply> => {
  const { deps, reply, read } = call
  const { mode, parameters, previews = 0 } = await read()
  const options = {
    mode,
    asked: {
      quality: textOf(parameters['quality']),
      background: textOf(parameters['background']),
    },
    previews,
    providerNames: deps.providerNames,
    tellsProgress: wantsProgress(call.request),
    now: deps.generation.clock.now,
  }
  const body = await streamImageAnswer(options, (hooks) => serveImages(call, hooks))
  return reply
    .headers({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      // nginx would hold events back.
      'x-accel-buffering': 'no',
    })
    .send(body)
}

const answerNow = async (call: ImageCall): Promise<FastifyReply> =>
  (await isStreamed(call)) ? sendStream(call) : sendAnswer(call, await serveImages(call, {}))

/**
 * Whether its pictures are read before the work begins, as only then it is known how to answer: what is one too many
 * must not have 100 MB read and fetched first. Whether a call with an idempotency key is one, only its body tells.
 */
const isReadAhead = (call: ImageCall): boolean =>
  readIdempotencyKey(call) === undefined &&
  (call.request.isMultipart() ||
    (isJsonObject(call.request.body) && call.request.body['stream'] === true))

const answer = async (call: ImageCall): Promise<FastifyReply> => {
  if (isDryRun(call.request)) return answerDryRun(call)
  if (prefersAsync(call.request)) return answerLater(call)
  if (!isReadAhead(call)) return answerNow(call)
  const leave = await enterLimits(call)
  try {
    return await answerNow(call)
  } catch (error) {
    leave()
    throw error
  }
}

/** Runs what both endpoints share: estimate, take on, stream, or generate and answer. */
export const answerImageRequest = async (
  deps: ImageRouteDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  readRequest: () => ImageRequest | Promise<ImageRequest>,
): Promise<FastifyReply> => {
  let reading: Promise<ImageRequest> | undefined
  const read = (): Promise<ImageRequest> => {
    reading ??= Promise.resolve().then(readRequest)
    return reading
  }
  reply.header('content-type', 'application/json')
  // A client that leaves frees nothing yet: its pictures are looked at, and its key may be waited for.
  const end = request.admission?.outlive()
  try {
    return await answer({ deps, request, reply, read })
  } finally {
    end?.()
  }
}
