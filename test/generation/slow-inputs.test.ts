import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inPieces } from '#src/bytes/pieces.ts'
import { systemClock } from '#src/domain/clock.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { ProviderAdapter } from '#src/domain/provider-adapter.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import { generateImages } from '#src/generation/generate-images.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import { ALL_PROVIDERS, createFirstCatalog, imageRequest } from '#test/helpers/models.ts'
import { fail, freshRouting } from '#test/routing/failover-harness.ts'

/** Attempts of a tenth of a second at most, and a picture that waits for its turn for longer. */
const CONVERSION_MS = 400
const deps: GenerationDependencies = {
  catalog: createFirstCatalog(),
  adapters: new Map(
    [...ALL_PROVIDERS].map((id): [string, ProviderAdapter] => [
      id,
      {
        generate: async ({ signal }) => {
          if (signal.aborted) throw fail('cancelled', { workMayExist: true })
          return { images: [{ kind: 'url', url: id }] }
        },
      },
    ]),
  ),
  routing: freshRouting({ leastTimeoutMs: 50, longestTimeoutMs: 100, leastAttemptMs: 10 }),
  clock: systemClock,
  events: createGenerationEvents(),
  convertInput: async () => {
    await delay(CONVERSION_MS)
    return { bytes: inPieces([Buffer.from('png')]), format: 'png' }
  },
  prepareImages: async (images) =>
    images.map(() => ({
      format: 'png',
      size: { width: 1, height: 1 },
      sizeBytes: 1,
      file: 'a',
      content: { kind: 'hosted', path: '/a' },
    })),
}

const serve = async (timeoutMs: number, signal = new AbortController().signal) => {
  const request = imageRequest({
    mode: 'image_edit',
    parameters: { prompt: 'combine' },
    images: [{ bytes: inPieces([Buffer.from('gif')]), format: 'gif' }],
    timeoutMs,
    signal,
  })
  const trace = createDecisionTrace(request.id, systemClock)
  const outcome = await generateImages(deps, request, trace).then(
    ({ images }) => images.length,
    (error: unknown) => (error instanceof GatewayError ? error.code : error),
  )
  return {
    outcome,
    attempts: trace.attempts.map(({ status, cost }) => ({ status, isPaid: cost > 0 })),
  }
}

it('pictures that wait to be converted are not held against providers, nor counted as paid', async () => {
  expect(await serve(60_000)).toEqual({
    outcome: 1,
    attempts: [{ status: 'completed', isPaid: true }],
  })
})

it('ends when its time is up while its pictures wait, without an attempt', async () => {
  expect(await serve(CONVERSION_MS / 2)).toEqual({ outcome: 'TIMEOUT', attempts: [] })
})
