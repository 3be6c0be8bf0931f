import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodyOfStream } from '#providers/lib/arriving-body.ts'
import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { providerModules } from '#providers/provider-modules.ts'
import { systemClock } from '#src/domain/clock.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type { JsonObject } from '#src/domain/json.ts'
import type { ProviderDependencies, UpstreamRequest } from '#src/domain/provider-adapter.ts'
import { EMULATED_PROVIDERS, type Emulators, type ProviderId } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'

const KNOWN: Readonly<Record<ProviderId, string>> = {
  gemini: 'gemini-3.1-flash-image',
  vertex: 'gemini-3.1-flash-image',
  fal: 'fal-ai/nano-banana-2/edit',
  replicate: 'google/nano-banana-2',
}
const UNKNOWN: Readonly<Record<ProviderId, string>> = {
  gemini: 'gemini-0',
  vertex: 'gemini-0',
  fal: 'fal-ai/nothing',
  replicate: 'nobody/nothing',
}
const KEYS: Readonly<Record<ProviderId, string>> = {
  gemini: 'GEMINI_API_KEY',
  vertex: 'VERTEX_API_KEY',
  fal: 'FAL_KEY',
  replicate: 'REPLICATE_API_TOKEN',
}

const signal = () => AbortSignal.timeout(10_000)
const silent = () => undefined
const dependencies = (send: ProviderDependencies['send']): ProviderDependencies => ({
  send,
  clock: systemClock,
  logger: { debug: silent, warn: silent },
  timeScale: 1,
})
const readerOf = (
  id: string,
  settings: Readonly<Record<string, string>>,
  send: ProviderDependencies['send'],
) =>
  providerModules.find((module) => module.id === id)?.createModels?.(settings, dependencies(send))

/** A reader whose provider answers everything with this. */
const readerAnswered = (id: ProviderId, answer: (request: UpstreamRequest) => JsonObject) => {
  const asked: UpstreamRequest[] = []
  const reader = readerOf(id, { [KEYS[id]]: 'key' }, async (request) => {
    asked.push(request)
    const bytes = Buffer.from(JSON.stringify(answer(request)))
    const body = bodyOfStream(Readable.from([bytes]))
    return { status: 200, headers: { 'content-type': 'application/json' }, body }
  })
  if (!reader) throw new Error('no reader')
  return { reader, asked }
}

describe('what a provider publishes of its models', () => {
  let emulators: Emulators
  const upstream = createUpstreamTransport()
  beforeAll(async () => {
    emulators = await startEmulators()
  })
  afterAll(async () => {
    await upstream.close()
    await emulators.close()
  })
  beforeEach(() => {
    for (const id of EMULATED_PROVIDERS) emulators[id].clearCalls()
  })
  const settings = () => ({ ...emulators.environment, FAL_SCHEMA_BASE_URL: emulators.fal.url })

  it.each(EMULATED_PROVIDERS)('is read from %s, and nothing is begun there', async (id) => {
    const reader = readerOf(id, settings(), upstream.send)
    const published = await reader?.read(KNOWN[id], signal())
    expect(published?.problems).toEqual([])
    expect(await reader?.read(UNKNOWN[id], signal())).toBeUndefined()
    expect(emulators[id].count('create')).toBe(0)
    expect(emulators[id].calls.map(({ status }) => status)).toEqual([200, 404])
  })

  it.each(['fal', 'replicate'])(
    'has a schema of the input at %s that stands by itself',
    async (id) => {
      const published = await readerOf(id, settings(), upstream.send)?.read(
        KNOWN[id as ProviderId],
        signal(),
      )
      expect(published?.input).toHaveProperty('properties.prompt.type', 'string')
      expect(JSON.stringify(published)).not.toContain('$ref')
    },
  )

  it('is read from fal without a key, and none is sent', async () => {
    const reader = readerOf('fal', { FAL_SCHEMA_BASE_URL: emulators.fal.url }, upstream.send)
    expect(await reader?.read(KNOWN.fal, signal())).toBeDefined()
    await readerOf('fal', settings(), upstream.send)?.read(KNOWN.fal, signal())
    expect(emulators.fal.calls.map(({ headers }) => headers['authorization'])).toEqual([
      undefined,
      undefined,
    ])
  })

  it.each(['gemini', 'vertex', 'replicate'])('cannot be read from %s without a key', (id) => {
    expect(readerOf(id, {}, upstream.send)).toBeUndefined()
  })

  it.each(['gemini', 'vertex', 'replicate'] as const)(
    'is an error that shows no key when %s refuses it',
    async (id) => {
      const reader = readerOf(id, { ...settings(), [KEYS[id]]: 'planted-key' }, upstream.send)
      const error = await reader?.read(KNOWN[id], signal()).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ProviderError)
      expect((error as ProviderError).kind).toBe('auth')
      expect(JSON.stringify([error, String(error)])).not.toContain('planted-key')
      // However often the SDK would repeat it.
      expect(emulators[id].calls).toHaveLength(1)
    },
  )

  it('is an error when nobody answers', async () => {
    const reader = readerOf('fal', { FAL_SCHEMA_BASE_URL: 'http://127.0.0.1:1' }, upstream.send)
    const error = await reader?.read(KNOWN.fal, signal()).catch((thrown: unknown) => thrown)
    expect((error as ProviderError).kind).toBe('network')
  })
})

