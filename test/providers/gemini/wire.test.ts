import { afterEach, describe, expect, it, vi } from 'vitest'
import { providerModule } from '#providers/gemini/index.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import type { ProviderCall, ProviderImage } from '#src/domain/provider-adapter.ts'
import {
  inlineImage,
  providerCall,
  providerDependencies,
  providerErrorOf,
} from '#test/providers/lib/adapter-fixtures.ts'
import {
  eventStream,
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
} from '#test/providers/lib/scripted-server.ts'

const IMAGE = { inlineData: { mimeType: 'image/png', data: 'cGl4ZWxz' } }
const ANSWER = {
  candidates: [{ finishReason: 'STOP', content: { parts: [IMAGE] } }],
  responseId: 'r1',
}

let server: ScriptedServer

afterEach(async () => {
  vi.unstubAllEnvs()
  await server.close()
})

const send = async (changes: Partial<ProviderCall>) => {
  server = await startScriptedServer([{ json: ANSWER }])
  const settings = { GEMINI_API_KEY: 'test-key', GEMINI_BASE_URL: `${server.url}/prefix` }
  const adapter = providerModule.create(settings, providerDependencies())
  return await adapter.generate(
    providerCall({ providerModelId: 'gemini-3.1-flash-image', ...changes }),
  )
}

/** The answer to a call that wants previews, and those that came. */
const streamFrom = async (reply: ScriptedReply, changes: Partial<ProviderCall> = {}) => {
  server = await startScriptedServer([reply])
  const settings = { GEMINI_API_KEY: 'test-key', GEMINI_BASE_URL: `${server.url}/prefix` }
  const previews: ProviderImage[] = []
  const onPreview = (image: ProviderImage) => previews.push(image)
  const call = { providerModelId: 'gemini-3.1-flash-image', onPreview, ...changes }
  const adapter = providerModule.create(settings, providerDependencies(1))
  const answer = await adapter.generate(providerCall({ timeoutMs: 10_000, ...call }))
  return { answer, previews }
}

const stream = (texts: readonly string[], changes: Partial<ProviderCall> = {}) =>
  streamFrom(eventStream(texts), changes)

const GENERATE: Partial<ProviderCall> = {
  input: {
    prompt: 'a red bicycle',
    seed: 3,
    responseModalities: ['TEXT', 'IMAGE'],
    imageConfig: { aspectRatio: '16:9', imageSize: '2K' },
    thinkingConfig: { thinkingLevel: 'HIGH' },
    tools: [{ googleSearch: { searchTypes: { webSearch: {}, imageSearch: {} } } }],
    systemInstruction: 'Be brief',
  },
}

const GENERATE_BODY = {
  contents: [{ role: 'user', parts: [{ text: 'a red bicycle' }] }],
  systemInstruction: { role: 'user', parts: [{ text: 'Be brief' }] },
  tools: [{ googleSearch: { searchTypes: { webSearch: {}, imageSearch: {} } } }],
  generationConfig: {
    seed: 3,
    responseModalities: ['TEXT', 'IMAGE'],
    imageConfig: { aspectRatio: '16:9', imageSize: '2K' },
    thinkingConfig: { thinkingLevel: 'HIGH' },
  },
}

