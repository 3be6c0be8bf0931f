import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { ASPECT_RATIOS } from '#test/emulators/picture-sizes.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  askGemini,
  GOOGLE_MODEL,
  googleBody,
  googleEditBody,
  plainPng,
} from '#test/emulators/wire-client.ts'

let emulators: Emulators
let gemini: Emulator

beforeAll(async () => {
  emulators = await startEmulators({ only: ['gemini'] })
  gemini = emulators.gemini
})
afterEach(() => {
  gemini.setScenario({})
  gemini.clearCalls()
})
afterAll(() => emulators.close())

describe('the strictness of the Gemini API', () => {
  it('refuses a missing and a wrong key in different ways', async () => {
    const path = `/v1beta/models/${GOOGLE_MODEL}:generateContent`
    expect((await askGemini(gemini, googleBody(), path, {})).json).toMatchObject({
      error: { code: 403, status: 'PERMISSION_DENIED' },
    })
    const wrong = await askGemini(gemini, googleBody(), path, { 'x-goog-api-key': 'nope' })
    expect(wrong.status).toBe(400)
    expect(wrong.json).toMatchObject({
      error: {
        code: 400,
        status: 'INVALID_ARGUMENT',
        details: [{ reason: 'API_KEY_INVALID', domain: 'googleapis.com' }, {}],
      },
    })
  })

  it.each(['gemini-3.1-flash-image-preview', 'gemini-3-pro-image-preview', 'unheard-of'])(
    'does not know the model %s',
    async (model) => {
      const path = `/v1beta/models/${model}:generateContent`
      const { status, json } = await askGemini(gemini, googleBody(), path)
      expect(status).toBe(404)
      expect(json).toMatchObject({
        error: {
          status: 'NOT_FOUND',
          message: expect.stringContaining(`models/${model} is not found`),
        },
      })
    },
  )

  it('names the Vertex-only image options as unknown', async () => {
    const body = googleBody({ imageConfig: { imageOutputOptions: { mimeType: 'image/png' } } })
    expect((await askGemini(gemini, body)).json).toMatchObject({
      error: {
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: `Invalid JSON payload received. Unknown name "imageOutputOptions" at 'generation_config.image_config': Cannot find field.`,
      },
    })
  })

  const search = (searchTypes: unknown) =>
    googleBody({}, { tools: [{ googleSearch: { searchTypes } }] })

  it.each([
    ['an unknown top-level field', googleBody({}, { labels: {} })],
    ['an unknown generation field', googleBody({ n: 2 })],
    ['two candidates', googleBody({ candidateCount: 2 })],
    ['a seed that is no integer', googleBody({ seed: 1.5 })],
    ['the size 0.5K', googleBody({ imageConfig: { imageSize: '0.5K' } })],
    ['the size 512px', googleBody({ imageConfig: { imageSize: '512px' } })],
    ['a lower-case size', googleBody({ imageConfig: { imageSize: '1k' } })],
    ['the ratio 9:21', googleBody({ imageConfig: { aspectRatio: '9:21' } })],
    ['the ratio auto', googleBody({ imageConfig: { aspectRatio: 'auto' } })],
    ['a lower-case thinking level', googleBody({ thinkingConfig: { thinkingLevel: 'high' } })],
    ['a thinking level of others', googleBody({ thinkingConfig: { thinkingLevel: 'MEDIUM' } })],
    ['an unknown modality', googleBody({ responseModalities: ['PICTURE'] })],
    ['search types that are no objects', search({ webSearch: true })],
    ['search types as a list', search(['webSearch'])],
    ['an unknown search type', search({ newsSearch: {} })],
    [
      'an unknown safety category',
      googleBody({}, { safetySettings: [{ category: 'HARM_CATEGORY_X' }] }),
    ],
    ['no contents', { generationConfig: {} }],
    ['a part without content', { contents: [{ parts: [{}] }] }],
    ['an unknown role', { contents: [{ role: 'system', parts: [{ text: 'x' }] }] }],
    ['text that is no JSON', '{"contents":'],
  ])('refuses %s', async (_, body) => {
    const { status, json } = await askGemini(gemini, body)
    expect(status).toBe(400)
    expect(json).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } })
  })

  it.each(ASPECT_RATIOS)('accepts the ratio %s', async (aspectRatio) => {
    const body = googleBody({ imageConfig: { aspectRatio, imageSize: '512' } })
    expect((await askGemini(gemini, body)).status).toBe(200)
  })

  it.each([{ webSearch: {}, imageSearch: {} }, { imageSearch: {} }])(
    'accepts search types that are objects',
    async (types) => {
      const { json } = await askGemini(gemini, search(types))
      expect(json).toMatchObject({ candidates: [{ groundingMetadata: {} }] })
    },
  )

  it('knows which model offers what', async () => {
    const path = (model: string) => `/v1beta/models/${model}:generateContent`
    const size = (imageSize: string) => googleBody({ imageConfig: { imageSize } })
    const statusOf = async (model: string, body: unknown) =>
      (await askGemini(gemini, body, path(model))).status
    expect(await statusOf('gemini-nano-banana-2.1', size('512'))).toBe(400)
    expect(await statusOf('gemini-3.1-flash-lite-image', size('2K'))).toBe(400)
    expect(await statusOf('gemini-2.5-flash-image', size('1K'))).toBe(400)
    expect(await statusOf('gemini-3-pro-image', search({ imageSearch: {} }))).toBe(400)
    const thinkingConfig = { thinkingLevel: 'MEDIUM' }
    expect(await statusOf('gemini-nano-banana-2.1', googleBody({ thinkingConfig }))).toBe(200)
  })

  it('takes 14 input images and no 15th', async () => {
    const data = (await plainPng(8, 8)).toString('base64')
    expect((await askGemini(gemini, googleEditBody(data, 14))).status).toBe(200)
    expect((await askGemini(gemini, googleEditBody(data, 15))).status).toBe(400)
  })

  it.each([
    [
      'no picture',
      Buffer.from('hello').toString('base64'),
      'image/png',
      'Unable to process input image',
    ],
    ['nothing', '', 'image/png', 'Unable to process input image'],
    ['a GIF', 'R0lGODlhAQABAAAAACw=', 'image/gif', 'Unsupported MIME type: image/gif'],
  ])('refuses an input that is %s', async (_, data, mimeType, message) => {
    const { status, json } = await askGemini(gemini, googleEditBody(data, 1, mimeType))
    expect(status).toBe(400)
    expect(json).toMatchObject({ error: { message: expect.stringContaining(message) } })
  })

  it('refuses a truncated picture', async () => {
    const bytes = await plainPng(400, 400)
    const data = bytes.subarray(0, bytes.length - 200).toString('base64')
    expect((await askGemini(gemini, googleEditBody(data, 1))).status).toBe(400)
  })

  it('refuses more than 100 MB in one request', async () => {
    const body = JSON.stringify(googleBody()) + ' '.repeat(100 * 1024 * 1024)
    expect((await askGemini(gemini, body)).json).toMatchObject({
      error: { message: expect.stringContaining('Request payload size exceeds the limit') },
    })
  })

  it('serves no other version of the API', async () => {
    const path = `/v1/models/${GOOGLE_MODEL}:generateContent`
    expect((await askGemini(gemini, googleBody(), path)).status).toBe(404)
    expect(gemini.count('other')).toBe(1)
  })
})
