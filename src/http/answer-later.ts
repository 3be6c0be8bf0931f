import type { FastifyReply } from 'fastify'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import { RESULT_KEPT_MS } from '#src/generation/accepted-requests.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { callOnce, readIdempotencyKey } from './idempotent-call.ts'
import type { ImageCall } from './image-call.ts'
import { enterLimits } from './key-limits.ts'
import { baseUrlOf } from './request-context.ts'
import { fingerprintOf } from './request-fingerprint.ts'
import { presentRequest } from './request-object.ts'
import { detach } from './serve-images.ts'

/** Takes the request on; resolves to its id. `firstId`: under which a gateway may have taken it on that died then. */
const accept = async (call: ImageCall, onDone: () => void, firstId?: string): Promise<string> => {
  const { deps, request, read } = call
  const { generation, accepted, publicBaseUrl } = deps
  const id = firstId ?? request.id
  const imageRequest = { ...(await read()), id }
  if (imageRequest.isStreamed) {
    throw invalidRequest('A request with Prefer: respond-async cannot be streamed.', 'stream')
  }
  const { webhookUrl } = imageRequest
  await accepted.accept(
    detach(imageRequest, RESULT_KEPT_MS),
    createDecisionTrace(id, generation.clock),
    {
      baseUrl: baseUrlOf(request, publicBaseUrl),
      ...(webhookUrl !== undefined && { webhookUrl }),
      fingerprint: await fingerprintOf(call),
      catalog: generation.catalog,
      isRepeated: firstId !== undefined,
      onDone,
    },
  )
  // Whoever is asked for it next may be another gateway.
  await deps.requestLog.flush()
  return id
}

/** As `accept`; it counts as under way until it is done, not only until it is answered. */
const acceptWithinLimits = async (call: ImageCall, firstId?: string): Promise<string> => {
  const leave = await enterLimits(call)
  const end = call.request.admission?.outlive()
  const onDone = (): void => {
    end?.()
    leave()
  }
  try {
    return await accept(call, onDone, firstId)
  } catch (error) {
    onDone()
    throw error
  }
}

/** Takes the request on once for all calls with this key. */
const acceptOnce = async (call: ImageCall, key: string): Promise<string> => {
  const outcome = await callOnce(call, key, {
    variant: 'later',
    work: ({ firstRequestId }) => acceptWithinLimits(call, firstRequestId),
    keep: (requestId) => ({ kind: 'accepted', requestId }),
    keepFailure: () => undefined,
  })
  if (outcome.kind === 'fresh') return outcome.outcome
  if (outcome.answer.kind === 'accepted') return outcome.answer.requestId
  throw new Error('Calls of another variant have another fingerprint')
}

/** Answers 202 with the request object as soon as the request is known to be sound and has been taken on. */
export const answerLater = async (call: ImageCall): Promise<FastifyReply> => {
  const { deps, request, reply } = call
  const key = readIdempotencyKey(call)
  const requestId = await (key === undefined ? acceptWithinLimits(call) : acceptOnce(call, key))
  request.id = requestId
  const record = await deps.requestLog.find(requestId, request.keyId ?? undefined)
  if (!record) throw new GatewayError('NOT_FOUND', `There is no request "${requestId}" any more.`)
  return reply
    .code(202)
    .headers({ location: `/v1/requests/${requestId}`, 'preference-applied': 'respond-async' })
    .send(presentRequest(record))
}
