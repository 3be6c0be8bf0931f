import { describe, expect, it } from 'vitest'
import { presentUsage } from '#src/http/image-answer.ts'

describe("usage in OpenAI's shape", () => {
  it('is whole where the provider told everything', () => {
    const usage = {
      inputTokens: 1_130,
      inputTextTokens: 10,
      inputImageTokens: 1_120,
      outputTokens: 1_300,
      outputImageTokens: 1_120,
      thoughtTokens: 180,
      totalTokens: 2_430,
    }
    expect(presentUsage(usage)).toEqual({
      usage: {
        input_tokens: 1_130,
        output_tokens: 1_300,
        total_tokens: 2_430,
        input_tokens_details: { image_tokens: 1_120, text_tokens: 10 },
        output_tokens_details: { image_tokens: 1_120, text_tokens: 180 },
      },
    })
  })

  it('has the details that strict clients need where the provider told little', () => {
    expect(presentUsage({ inputTokens: 12, outputTokens: 1_120 })).toEqual({
      usage: {
        input_tokens: 12,
        output_tokens: 1_120,
        total_tokens: 1_132,
        input_tokens_details: { image_tokens: 0, text_tokens: 12 },
      },
    })
  })

  it('is left out where the provider counts no tokens', () => {
    expect(presentUsage(undefined)).toEqual({})
  })
})
