import type { ImageAnswer, KeptAnswer } from '#src/domain/image-answer.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { generateImages } from '#src/generation/generate-images.ts'
import type { GenerationHooks } from '#src/generation/generation-hooks.ts'
import { keepAnswer, keepRefusal, keptError } from '#src/generation/kept-answer.ts'
import { observeRequest } from '#src/generation/observe-request.ts'
import { callOnce, IDEMPOTENCY_KEPT_MS, readIdempotencyKey } from './idempotent-call.ts'
import type { ImageCall } from './image-call.ts'

const generate = (
  { deps: { generation }, request }: ImageCall,
  imageRequest: ImageRequest,
  hooks: GenerationHooks,
): Promise<ImageAnswer> => {
  const { clock, events } = generation
  const trace = createDecisionTrace(request.id, clock)
  request.trace = trace
  return observeRequest({ request: imageRequest, trace, events, clock }, () =>
    generateImages(generation, imageRequest, trace, hooks),
  )
}

/** The same request with nobody who could leave, its images kept. */
export const detach = (request: ImageRequest, keepForMs: number): ImageRequest => ({
  ...request,
  keepForMs,
  signal: new AbortController().signal,
})

/** Tells again what an earlier request with the same idempotency key was told. */
const replay = async (
  { deps, request, reply }: ImageCall,
  kept: KeptAnswer,
): Promise<ImageAnswer> => {
  reply.header('idempotent-replayed', 'true')
  if (kept.kind === 'error') throw keptError(kept)
  if (kept.kind === 'accepted') throw new Error('Calls of another variant have another fingerprint')
  request.id = kept.requestId
  reply.headers({
    'x-gateway-provider': kept.provider,
    'x-gateway-model': kept.configKey,
    'x-gateway-attempts': String(kept.attempts.length),
  })
  return { ...kept, images: await deps.openKeptImages(kept.images, kept.responseFormat) }
}

/** Serves a call while its client waits: by generating, or by what an idempotency key has brought already. */
export const serveImages = async (
  call: ImageCall,
  hooks: GenerationHooks,
): Promise<ImageAnswer> => {
  const key = readIdempotencyKey(call)
  if (key === undefined) return generate(call, await call.read(), hooks)
  const outcome = await callOnce(call, key, {
    variant: 'now',
    work: async (context) =>
      generate(call, detach(await call.read(), IDEMPOTENCY_KEPT_MS), { ...hooks, ...context }),
    keep: keepAnswer,
    keepFailure: keepRefusal,
  })
  return outcome.kind === 'fresh' ? outcome.outcome : replay(call, outcome.answer)
}
