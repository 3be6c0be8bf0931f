import { createUpstreamFetch } from '#providers/lib/upstream-fetch.ts'
import { systemClock } from '#src/domain/clock.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type { ProviderCall, ProviderDependencies } from '#src/domain/provider-adapter.ts'

/** Dependencies with the true transport, no log, and time running at `timeScale`. */
export const providerDependencies = (timeScale = 100): ProviderDependencies => ({
  fetch: createUpstreamFetch().fetch,
  logger: { debug: () => {}, warn: () => {} },
  clock: systemClock,
  timeScale,
})

/** A text-to-image call; every field can be replaced. */
export const providerCall = (changes: Partial<ProviderCall> = {}): ProviderCall => ({
  attemptId: 'attempt-1',
  providerModelId: 'owner/model',
  input: { prompt: 'a red bicycle' },
  images: [],
  n: 1,
  timeoutMs: 1_000,
  signal: new AbortController().signal,
  ...changes,
})

/** What the promise was rejected with; throws when that is no `ProviderError`, or when it was fulfilled. */
export const providerErrorOf = async (promise: Promise<unknown>): Promise<ProviderError> => {
  const error = await promise.then(
    () => new Error('The call succeeded'),
    (reason: unknown) => reason,
  )
  if (error instanceof ProviderError) return error
  throw error
}
