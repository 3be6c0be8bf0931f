import type { GenerateContentConfig, GenerateContentParameters, Part } from '@google/genai'
import type { PlaceBytes } from '#providers/lib/data-uri.ts'
import type { ProviderCall } from '#src/domain/provider-adapter.ts'

/**
 * Keys of the SDK's config that steer the SDK and not the model. A client's own parameters may end up in
 * `call.input`: `httpOptions.baseUrl` among them would send the operator's key wherever the client likes.
 */
const SDK_ONLY_KEYS: ReadonlySet<string> = new Set([
  'prompt',
  'httpOptions',
  'abortSignal',
  'automaticFunctionCalling',
  'automaticContinuation',
  'continuationToken',
])

/**
 * One user turn: the prompt, then the input images in their order. Automatic function calls and continuation are
 * off, as each may send a second paid request. `place` puts the images in.
 */
export const buildGenerateContent = (
  call: Pick<ProviderCall, 'providerModelId' | 'input' | 'images'>,
  place: PlaceBytes,
): GenerateContentParameters => {
  const passed = Object.entries(call.input).filter(([key]) => !SDK_ONLY_KEYS.has(key))
  const images = call.images.map(
    ({ bytes, mediaType }): Part => ({
      inlineData: { mimeType: mediaType, data: place(bytes) },
    }),
  )
  return {
    model: call.providerModelId,
    contents: [{ role: 'user', parts: [{ text: String(call.input.prompt ?? '') }, ...images] }],
    config: {
      ...(Object.fromEntries(passed) as GenerateContentConfig),
      automaticFunctionCalling: { disable: true },
      automaticContinuation: false,
    },
  }
}
