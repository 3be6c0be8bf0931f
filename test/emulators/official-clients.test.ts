import { ApiError, GoogleGenAI } from '@google/genai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EMULATED_VERTEX_BEARER, EMULATOR_KEYS, type Emulators } from './emulator.ts'
import { connectFal, connectReplicate } from './sdk-clients.ts'
import { startEmulators } from './start-emulators.ts'
import { GOOGLE_MODEL, googleParts, inspect, plainPng } from './wire-client.ts'

let emulators: Emulators

beforeAll(async () => {
  emulators = await startEmulators()
})
afterAll(() => emulators.close())

/** Through the parts: the SDK's own shortcut warns about every part that is no data. */
const imageOf = (response: unknown): Buffer => {
  const part = googleParts(response).find(({ inlineData }) => inlineData)
  return Buffer.from(part?.inlineData?.data ?? '', 'base64')
}

const request = { model: GOOGLE_MODEL, contents: 'A lighthouse at dusk' }

describe('@google/genai', () => {
  const connect = () =>
    new GoogleGenAI({
      apiKey: EMULATOR_KEYS.gemini,
      httpOptions: { baseUrl: emulators.gemini.url, apiVersion: 'v1beta' },
    })

  it('generates an image, whole and as a stream', async () => {
    const config = {
      responseModalities: ['IMAGE'],
      imageConfig: { aspectRatio: '3:2', imageSize: '512' },
    }
    const response = await connect().models.generateContent({ ...request, config })
    expect(await inspect(imageOf(response))).toEqual({
      format: 'png',
      width: 632,
      height: 424,
    })
    const chunks: Buffer[] = []
    for await (const chunk of await connect().models.generateContentStream(request)) {
      chunks.push(imageOf(chunk))
    }
    expect(chunks.filter(({ length }) => length > 0)).toHaveLength(1)
  })

  it('turns errors into its own', async () => {
    emulators.gemini.setScenario({ next: ['rate_limited'] })
    const error = await connect()
      .models.generateContent(request)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ status: 429 })
  })

  it('talks to Vertex in express mode with output options', async () => {
    const ai = new GoogleGenAI({
      vertexai: true,
      apiKey: EMULATOR_KEYS.vertex,
      httpOptions: { baseUrl: emulators.vertex.url },
    })
    const imageConfig = { outputMimeType: 'image/jpeg', outputCompressionQuality: 60 }
    const response = await ai.models.generateContent({ ...request, config: { imageConfig } })
    expect(await inspect(imageOf(response))).toMatchObject({
      format: 'jpeg',
    })
  })

  it('talks to Vertex in project mode with an auth client of its own', async () => {
    const authorization = `Bearer ${EMULATED_VERTEX_BEARER}`
    const authClient = { getRequestHeaders: async () => new Headers({ authorization }) }
    const ai = new GoogleGenAI({
      vertexai: true,
      project: 'p1',
      location: 'global',
      googleAuthOptions: { authClient: authClient as never },
      httpOptions: { baseUrl: emulators.vertex.url },
    })
    expect(imageOf(await ai.models.generateContent(request)).length).toBeGreaterThan(0)
  })

  it('exchanges a service account for a token, its token host rewritten', async () => {
    const account = emulators.vertexServiceAccount()
    // google-auth-library 10 ignores `token_uri` and always asks oauth2.googleapis.com.
    const fetchImplementation: typeof fetch = (input, init) =>
      fetch(String(input).replace('https://oauth2.googleapis.com/token', account.token_uri), init)
    const ai = new GoogleGenAI({
      vertexai: true,
      project: account.project_id,
      location: 'global',
      googleAuthOptions: {
        credentials: account,
        clientOptions: { transporterOptions: { fetchImplementation } },
      },
      httpOptions: { baseUrl: emulators.vertex.url },
    })
    expect(imageOf(await ai.models.generateContent(request)).length).toBeGreaterThan(0)
    expect(emulators.vertex.calls.filter(({ kind }) => kind === 'token')).toMatchObject([
      { status: 200 },
    ])
  })
})

describe('@fal-ai/client', () => {
  const connect = () => connectFal(emulators.fal)

  it('submits, polls and reads an edit of an uploaded file', async () => {
    const { queue } = connect()
    const endpoint = 'fal-ai/nano-banana-2/edit'
    const image = new Blob([new Uint8Array(await plainPng())], { type: 'image/png' })
    const input = { prompt: 'Make it night', image_urls: [image] as unknown as string[] }
    const { request_id: requestId } = await queue.submit(endpoint, { input })
    expect(await queue.status(endpoint, { requestId })).toMatchObject({ status: 'COMPLETED' })
    const { data } = await queue.result(endpoint, { requestId })
    expect(data.images[0]).toMatchObject({ content_type: 'image/png', width: 1200, height: 896 })
  })

  it('reads the error of a refused job and cancels another', async () => {
    const { queue } = connect()
    const endpoint = 'fal-ai/nano-banana-2'
    emulators.fal.setScenario({ next: ['refusal', 'hang'] })
    const refused = await queue.submit(endpoint, { input: { prompt: 'x' } })
    await expect(queue.result(endpoint, { requestId: refused.request_id })).rejects.toMatchObject({
      name: 'ValidationError',
      status: 422,
    })
    const hanging = await queue.submit(endpoint, { input: { prompt: 'x' } })
    await queue.cancel(endpoint, { requestId: hanging.request_id })
    expect(emulators.fal.calls.at(-1)).toMatchObject({ kind: 'cancel', status: 202 })
  })
})

describe('replicate', () => {
  const connect = () => connectReplicate(emulators.replicate)

  it('creates, reads and cancels predictions', async () => {
    const { predictions } = connect()
    const model = 'google/nano-banana-2'
    const input = { prompt: 'x', resolution: '1K' }
    const created = await predictions.create({ model, input, wait: 5 })
    expect(created).toMatchObject({ status: 'succeeded', model })
    expect(emulators.replicate.calls[0]?.headers).toMatchObject({ prefer: 'wait=5' })
    emulators.replicate.setScenario({ next: ['hang'] })
    const { id } = await predictions.create({ model, input })
    expect(await predictions.get(id)).toMatchObject({ status: 'processing' })
    expect(await predictions.cancel(id)).toMatchObject({ status: 'canceled' })
  })

  it('uploads inputs through the files API', async () => {
    const file = await connect().files.create(new Blob([new Uint8Array(await plainPng())]), {})
    const input = { prompt: 'x', image_input: [file.urls.get] }
    const model = 'google/nano-banana-2'
    const created = await connect().predictions.create({ model, input, wait: true })
    expect(created).toMatchObject({ status: 'succeeded' })
  })
})
