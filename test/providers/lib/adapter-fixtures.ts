import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { joinPieces } from '#src/bytes/pieces.ts'
import { systemClock } from '#src/domain/clock.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type { InputBytes } from '#src/domain/image-request.ts'
import type {
  ProviderCall,
  ProviderDependencies,
  ProviderImage,
} from '#src/domain/provider-adapter.ts'

/** Dependencies with the true transport, no log, and time running at `timeScale`. */
export const providerDependencies = (timeScale = 100): ProviderDependencies => ({
  send: createUpstreamTransport().send,
  logger: { debug: () => {}, warn: () => {} },
  clock: systemClock,
  timeScale,
})

/** Puts the base64 itself into a request, where the gateway puts a mark. */
export const placeBase64 = ({ pieces }: InputBytes): string => joinPieces(pieces).toString('base64')

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

/** An image as an answer has it inside. */
export const inlineImage = (base64: string, mediaType?: string): ProviderImage => ({
  kind: 'base64',
  pieces: [Buffer.from(base64)],
  ...(mediaType !== undefined && { mediaType }),
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
