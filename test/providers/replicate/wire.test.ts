import { afterEach, describe, expect, it, vi } from 'vitest'
import { providerModule } from '#providers/replicate/index.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import type { ProviderCall } from '#src/domain/provider-adapter.ts'
import {
  providerCall,
  providerDependencies,
  providerErrorOf,
} from '#test/providers/lib/adapter-fixtures.ts'
import {
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
} from '#test/providers/lib/scripted-server.ts'

const prediction = (status: string, fields: object = {}) => ({
  json: {
    id: 'pred1',
    model: 'google/nano-banana-2',
    status,
    output: null,
    error: null,
    ...fields,
  },
})
const STARTED = { status: 201, ...prediction('starting') }
const URL_OF_IMAGE = 'https://replicate.delivery/x/a.png'
const DONE = prediction('succeeded', { output: URL_OF_IMAGE })

let server: ScriptedServer

afterEach(async () => {
  vi.unstubAllEnvs()
  await server.close()
})

const send = async (replies: ScriptedReply[], changes: Partial<ProviderCall> = {}) => {
  server = await startScriptedServer(replies)
  const settings = { REPLICATE_API_TOKEN: 'r8_token', REPLICATE_BASE_URL: `${server.url}/v1` }
  const adapter = providerModule.create(settings, providerDependencies())
  return await adapter.generate(
    providerCall({ providerModelId: 'google/nano-banana-2', ...changes }),
  )
}

const lines = () => server.seen.map(({ method, path }) => `${method} ${path}`)
const CREATE = 'POST /v1/models/google/nano-banana-2/predictions'
const GET = 'GET /v1/predictions/pred1'

const image = (bytes: Uint8Array) =>
  ({
    role: 'image',
    bytes: inPieces([bytes]),
    mediaType: 'image/png',
    field: 'image_input',
    isList: true,
  }) as const

describe('the Replicate adapter on the wire', () => {
  it('creates a prediction without waiting for it and looks until it is done', async () => {
    vi.stubEnv('REPLICATE_API_TOKEN', 'other-token')
    const answer = await send([STARTED, prediction('processing'), DONE], {
      input: { prompt: 'a tree', resolution: '2K' },
    })
    expect(answer).toEqual({
      images: [{ kind: 'url', url: URL_OF_IMAGE }],
      providerRequestId: 'pred1',
    })
    expect(lines()).toEqual([CREATE, GET, GET])
    expect(server.seen[0]?.body).toEqual({ input: { prompt: 'a tree', resolution: '2K' } })
    expect(server.seen[0]?.headers).toMatchObject({
      authorization: 'Bearer r8_token',
      'content-type': 'application/json',
      'cancel-after': '100s',
    })
    expect(server.seen[0]?.headers).not.toHaveProperty('prefer')
    expect(server.seen[1]?.headers).not.toHaveProperty('cancel-after')
  })

  it('creates a prediction of a version by that version', async () => {
    await send([STARTED, DONE], { providerModelId: 'owner/name:abc123' })
    expect(lines()[0]).toBe('POST /v1/predictions')
    expect(server.seen[0]?.body).toEqual({ version: 'abc123', input: { prompt: 'a red bicycle' } })
  })

  it('sends small images as data URIs', async () => {
    await send([STARTED, DONE], { images: [image(Buffer.from('a')), image(Buffer.from('b'))] })
    expect(lines()).toEqual([CREATE, GET])
    expect(server.seen[0]?.body).toEqual({
      input: {
        prompt: 'a red bicycle',
        image_input: ['data:image/png;base64,YQ==', 'data:image/png;base64,Yg=='],
      },
    })
  })

  it('uploads a large image first and sends its URL', async () => {
    const file = {
      status: 201,
      json: { id: 'f1', urls: { get: 'https://api.replicate.com/v1/files/f1' } },
    }
    await send([file, STARTED, DONE], { images: [image(new Uint8Array(300_000).fill(65))] })
    expect(lines()).toEqual(['POST /v1/files', CREATE, GET])
    expect(server.seen[0]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(server.seen[0]?.body).toContain(
      'name="content"; filename="image-0.png"\r\nContent-Type: image/png\r\n\r\nAAAA',
    )
    expect(server.seen[1]?.body).toEqual({
      input: {
        prompt: 'a red bicycle',
        image_input: ['https://api.replicate.com/v1/files/f1'],
      },
    })
  })

  it('creates nothing when an upload fails', async () => {
    const error = await providerErrorOf(
      send([{ status: 500, json: {} }], { images: [image(new Uint8Array(300_000))] }),
    )
    expect(error.details).toMatchObject({ kind: 'overloaded', workMayExist: false })
    expect(lines()).toEqual(['POST /v1/files'])
  })

  it.each([
    ['aborted', null, false],
    ['canceled', null, false],
    ['canceled', '2026-11-20T10:00:00Z', true],
    ['processing', '2026-11-20T10:00:00Z', true],
  ])(
    'cancels by POST and tells by %s (begun: %s) whether work may exist',
    async (status, started_at, workMayExist) => {
      const controller = new AbortController()
      const aborting: ScriptedReply = (_request, response) => {
        response.writeHead(201, { 'content-type': 'application/json' })
        response.end(JSON.stringify(STARTED.json), () => setTimeout(() => controller.abort(), 2))
      }
      const stopped = prediction(status, { started_at })
      const sent = send([aborting, stopped], { signal: controller.signal })
      expect((await providerErrorOf(sent)).details).toMatchObject({
        kind: 'cancelled',
        workMayExist,
        providerRequestId: 'pred1',
      })
      expect(lines()).toEqual([CREATE, 'POST /v1/predictions/pred1/cancel'])
    },
  )

  it('adopts a prediction by looking at it, without a create or an upload', async () => {
    server = await startScriptedServer([prediction('processing'), DONE])
    const settings = { REPLICATE_API_TOKEN: 'r8_token', REPLICATE_BASE_URL: `${server.url}/v1` }
    const { attemptId, timeoutMs, signal } = providerCall()
    const call = { attemptId, timeoutMs, signal, providerModelId: 'google/nano-banana-2' }
    const adapter = providerModule.create(settings, providerDependencies())
    expect(await adapter.adopt?.({ ...call, job: { id: 'pred1' } })).toEqual({
      images: [{ kind: 'url', url: URL_OF_IMAGE }],
      providerRequestId: 'pred1',
    })
    expect(lines()).toEqual([GET, GET])
    expect(server.seen[0]?.headers).toMatchObject({ authorization: 'Bearer r8_token' })
  })
})
