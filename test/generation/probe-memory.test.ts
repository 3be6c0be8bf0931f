import { expect, it } from 'vitest'
import { createByteBudget } from '#src/bytes/byte-budget.ts'
import { systemClock } from '#src/domain/clock.ts'
import type { ProviderAdapter, ProviderAnswer } from '#src/domain/provider-adapter.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import { generateImages } from '#src/generation/generate-images.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import { createAdmissions } from '#src/http/admission.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'
import { freshRouting } from '#test/routing/failover-harness.ts'

/** Routing that may find out by a copy of a request whether gemini is back. */
const probingRouting = () => {
  const routing = freshRouting({ probe: 'duplicate' })
  const nowMs = routing.clock.nowMs()
  const circuit = { state: 'open', sinceMs: nowMs - 2, untilMs: nowMs - 1, openings: 1 } as const
  routing.tracker.adoptHealth(`${FIRST_MODEL}:gemini`, { circuit })
  routing.tracker.grantProbe(`${FIRST_MODEL}:gemini`, nowMs)
  return routing
}

const answer: ProviderAnswer = { images: [{ kind: 'url', url: 'a' }] }

it('the pictures of a request that has ended count for as long as a probe sends them', async () => {
  const probed = Promise.withResolvers<ProviderAnswer>()
  const adapters = [...ALL_PROVIDERS].map((id): [string, ProviderAdapter] => [
    id,
    { generate: async () => (id === 'gemini' ? probed.promise : answer) },
  ])
  const deps: GenerationDependencies = {
    catalog: createFirstCatalog(),
    adapters: new Map(adapters),
    routing: probingRouting(),
    clock: systemClock,
    events: createGenerationEvents(),
    convertInput: async (image) => image,
    prepareImages: async () => [
      {
        format: 'png',
        size: { width: 1, height: 1 },
        sizeBytes: 1,
        content: { kind: 'hosted', path: '/a' },
      },
    ],
  }
  const budget = createByteBudget({ limitBytes: 1_000 })
  const admissions = createAdmissions({ budget, maxRequests: 5, declaredHeldMs: 10_000 })
  const { admission, leave } = admissions.admit(100)
  const { memory, outlive } = admission
  const request = imageRequest({ memory, outlive })
  await generateImages(deps, request, createDecisionTrace(request.id, systemClock))
  leave()
  const held = () => [budget.figures().heldBytes, admissions.underWay()]
  expect(held()).toEqual([100, 1])
  probed.resolve(answer)
  await expect.poll(held).toEqual([0, 0])
})
