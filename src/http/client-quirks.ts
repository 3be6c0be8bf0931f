/** A client that needs something else than the contract's defaults. */
interface ClientQuirk {
  /** Matches the user agent. */
  readonly userAgent: RegExp
  /** What an absent `response_format` means to it. */
  readonly responseFormat: 'url' | 'b64_json'
}

const QUIRKS: readonly ClientQuirk[] = [
  // Its answer schema requires `b64_json`, and its edits never send `response_format`.
  // Source: npm @ai-sdk/openai 4.0.118, src/image. `generateImage` sends its own user agent in place of the provider's:
  // `ai/7.0.173 ai-sdk-provider-utils/5.0.81 …`, in the line before `ai/6.0.326 ai-sdk/provider-utils/4.0.66 …` (captured
  // 2026-11). @ai-sdk/openai-compatible looks the same, and reads either format.
  { userAgent: /\bai-sdk(?:\/openai\/|[/-]provider-utils\/)\d/, responseFormat: 'b64_json' },
]

/** What an absent `response_format` means to this client; `undefined`: what the model card says. */
export const responseFormatDefaultOf = (
  userAgent: string | undefined,
): 'url' | 'b64_json' | undefined =>
  QUIRKS.find((quirk) => quirk.userAgent.test(userAgent ?? ''))?.responseFormat
