import { describe, expect, it } from 'vitest'
import { buildGenerateContent } from '#providers/lib/google/build-generate-content.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import { placeBase64 } from '#test/providers/lib/adapter-fixtures.ts'

const off = { automaticFunctionCalling: { disable: true }, automaticContinuation: false }

const build = (call: Parameters<typeof buildGenerateContent>[0]) =>
  buildGenerateContent(call, placeBase64)

describe('buildGenerateContent', () => {
  it('makes the prompt a text part and passes the rest as config', () => {
    const request = build({
      providerModelId: 'gemini-3.1-flash-image',
      input: { prompt: 'a tree', seed: 7, imageConfig: { aspectRatio: '16:9', imageSize: '2K' } },
      images: [],
    })
    expect(request).toEqual({
      model: 'gemini-3.1-flash-image',
      contents: [{ role: 'user', parts: [{ text: 'a tree' }] }],
      config: { seed: 7, imageConfig: { aspectRatio: '16:9', imageSize: '2K' }, ...off },
    })
  })

  it('puts the images after the text in their order', () => {
    const request = build({
      providerModelId: 'm',
      input: { prompt: 'mix' },
      images: [
        {
          role: 'image',
          bytes: inPieces([Buffer.from('one')]),
          mediaType: 'image/png',
          field: 'x',
          isList: true,
        },
        {
          role: 'image',
          bytes: inPieces([Buffer.from('two')]),
          mediaType: 'image/webp',
          field: 'x',
          isList: true,
        },
      ],
    })
    expect(request.contents).toEqual([
      {
        role: 'user',
        parts: [
          { text: 'mix' },
          { inlineData: { mimeType: 'image/png', data: 'b25l' } },
          { inlineData: { mimeType: 'image/webp', data: 'dHdv' } },
        ],
      },
    ])
  })

  it('drops every key that would steer the SDK instead of the model', () => {
    const request = build({
      providerModelId: 'm',
      input: {
        prompt: 'x',
        httpOptions: { baseUrl: 'https://attacker.example' },
        abortSignal: {},
        automaticContinuation: true,
        automaticFunctionCalling: { disable: false },
        continuationToken: 't',
      },
      images: [],
    })
    expect(request.config).toEqual(off)
  })
})
