import type { ImageAnswer, KeptAnswer } from '#src/domain/image-answer.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { generateImages } from '#src/generation/generate-images.ts'
import type { GenerationHooks } from '#src/generation/generation-hooks.ts'
import { keepAnswer, keepPaidFailure, keptError } from '#src/generation/kept-answer.ts'
import { observeRequest } from '#src/generation/observe-request.ts'
import { callOnce, IDEMPOTENCY_KEPT_MS, readIdempotencyKey } from './idempotent-call.ts'
import type { ImageCall } from './image-call.ts'
import { withinLimits } from './key-limits.ts'

const generate = (
  { deps: { generation }, request }: ImageCall,
  imageRequest: ImageRequest,
  hooks: GenerationHooks,
): Promise<ImageAnswer> => {
  const { clock, events, budgets, tracer } = generation
  const trace = createDecisionTrace(request.id, clock)
  request.trace = trace
  // What is cancelled at a provider for a client that left still holds its pictures.
  const end = request.admission?.outlive()
  return observeRequest({ request: imageRequest, trace, events, clock, budgets, tracer }, () =>
    generateImages(generation, imageRequest, trace, hooks),
  ).finally(end)
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
  const memory = request.admission?.memory
  const images = await deps.openKeptImages(kept.images, kept.responseFormat, memory)
  return { ...kept, images }
}

/** What the attempts of this call have cost, or may have. */
const costSoFar = ({ request: { trace } }: ImageCall): MicroUsd =>
  trace?.attempts.reduce((sum, { cost }) => sum + cost, 0) ?? 0

/** Serves a call while its client waits: by generating, or by what an idempotency key has brought already. */
export const serveImages = async (
  call: ImageCall,
  hooks: GenerationHooks,
): Promise<ImageAnswer> => {
  const key = readIdempotencyKey(call)
  if (key === undefined) {
    return withinLimits(call, async () => generate(call, await call.read(), hooks))
  }
  const outcome = await callOnce(call, key, {
    variant: 'now',
    onWaiting: hooks.onWaiting,
    work: (context, timeoutMs) =>
      withinLimits(call, async () => {
        const imageRequest = { ...(await call.read()), timeoutMs }
        return generate(call, detach(imageRequest, IDEMPOTENCY_KEPT_MS), { ...hooks, ...context })
      }),
    keep: keepAnswer,
    keepFailure: (error) => keepPaidFailure(error, costSoFar(call)),
  })
  return outcome.kind === 'fresh' ? outcome.outcome : replay(call, outcome.answer)
}
