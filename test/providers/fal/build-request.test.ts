import { describe, expect, it } from 'vitest'
import { queueUrl } from '#providers/fal/adapter.ts'
import { buildRequest } from '#providers/fal/build-request.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import type { InputImage } from '#src/domain/provider-adapter.ts'
import { placeBase64, providerCall } from '#test/providers/lib/adapter-fixtures.ts'

const image = (text: string, field: string, isList: boolean): InputImage => ({
  role: 'image',
  bytes: inPieces([Buffer.from(text)]),
  mediaType: 'image/png',
  field,
  isList,
})

describe('buildRequest of fal', () => {
  it('passes the input on and says how long the job may wait', () => {
    const call = providerCall({
      providerModelId: 'fal-ai/nano-banana-2',
      input: { prompt: 'x', num_images: 2 },
      timeoutMs: 90_500,
    })
    expect(buildRequest(call, 1, placeBase64)).toEqual({
      endpointId: 'fal-ai/nano-banana-2',
      input: { prompt: 'x', num_images: 2 },
      headers: {
        'x-fal-no-retry': '1',
        'x-app-fal-disable-fallback': 'true',
      },
      startTimeout: 91,
      storageSettings: { expiresIn: 3_600 },
    })
  })

  it('counts the budget in seconds of the provider and never asks for one second or less', () => {
    expect(buildRequest(providerCall({ timeoutMs: 900 }), 100, placeBase64).startTimeout).toBe(90)
    expect(buildRequest(providerCall({ timeoutMs: 10 }), 1, placeBase64).startTimeout).toBe(2)
  })

  it('puts images as data URIs into the fields that they belong to', () => {
    const images = [
      image('a', 'image_urls', true),
      image('b', 'image_urls', true),
      image('m', 'mask_url', false),
    ]
    expect(buildRequest(providerCall({ images }), 1, placeBase64).input).toEqual({
      prompt: 'a red bicycle',
      image_urls: ['data:image/png;base64,YQ==', 'data:image/png;base64,Yg=='],
      mask_url: 'data:image/png;base64,bQ==',
    })
  })

  it('refuses two images for a field that takes one', () => {
    const images = [image('a', 'image_url', false), image('b', 'image_url', false)]
    expect(() => buildRequest(providerCall({ images }), 1, placeBase64)).toThrow(
      'fal.ai takes only one image in this field; field: image_url',
    )
  })

  it.each(['https://evil-fal.run/x', 'fal-ai/../x/y', 'model', 'a/b?c', ''])(
    'refuses %j as a model id',
    (providerModelId) => {
      expect(() => buildRequest(providerCall({ providerModelId }), 1, placeBase64)).toThrow(
        'this model id',
      )
    },
  )
})

describe('queueUrl', () => {
  it('keeps path, query and the prefix of the base', () => {
    const url = new URL('https://queue.fal.run/owner/app/requests/1/status?logs=0')
    expect(queueUrl(url, 'http://127.0.0.1:9/prefix/').href).toBe(
      'http://127.0.0.1:9/prefix/owner/app/requests/1/status?logs=0',
    )
  })

  it('lets no other host through', () => {
    expect(() => queueUrl(new URL('https://rest.fal.ai/storage'), 'http://127.0.0.1:9')).toThrow()
  })
})