describe('the Gemini adapter on the wire', () => {
  it('sends a generation as one generateContent with the key in its own header', async () => {
    expect(await send(GENERATE)).toEqual({
      images: [inlineImage('cGl4ZWxz', 'image/png')],
      providerRequestId: 'r1',
    })
    expect(server.seen).toHaveLength(1)
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      path: '/prefix/v1beta/models/gemini-3.1-flash-image:generateContent',
      headers: { 'x-goog-api-key': 'test-key', 'content-type': 'application/json' },
    })
    expect(server.seen[0]?.headers).not.toHaveProperty('authorization')
    expect(server.seen[0]?.body).toEqual(GENERATE_BODY)
  })

  it('sends an edit with the images after the text', async () => {
    const image = {
      role: 'image',
      bytes: inPieces([Buffer.from('one')]),
      field: 'image',
      isList: true,
    } as const
    await send({
      input: { prompt: 'mix', responseModalities: ['IMAGE'] },
      images: [
        { ...image, mediaType: 'image/png' },
        { ...image, mediaType: 'image/jpeg' },
      ],
    })
    expect(server.seen[0]?.body).toEqual({
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'mix' },
            { inlineData: { mimeType: 'image/png', data: 'b25l' } },
            { inlineData: { mimeType: 'image/jpeg', data: 'b25l' } },
          ],
        },
      ],
      generationConfig: { responseModalities: ['IMAGE'] },
    })
  })

  it('sends the same whatever the environment says, and prints nothing about it', async () => {
    const printed = (['debug', 'warn'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => {}),
    )
    vi.stubEnv('GEMINI_API_KEY', 'another-key')
    vi.stubEnv('GOOGLE_GENAI_USE_VERTEXAI', 'true')
    vi.stubEnv('GOOGLE_API_KEY', 'other-key')
    vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'other-project')
    vi.stubEnv('GOOGLE_CLOUD_LOCATION', 'other-location')
    vi.stubEnv('GOOGLE_GEMINI_BASE_URL', 'http://127.0.0.1:1')
    vi.stubEnv('GOOGLE_GENAI_API_VERSION', 'v1')
    await send(GENERATE)
    expect(server.seen[0]).toMatchObject({
      path: '/prefix/v1beta/models/gemini-3.1-flash-image:generateContent',
      headers: { 'x-goog-api-key': 'test-key' },
      body: GENERATE_BODY,
    })
    for (const spy of printed) expect(spy).not.toHaveBeenCalled()
  })

  it('rejects a parameter of the other surface without sending anything', async () => {
    const error = await providerErrorOf(
      send({ input: { prompt: 'x', imageConfig: { personGeneration: 'ALLOW_ALL' } } }),
    )
    expect(error.details).toEqual({
      kind: 'bad_request',
      workMayExist: false,
      publicMessage: 'Gemini API does not take this request; field: personGeneration',
      param: 'personGeneration',
    })
    expect(server.seen).toHaveLength(0)
  })

  it('takes nonsense in a parameter for a wrong request and not for a wrong key', async () => {
    const error = await providerErrorOf(send({ input: { prompt: 'x', tools: 5 } }))
    expect(error.kind).toBe('bad_request')
    expect(server.seen).toHaveLength(0)
  })

  it('does not go on by itself when the answer offers a continuation', async () => {
    const partial = { candidates: [{ finishReason: 'CONTINUATION' }], continuationToken: 't' }
    server = await startScriptedServer([{ json: partial }])
    const settings = { GEMINI_API_KEY: 'test-key', GEMINI_BASE_URL: server.url }
    const adapter = providerModule.create(settings, providerDependencies())
    expect((await providerErrorOf(adapter.generate(providerCall()))).kind).toBe('empty_result')
    expect(server.seen).toHaveLength(1)
  })

  it('sends a call that wants previews as one streamGenerateContent with the same body', async () => {
    expect(await stream([`data: ${JSON.stringify(ANSWER)}\r\n\r\n`], GENERATE)).toEqual({
      answer: {
        images: [inlineImage('cGl4ZWxz', 'image/png')],
        providerRequestId: 'r1',
      },
      previews: [],
    })
    expect(server.seen).toMatchObject([
      {
        method: 'POST',
        path: '/prefix/v1beta/models/gemini-3.1-flash-image:streamGenerateContent?alt=sse',
        headers: { 'x-goog-api-key': 'test-key' },
      },
    ])
    expect(server.seen[0]?.body).toEqual(GENERATE_BODY)
  })

  it('reads drafts and images of megabytes that come in pieces', async () => {
    const data = Buffer.alloc(6_000_000, 'pixels').toString('base64')
    const chunk = (part: object, more = {}) => {
      const content = { parts: [{ inlineData: { mimeType: 'image/png', data }, ...part }] }
      return `data: ${JSON.stringify({ candidates: [{ content, ...more }] })}\n\n`
    }
    const text = chunk({ thought: true }) + chunk({}, { finishReason: 'STOP' })
    const middle = Math.ceil(text.length / 2) + 1
    const { answer, previews } = await stream([
      text.slice(0, 7),
      text.slice(7, middle),
      text.slice(middle),
    ])
    const images = [...answer.images, ...previews]
    // As text: byte by byte a comparison of megabytes takes seconds.
    expect(
      images.map((image) => image.kind === 'base64' && String(Buffer.concat(image.pieces))),
    ).toEqual([data, data])
  })

  it('knows an error chunk that comes in pieces', async () => {
    const error = { error: { code: 503, status: 'UNAVAILABLE', message: 'overloaded' } }
    const text = JSON.stringify(error, undefined, 2)
    const failed = stream([text.slice(0, 20), text.slice(20)])
    expect((await providerErrorOf(failed)).details).toEqual({
      kind: 'overloaded',
      workMayExist: false,
      publicMessage: 'Gemini API answered with status 503 (UNAVAILABLE)',
    })
    expect(server.seen).toHaveLength(1)
  })

  it.each([
    ['cannot be read', 'data: {half'],
    ['is an error', '{"error":{"code":503,"status":"UNAVAILABLE","message":"overloaded"}}'],
  ])('leaves no stream open that goes on after a chunk that %s', async (_, chunk) => {
    const closed = Promise.withResolvers<void>()
    const goOn: ScriptedReply = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`${chunk}\n\n`)
      const more = setInterval(() => response.write('data: {}\n\n'), 10)
      response.once('close', () => {
        clearInterval(more)
        closed.resolve()
      })
    }
    await providerErrorOf(streamFrom(goOn))
    await expect(closed.promise).resolves.toBeUndefined()
  })
})
