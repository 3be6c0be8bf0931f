import { describe, expect, it } from 'vitest'
import {
  buildRequest,
  DATA_URI_LIMIT_BYTES,
  needsUpload,
} from '#providers/replicate/build-request.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import { providerCall } from '#test/providers/lib/adapter-fixtures.ts'

describe('buildRequest of Replicate', () => {
  it('names an official model and sets the budget as deadline', () => {
    const call = providerCall({ providerModelId: 'google/nano-banana-2', timeoutMs: 90_200 })
    const images = [{ field: 'image_input', isList: true, url: 'data:image/png;base64,YQ==' }]
    expect(buildRequest(call, images, 1)).toEqual({
      target: { model: 'google/nano-banana-2' },
      input: { prompt: 'a red bicycle', image_input: ['data:image/png;base64,YQ=='] },
      headers: { 'cancel-after': '91s' },
    })
  })

  it('names any other model by its version', () => {
    const call = providerCall({ providerModelId: 'owner/name:abc123' })
    expect(buildRequest(call, [], 1).target).toEqual({ version: 'abc123' })
  })

  it('never sets a deadline under five seconds', () => {
    expect(buildRequest(providerCall({ timeoutMs: 100 }), [], 1).headers).toEqual({
      'cancel-after': '5s',
    })
    expect(buildRequest(providerCall({ timeoutMs: 600 }), [], 100).headers).toEqual({
      'cancel-after': '60s',
    })
  })

  it.each(['model', 'https://x.example/a', 'owner/../x', 'a/b/c', ''])(
    'refuses %j as a model id',
    (providerModelId) => {
      expect(() => buildRequest(providerCall({ providerModelId }), [], 1)).toThrow('this model id')
    },
  )
})

describe('needsUpload', () => {
  const image = (sizeBytes: number) => ({
    role: 'image' as const,
    bytes: inPieces([new Uint8Array(sizeBytes)]),
    mediaType: 'image/png',
    field: 'image_input',
    isList: true,
  })

  it('keeps images up to the limit in the request', () => {
    expect(needsUpload(image(DATA_URI_LIMIT_BYTES))).toBe(false)
    expect(needsUpload(image(DATA_URI_LIMIT_BYTES + 1))).toBe(true)
  })
})
