import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  ask,
  askGemini,
  GOOGLE_MODEL,
  type GooglePart,
  googleBody,
  googleEditBody,
  googleParts,
  inspect,
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

const pictureOf = (part: GooglePart | undefined) =>
  inspect(Buffer.from(part?.inlineData?.data ?? '', 'base64'))

describe('the Gemini API', () => {
  it('answers a generation with one image of the asked size and its token counts', async () => {
    const body = googleBody({ imageConfig: { aspectRatio: '16:9', imageSize: '2K' }, seed: 7 })
    const { status, json } = await askGemini(gemini, body)
    expect(status).toBe(200)
    expect(json).toEqual({
      candidates: [
        {
          content: {
            role: 'model',
            parts: [
              {
                inlineData: { mimeType: 'image/png', data: expect.any(String) },
                thoughtSignature: expect.any(String),
              },
            ],
          },
          finishReason: 'STOP',
          index: 0,
        },
      ],
      usageMetadata: {
        promptTokenCount: 5,
        candidatesTokenCount: 1680,
        totalTokenCount: 5 + 1680 + 96,
        promptTokensDetails: [{ modality: 'TEXT', tokenCount: 5 }],
        candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1680 }],
        thoughtsTokenCount: 96,
      },
      modelVersion: GOOGLE_MODEL,
      responseId: expect.any(String),
    })
    expect(await pictureOf(googleParts(json)[0])).toEqual({
      format: 'png',
      width: 2752,
      height: 1536,
    })
  })

  it('records what was sent, with the status that was answered', async () => {
    await askGemini(gemini)
    expect(gemini.calls).toEqual([
      {
        kind: 'create',
        method: 'POST',
        path: `/v1beta/models/${GOOGLE_MODEL}:generateContent`,
        headers: expect.objectContaining({ 'content-type': 'application/json' }),
        body: googleBody(),
        at: expect.any(Number),
        status: 200,
      },
    ])
    expect(gemini.count('create')).toBe(1)
    gemini.clearCalls()
    expect([gemini.calls.length, gemini.count('create')]).toEqual([0, 0])
  })

  it('puts a text and two drafts before the image when thinking is high and thoughts are asked for', async () => {
    const thinkingConfig = { thinkingLevel: 'HIGH', includeThoughts: true }
    const body = googleBody({ responseModalities: ['TEXT', 'IMAGE'], thinkingConfig })
    const parts = googleParts((await askGemini(gemini, body)).json)
    const shapes = parts.map((part) => [part.thought ?? false, part.inlineData ? 'image' : 'text'])
    expect(shapes).toEqual([
      [true, 'text'],
      [true, 'image'],
      [true, 'image'],
      [false, 'text'],
      [false, 'image'],
    ])
  })

  it('drafts without high thinking when the scenario says so', async () => {
    gemini.setScenario({ alwaysDraft: true, answerMediaType: 'image/jpeg' })
    const parts = googleParts((await askGemini(gemini)).json)
    expect(parts.map((part) => [part.thought, part.inlineData?.mimeType])).toEqual([
      [true, 'image/jpeg'],
      [undefined, 'image/jpeg'],
    ])
  })

  it('answers with as many final images as the scenario says', async () => {
    gemini.setScenario({ finalImages: 2 })
    const { json } = await askGemini(gemini)
    const [first, second, ...others] = googleParts(json).map((part) => part.inlineData?.data)
    expect(others).toEqual([])
    expect(first).not.toBe(second)
    expect(json).toMatchObject({ usageMetadata: { candidatesTokenCount: 2 * 1120 } })
  })

  it('streams one part per event, the image whole in its chunk', async () => {
    const path = `/v1beta/models/${GOOGLE_MODEL}:streamGenerateContent?alt=sse`
    const body = googleBody({ thinkingConfig: { thinkingLevel: 'HIGH' } })
    const { headers, text } = await askGemini(gemini, body, path)
    expect(headers.get('content-type')).toBe('text/event-stream')
    const events = text.trim().split('\r\n\r\n')
    const chunks = events.map((event) => JSON.parse(event.replace('data: ', '')))
    expect(chunks.map((chunk) => googleParts(chunk).length)).toEqual([1, 1])
    expect(chunks.at(-1)).toMatchObject({
      candidates: [{ finishReason: 'STOP' }],
      usageMetadata: { candidatesTokenCount: 1120 },
    })
  })

  it('answers a stream without alt=sse as an array, errors too', async () => {
    const path = `/v1beta/models/${GOOGLE_MODEL}:streamGenerateContent`
    expect((await askGemini(gemini, googleBody(), path)).json).toHaveLength(1)
    gemini.setScenario({ next: ['unavailable'] })
    expect((await askGemini(gemini, googleBody(), path)).json).toMatchObject([
      { error: { code: 503 } },
    ])
  })

  it('takes the proportions of an edit from the last input and counts its tokens', async () => {
    const data = (await plainPng(160, 90)).toString('base64')
    const { json } = await askGemini(gemini, googleEditBody(data, 2))
    expect(json).toMatchObject({ usageMetadata: { promptTokenCount: 4 + 2 * 1120 } })
    expect(await pictureOf(googleParts(json)[0])).toMatchObject({ width: 1376, height: 768 })
  })

  it('describes a living model and no dead one', async () => {
    const headers = { 'x-goog-api-key': 'emulated-gemini-key' }
    const url = `${gemini.url}/v1beta/models/`
    expect((await ask(url + GOOGLE_MODEL, { headers })).json).toMatchObject({
      name: `models/${GOOGLE_MODEL}`,
    })
    expect((await ask(`${url}gemini-3.1-flash-image-preview`, { headers })).status).toBe(404)
  })
})
