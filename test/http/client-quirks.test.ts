import { describe, expect, it } from 'vitest'
import { responseFormatDefaultOf } from '#src/http/client-quirks.ts'

describe('client quirks', () => {
  it('give base64 to the client that reads nothing else', () => {
    const userAgent =
      'ai/7.0.173 ai-sdk/openai/4.0.118 ai-sdk/provider-utils/5.0.0 runtime/node.js/24'
    expect(responseFormatDefaultOf(userAgent)).toBe('b64_json')
  })

  it.each(['ai-sdk/openai-compatible/3.0.92', 'OpenAI/JS 7.55.0', undefined])(
    'leave %s alone',
    (userAgent) => {
      expect(responseFormatDefaultOf(userAgent)).toBeUndefined()
    },
  )
})