describe('a list of Google’s models', () => {
  const model = (name: string, ...supportedGenerationMethods: string[]) => ({
    name,
    ...(supportedGenerationMethods.length > 0 && { supportedGenerationMethods }),
  })

  it('is read page by page, once', async () => {
    const { reader, asked } = readerAnswered('gemini', ({ url }) =>
      url.searchParams.get('pageToken') === 'two'
        ? { models: [model('models/b', 'generateContent')] }
        : { models: [model('models/a', 'generateContent')], nextPageToken: 'two' },
    )
    expect(await reader.read('b', signal())).toEqual({ problems: [] })
    expect(await reader.read('a', signal())).toEqual({ problems: [] })
    expect(asked.map(({ url }) => url.searchParams.get('pageToken'))).toEqual([null, 'two'])
  })

  it('tells of models that make no content', async () => {
    const { reader } = readerAnswered('gemini', () => ({ models: [model('models/a', 'predict')] }))
    expect(await reader.read('a', signal())).toEqual({
      problems: ['does not take generateContent'],
    })
  })

  it('need not hold a model that is there when it is asked for', async () => {
    const { reader } = readerAnswered('vertex', ({ url }) =>
      url.pathname.endsWith('/models')
        ? { publisherModels: [] }
        : { name: 'publishers/google/models/a' },
    )
    expect(await reader.read('a', signal())).toEqual({ problems: [] })
  })

  it('that never ends is given up', async () => {
    const { reader, asked } = readerAnswered('gemini', () => ({ models: [], nextPageToken: 'on' }))
    await expect(reader.read('a', signal())).rejects.toThrow('without an end')
    expect(asked.length).toBeLessThan(100)
  })
})

describe('what the adapter could not read', () => {
  const falDocument = (output: JsonObject): JsonObject => ({
    paths: {
      '/x/y/requests/{request_id}/status': { get: {} },
      '/x/y': { post: { requestBody: { content: { 'application/json': { schema: {} } } } } },
      '/x/y/requests/{request_id}': {
        get: { responses: { '200': { content: { 'application/json': { schema: output } } } } },
      },
    },
  })
  const url = { type: 'object', properties: { url: { type: 'string' } } }

  it.each([
    [{ properties: { images: { type: 'array', items: url } } }, []],
    [{ properties: { image: url } }, []],
    [{ properties: { video: url } }, ['answers neither images[].url nor image.url']],
    [
      { properties: { images: { type: 'array', items: { type: 'string' } } } },
      ['answers neither images[].url nor image.url'],
    ],
  ])('of a result at fal %j: %j', async (output, problems) => {
    const { reader } = readerAnswered('fal', () => falDocument(output as JsonObject))
    expect((await reader.read('x/y', signal()))?.problems).toEqual(problems)
  })

  it.each([
    [{ type: 'string' }, []],
    [{ type: 'array', items: { type: 'string' } }, []],
    [{ type: 'object' }, ['answers neither a URL nor a list of URLs']],
  ])('of an output at Replicate %j: %j', async (Output, problems) => {
    const openapi_schema = { components: { schemas: { Input: {}, Output } } }
    const { reader } = readerAnswered('replicate', () => ({ latest_version: { openapi_schema } }))
    expect((await reader.read('x/y', signal()))?.problems).toEqual(problems)
  })

  it('is looked for in the version that an id names', async () => {
    const openapi_schema = { components: { schemas: { Input: {} } } }
    const { reader, asked } = readerAnswered('replicate', () => ({ openapi_schema }))
    expect(await reader.read('x/y:v1', signal())).toEqual({ input: {}, problems: [] })
    expect(asked[0]?.url.pathname).toBe('/v1/models/x/y/versions/v1')
  })

  it.each([
    ['fal', {}],
    ['fal', { paths: {} }],
    ['fal', { paths: { '/x': null } }],
    ['replicate', {}],
    ['replicate', { latest_version: null }],
    ['replicate', { latest_version: { openapi_schema: { components: {} } } }],
  ] as const)('at %s is an error: %j', async (id, answer) => {
    const { reader } = readerAnswered(id, () => answer as JsonObject)
    const error = await reader.read('x/y', signal()).catch((thrown: unknown) => thrown)
    expect((error as ProviderError).kind).toBe('bad_response')
  })
})
