import type { GenerateContentParameters, GoogleGenAI } from '@google/genai'
import {
  asProviderError,
  cancelledError,
  networkError,
  providerError,
} from '#providers/lib/provider-failure.ts'
import { createSingleShot, type SingleShot } from '#providers/lib/single-shot-fetch.ts'
import { tell } from '#providers/lib/tell.ts'
import { createTextWithBytes } from '#src/bytes/text-with-bytes.ts'
import { ProviderError } from '#src/domain/errors.ts'
import { isJsonObject } from '#src/domain/json.ts'
import type {
  ProviderAdapter,
  ProviderAnswer,
  ProviderCall,
  ProviderDependencies,
} from '#src/domain/provider-adapter.ts'
import { untilAborted } from '#src/domain/until-aborted.ts'
import { buildGenerateContent } from './build-generate-content.ts'
import { classifyGoogleError } from './classify-google-error.ts'
import { readGenerateContent } from './read-generate-content.ts'
import { streamGenerateContent } from './stream-generate-content.ts'
import { wholeEvents } from './whole-events.ts'

/** Which of Google's surfaces, and how it knows us. */
export interface GoogleIdentity {
  /** Name for people, used in messages. */
  readonly providerName: string
  /** True: a key goes with each request. False: an access token is fetched first, which can fail. */
  readonly usesApiKey: boolean
}

export interface GoogleSurface extends GoogleIdentity {
  /** Of a client that is ready to call: mode, key or project, and base URL all given explicitly. */
  readonly models: Pick<GoogleGenAI['models'], 'generateContent' | 'generateContentStream'>
  readonly dependencies: ProviderDependencies
}

/** One `generateContent` per attempt. There is no job to look at or to cancel: what was sent may be paid. */
export const createGoogleAdapter = (surface: GoogleSurface): ProviderAdapter => ({
  generate: async (call) => {
    const { providerName, dependencies } = surface
    const { signal, memory, onPreview } = call
    if (signal.aborted) throw cancelledError(providerName, false)
    const placed = createTextWithBytes()
    const parameters = buildGenerateContent(call, placed.place)
    const streams = onPreview !== undefined
    const streaming = streams ? { streamAnswer: wholeEvents } : {}
    const shot = createSingleShot({ dependencies, signal, memory, placed, ...streaming })
    try {
      return await (streams ? askStreamed : askWhole)(surface, call, shot, parameters)
    } catch (error) {
      throw failureOf(surface, error, signal, shot)
    } finally {
      shot.settle()
    }
  },
})

const askWhole = async (
  { models, providerName }: GoogleSurface,
  call: ProviderCall,
  { fetch, lifted }: SingleShot,
  parameters: GenerateContentParameters,
): Promise<ProviderAnswer> => {
  const asked = models.generateContent(sentBy(fetch, parameters))
  // The SDK fetches credentials before the request and cannot be stopped there.
  return readGenerateContent(await untilAborted(asked, call.signal), providerName, lifted)
}

const askStreamed = (
  { models, providerName, dependencies }: GoogleSurface,
  call: ProviderCall,
  { fetch, lifted }: SingleShot,
  parameters: GenerateContentParameters,
): Promise<ProviderAnswer> => {
  const { signal, onPreview } = call
  const read = async (take: (chunk: unknown) => void): Promise<void> => {
    const asked = models.generateContentStream(sentBy(fetch, parameters))
    for await (const chunk of await asked) take(chunk)
  }
  return streamGenerateContent((take) => untilAborted(read(take), signal), {
    providerName,
    signal,
    lifted,
    onDraft: (image) => tell(onPreview, image, dependencies.logger),
  })
}

const sentBy = (
  fetch: SingleShot['fetch'],
  parameters: GenerateContentParameters,
): GenerateContentParameters => ({
  ...parameters,
  config: { ...parameters.config, httpOptions: { fetch } },
})

const failureOf = (
  surface: GoogleIdentity,
  error: unknown,
  signal: AbortSignal,
  shot: SingleShot,
): ProviderError => {
  const { providerName } = surface
  if (error instanceof ProviderError) return error
  if (signal.aborted) return cancelledError(providerName, shot.requestLeft())
  if (shot.failure() === undefined && !shot.requestLeft()) {
    return classifyBeforeRequest(error, surface)
  }
  return asProviderError(
    providerName,
    error,
    (failure) => classifyGoogleError(failure, providerName),
    shot,
  )
}

/**
 * An error before any request: the SDK's own check of the parameters, or credentials that could not be had. Nothing
 * was sent, so nothing can be billed. What is not clearly about credentials counts as the request's fault: a strange
 * parameter of one client must not take the provider out for all.
 */
const classifyBeforeRequest = (error: unknown, surface: GoogleIdentity): ProviderError => {
  const { providerName } = surface
  if (surface.usesApiKey || !isCredentialFailure(error)) {
    return providerError(providerName, {
      kind: 'bad_request',
      workMayExist: false,
      reason: 'does not take this request',
      param: checkedField(error),
    })
  }
  if (isPassing(error)) {
    const failure = { headers: {}, requestLeft: false, networkCode: 'NO_CREDENTIALS' }
    return networkError(providerName, failure)
  }
  return providerError(providerName, {
    kind: 'auth',
    workMayExist: false,
    reason: 'could not be called, as the configured credentials give no access',
  })
}

/** The SDK words its checks "x parameter is only supported in …" (@google/genai 3.1.0). */
const checkedField = (error: unknown): string | undefined =>
  error instanceof Error ? /^(\w+) parameter is/.exec(error.message)?.[1] : undefined

/** How google-auth-library 10 words its failures; those of its token requests carry the answer or a code. */
const CREDENTIAL_WORDS =
  /default credentials|access token|refresh token|subject token|invalid_grant|invalid_client|private key|client_email|credential file|metadata server|lookup.*(failed|error)|unauthorized/i

const isCredentialFailure = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  return 'response' in error || 'code' in error || CREDENTIAL_WORDS.test(error.message)
}

/** The token service was not reached or is down: no reason to take the provider out until an operator acts. */
const isPassing = (error: unknown): boolean => {
  const { response, status, code } = Object(error) as { [key: string]: unknown }
  const answered = isJsonObject(response) ? response.status : status
  if (typeof answered === 'number') return answered >= 500 || answered === 429
  return typeof code === 'string' && /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET|UND_)/.test(code)
}
