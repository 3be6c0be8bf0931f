import { describe, expect, it } from 'vitest'
import { responseFormatDefaultOf } from '#src/http/client-quirks.ts'

describe('client quirks', () => {
  // As `generateImage` of ai 7 and 6 sent them to a loopback server, 2026-11; the last as the provider calls by itself.
  it.each([
    'ai/7.0.173 ai-sdk-provider-utils/5.0.81 node.js/24',
    'ai/6.0.326 ai-sdk/provider-utils/4.0.66 runtime/node.js/v20.20.2',
    'ai-sdk/openai/4.0.118',
  ])('give base64 to the client that reads nothing else: %s', (userAgent) => {
    expect(responseFormatDefaultOf(userAgent)).toBe('b64_json')
  })

  it.each(['ai-sdk/openai-compatible/3.0.92', 'OpenAI/JS 7.55.0', undefined])(
    'leave %s alone',
    (userAgent) => {
      expect(responseFormatDefaultOf(userAgent)).toBeUndefined()
    },
  )
})
