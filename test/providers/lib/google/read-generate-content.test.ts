import { describe, expect, it } from 'vitest'
import { readGenerateContent } from '#providers/lib/google/read-generate-content.ts'
import { ProviderError } from '#src/domain/errors.ts'
import { inlineImage } from '#test/providers/lib/adapter-fixtures.ts'

const inline = (data: string, mimeType = 'image/png') => ({ inlineData: { mimeType, data } })

/** Nothing is long enough. */
const nothingLifted = () => undefined

const errorOf = (response: unknown): ProviderError => {
  try {
    readGenerateContent(response, 'Gemini API', nothingLifted)
  } catch (error) {
    if (error instanceof ProviderError) return error
  }
  throw new Error('no ProviderError was thrown')
}

describe('readGenerateContent', () => {
  it('skips drafts and texts and takes the images with the type that is given', () => {
    const answer = readGenerateContent(
      {
        candidates: [
          {
            finishReason: 'STOP',
            content: {
              role: 'model',
              parts: [
                { text: 'thinking', thought: true },
                { ...inline('ZHJhZnQ='), thought: true },
                { text: 'Here you are' },
                { ...inline('ZmluYWw=', 'image/jpeg'), thoughtSignature: 's' },
              ],
            },
          },
        ],
        responseId: 'response-1',
        usageMetadata: {
          promptTokenCount: 10,
          toolUsePromptTokenCount: 2,
          candidatesTokenCount: 1_130,
          thoughtsTokenCount: 40,
          totalTokenCount: 1_182,
          promptTokensDetails: [
            { modality: 'TEXT', tokenCount: 4 },
            { modality: 'IMAGE', tokenCount: 6 },
          ],
          candidatesTokensDetails: [
            { modality: 'IMAGE', tokenCount: 1_120 },
            { modality: 'TEXT', tokenCount: 10 },
          ],
        },
      },
      'Gemini API',
      nothingLifted,
    )
    expect(answer).toEqual({
      images: [inlineImage('ZmluYWw=', 'image/jpeg')],
      providerRequestId: 'response-1',
      usage: {
        inputTokens: 12,
        inputTextTokens: 4,
        inputImageTokens: 6,
        outputTokens: 1_170,
        outputTextTokens: 10,
        outputImageTokens: 1_120,
        thoughtTokens: 40,
        totalTokens: 1_182,
      },
    })
  })

  it('takes the images of every candidate and leaves out usage that was not reported', () => {
    const candidate = (data: string) => ({ content: { parts: [inline(data)] } })
    expect(
      readGenerateContent(
        { candidates: [candidate('YQ=='), candidate('Yg==')] },
        'x',
        nothingLifted,
      ),
    ).toEqual({
      images: [inlineImage('YQ==', 'image/png'), inlineImage('Yg==', 'image/png')],
    })
  })

  it('takes base64 that was lifted out of the answer', () => {
    const pieces = [Buffer.from('YW'), Buffer.from('E=')]
    const lifted = (text: string) => (text === 'mark' ? { pieces } : undefined)
    const answer = { candidates: [{ content: { parts: [inline('mark'), inline('Yg==')] } }] }
    expect(readGenerateContent(answer, 'x', lifted).images).toEqual([
      { kind: 'base64', pieces, mediaType: 'image/png' },
      inlineImage('Yg==', 'image/png'),
    ])
  })

  it('takes an image that is handed over as an https file', () => {
    const fileData = { mimeType: 'image/png', fileUri: 'https://files.example/1.png' }
    expect(
      readGenerateContent(
        { candidates: [{ content: { parts: [{ fileData }] } }] },
        'x',
        nothingLifted,
      ),
    ).toEqual({
      images: [{ kind: 'url', url: 'https://files.example/1.png', mediaType: 'image/png' }],
    })
  })

  it.each([
    ['SAFETY', 'content_rejected'],
    ['RECITATION', 'content_rejected'],
    ['BLOCKLIST', 'content_rejected'],
    ['PROHIBITED_CONTENT', 'content_rejected'],
    ['SPII', 'content_rejected'],
    ['IMAGE_SAFETY', 'content_rejected'],
    ['IMAGE_PROHIBITED_CONTENT', 'content_rejected'],
    ['IMAGE_RECITATION', 'content_rejected'],
    ['NO_IMAGE', 'empty_result'],
    ['IMAGE_OTHER', 'empty_result'],
    ['STOP', 'empty_result'],
    ['MAX_TOKENS', 'empty_result'],
    ['OTHER', 'empty_result'],
    ['LANGUAGE', 'empty_result'],
    ['MALFORMED_FUNCTION_CALL', 'bad_response'],
    ['MALFORMED_RESPONSE', 'bad_response'],
    ['UNEXPECTED_TOOL_CALL', 'bad_response'],
    ['TOO_MANY_TOOL_CALLS', 'bad_response'],
    ['SOMETHING_NEW', 'empty_result'],
  ])('reads a candidate without an image that finished with %s as %s', (finishReason, kind) => {
    const parts = [{ text: 'I cannot do that' }]
    const { details } = errorOf({ candidates: [{ finishReason, content: { parts } }] })
    expect(details).toMatchObject({ kind, workMayExist: true })
    expect(details.publicMessage).not.toContain('cannot do that')
    expect(details.publicMessage).not.toContain('SOMETHING_NEW')
  })

  it.each([
    ['SAFETY', 'content_rejected'],
    ['BLOCKLIST', 'content_rejected'],
    ['PROHIBITED_CONTENT', 'content_rejected'],
    ['IMAGE_SAFETY', 'content_rejected'],
    ['MODEL_ARMOR', 'content_rejected'],
    ['JAILBREAK', 'content_rejected'],
    ['OTHER', 'empty_result'],
  ])('reads a prompt blocked for %s as %s with nothing to bill', (blockReason, kind) => {
    const error = errorOf({ promptFeedback: { blockReason }, responseId: 'r' })
    expect(error.details).toMatchObject({ kind, workMayExist: false, providerRequestId: 'r' })
  })

  it.each([
    ['an empty list of candidates', { candidates: [] }],
    ['no candidates at all', {}],
    ['no object', 'hello'],
  ])('reads %s as an answer that cannot be read', (_name, response) => {
    expect(errorOf(response).details).toMatchObject({ kind: 'bad_response', workMayExist: true })
  })
})
