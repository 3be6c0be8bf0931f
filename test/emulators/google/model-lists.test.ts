import { GoogleGenAI } from '@google/genai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EMULATED_VERTEX_BEARER, EMULATOR_KEYS, type Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  ask,
  askGemini,
  googleBody,
  googleEditBody,
  googleParts,
  inspect,
  plainPng,
} from '#test/emulators/wire-client.ts'
import { GOOGLE_MODELS } from './google-models.ts'

let emulators: Emulators

beforeAll(async () => {
  emulators = await startEmulators({ only: ['gemini', 'vertex'] })
})
afterAll(() => emulators.close())

const IDS = [
  'gemini-3.1-flash-image',
  'gemini-nano-banana-2.1',
  'gemini-3.1-flash-lite-image',
  'gemini-3-pro-image',
  'gemini-2.5-flash-image',
]

const gather = async (ai: GoogleGenAI, pageSize: number): Promise<(string | undefined)[]> => {
  const names: (string | undefined)[] = []
  for await (const { name } of await ai.models.list({ config: { pageSize } })) names.push(name)
  return names
}

describe('the lists of models of Google', () => {
  it('hold every model that is served, page by page, through the official client', async () => {
    const ai = new GoogleGenAI({
      apiKey: EMULATOR_KEYS.gemini,
      httpOptions: { baseUrl: emulators.gemini.url, apiVersion: 'v1beta' },
    })
    const before = emulators.gemini.count('other')
    expect(await gather(ai, 2)).toEqual(IDS.map((id) => `models/${id}`))
    expect(emulators.gemini.count('other') - before).toBe(3)
    expect(IDS).toEqual(Object.keys(GOOGLE_MODELS))
  })

  it('hold the same as publisher models at Vertex, with a key and with a token', async () => {
    const httpOptions = { baseUrl: emulators.vertex.url }
    const express = new GoogleGenAI({ vertexai: true, apiKey: EMULATOR_KEYS.vertex, httpOptions })
    const authorization = `Bearer ${EMULATED_VERTEX_BEARER}`
    const authClient = { getRequestHeaders: async () => new Headers({ authorization }) }
    const project = new GoogleGenAI({
      vertexai: true,
      project: 'p1',
      location: 'global',
      googleAuthOptions: { authClient: authClient as never },
      httpOptions,
    })
    const names = IDS.map((id) => `publishers/google/models/${id}`)
    expect(await gather(express, 50)).toEqual(names)
    expect(await gather(project, 3)).toEqual(names)
  })

  it('are for known callers only', async () => {
    const { gemini, vertex } = emulators
    expect((await ask(`${gemini.url}/v1beta/models`)).status).toBe(403)
    expect((await ask(`${vertex.url}/v1beta1/publishers/google/models`)).status).toBe(403)
    const wrong = { headers: { 'x-goog-api-key': 'nope' } }
    expect((await ask(`${gemini.url}/v1beta/models`, wrong)).status).toBe(400)
  })

  it.each(['pageSize=x', 'pageSize=-1', 'pageToken=x'])('refuse %s', async (query) => {
    const headers = { 'x-goog-api-key': EMULATOR_KEYS.gemini }
    const { status } = await ask(`${emulators.gemini.url}/v1beta/models?${query}`, { headers })
    expect(status).toBe(400)
  })
})

describe('Gemini 2.5 Flash Image', () => {
  const path = '/v1beta/models/gemini-2.5-flash-image:generateContent'
  const sizeOfAnswer = async (body: unknown) => {
    const { json } = await askGemini(emulators.gemini, body, path)
    const image = googleParts(json).find(({ inlineData }) => inlineData)
    return inspect(Buffer.from(image?.inlineData?.data ?? '', 'base64'))
  }

  it.each([
    ['1:1', 1_024, 1_024],
    ['2:3', 832, 1_248],
    ['4:3', 1_184, 864],
    ['16:9', 1_344, 768],
    ['21:9', 1_536, 672],
  ])('draws %s in pixels of its own', async (aspectRatio, width, height) => {
    const body = googleBody({ imageConfig: { aspectRatio } })
    expect(await sizeOfAnswer(body)).toEqual({ format: 'png', width, height })
  })

  it('follows the last image without a ratio', async () => {
    const body = googleEditBody((await plainPng(96, 64)).toString('base64'), 1)
    expect(await sizeOfAnswer(body)).toEqual({ format: 'png', width: 1_248, height: 832 })
  })
})
