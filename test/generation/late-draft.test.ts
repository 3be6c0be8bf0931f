import { describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import type { ProviderAdapter } from '#src/domain/provider-adapter.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import { generateImages } from '#src/generation/generate-images.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import { ALL_PROVIDERS, createFirstCatalog, imageRequest } from '#test/helpers/models.ts'
import { freshRouting } from '#test/routing/failover-harness.ts'

const adapter: ProviderAdapter = {
  generate: async ({ onPreview }) => {
    onPreview?.({ kind: 'url', url: 'draft' })
    return { images: [{ kind: 'url', url: 'final' }] }
  },
}

/** Serves a request whose draft is still being made ready then; gives the signal of that. */
const leaveDraft = async (changes: Parameters<typeof imageRequest>[0]): Promise<AbortSignal> => {
  let ofDraft: AbortSignal | undefined
  const deps: GenerationDependencies = {
    catalog: createFirstCatalog(),
    adapters: new Map([...ALL_PROVIDERS].map((id) => [id, adapter])),
    routing: freshRouting(),
    clock: systemClock,
    events: createGenerationEvents(),
    convertInput: async (image) => image,
    prepareImages: async ([image], _wanted, { signal }) => {
      if (image?.kind === 'url' && image.url === 'draft') {
        ofDraft = signal
        return new Promise(() => {})
      }
      const content = { kind: 'hosted', path: '/a' } as const
      return [{ format: 'png', size: { width: 1, height: 1 }, sizeBytes: 1, content }]
    },
  }
  const request = imageRequest(changes)
  const trace = createDecisionTrace(request.id, systemClock)
  await generateImages(deps, request, trace, { onPreview: () => {} })
  if (ofDraft === undefined) throw new Error('No draft was made ready')
  return ofDraft
}

describe('a draft that is still being made ready when the images are there', () => {
  it('is given up when the client leaves', async () => {
    const client = new AbortController()
    const signal = await leaveDraft({ signal: client.signal })
    expect(signal.aborted).toBe(false)
    client.abort()
    expect(signal.aborted).toBe(true)
  })

  it('is given up when the time of the request is over', async () => {
    const signal = await leaveDraft({ timeoutMs: 100 })
    expect(signal.aborted).toBe(false)
    await expect.poll(() => signal.aborted).toBe(true)
  })
})
