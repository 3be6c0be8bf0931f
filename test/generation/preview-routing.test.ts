import { expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import { previewRouting } from '#src/generation/preview-routing.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import { createRouting } from '#src/routing/routing.ts'
import { ALL_PROVIDERS, createFirstCatalog, FIRST_MODEL } from '#test/helpers/models.ts'

it('a preview of routing leaves chance out', () => {
  const catalog = createFirstCatalog()
  const adapters = new Map(
    [...ALL_PROVIDERS].map((id) => [id, { generate: () => Promise.reject(new Error('called')) }]),
  )
  const routing = createRouting({
    models: catalog.models,
    configuredProviders: ALL_PROVIDERS,
    // Every provider has been left alone for too long, and chance would always look at one.
    policy: { ...DEFAULT_ROUTING_POLICY, staleMs: -1, exploreFirst: 1 },
    clock: systemClock,
    timeScale: 1,
    closing: new AbortController().signal,
    random: () => 0,
  })
  const deps = { catalog, adapters, routing, clock: systemClock, requestTimeoutMs: 280_000 }
  const asked = { model: FIRST_MODEL, mode: undefined, sort: 'balanced' } as const
  expect(previewRouting(deps, asked).decision).toMatchObject({ type: 'try', reason: 'best' })
})
