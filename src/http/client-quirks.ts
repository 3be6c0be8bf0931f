/** A client that needs something else than the contract's defaults. */
interface ClientQuirk {
  /** Matches the user agent. */
  readonly userAgent: RegExp
  /** What an absent `response_format` means to it. */
  readonly responseFormat: 'url' | 'b64_json'
}

const QUIRKS: readonly ClientQuirk[] = [
  // Its answer schema requires `b64_json`, and its edits never send `response_format`.
  // Source: npm @ai-sdk/openai 4.0.118, src/image.
  { userAgent: /\bai-sdk\/openai\/\d/, responseFormat: 'b64_json' },
]

/** What an absent `response_format` means to this client; `undefined`: what the model card says. */
export const responseFormatDefaultOf = (
  userAgent: string | undefined,
): 'url' | 'b64_json' | undefined =>
  QUIRKS.find((quirk) => quirk.userAgent.test(userAgent ?? ''))?.responseFormat
