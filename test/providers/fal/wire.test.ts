import { afterEach, describe, expect, it, vi } from 'vitest'
import { providerModule } from '#providers/fal/index.ts'
import type { ProviderCall } from '#src/domain/provider-adapter.ts'
import {
  providerCall,
  providerDependencies,
  providerErrorOf,
} from '#test/providers/lib/adapter-fixtures.ts'
import {
  resetBeforeAnswer,
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
} from '#test/providers/lib/scripted-server.ts'

const SUBMITTED = { json: { request_id: 'req-1', status: 'IN_QUEUE', queue_position: 0 } }
const RUNNING = { status: 202, json: { status: 'IN_PROGRESS', request_id: 'req-1', logs: [] } }
const COMPLETED = { json: { status: 'COMPLETED', request_id: 'req-1', logs: [], metrics: {} } }
const FAILED = {
  json: { status: 'COMPLETED', request_id: 'req-1', error: 'x', error_type: 'runner_disconnected' },
}
const URL_OF_IMAGE = 'https://v3.fal.media/files/a.png'
const RESULT = { json: { images: [{ url: URL_OF_IMAGE, content_type: 'image/png' }] } }

let server: ScriptedServer

afterEach(async () => {
  vi.unstubAllEnvs()
  await server.close()
})

const send = async (replies: ScriptedReply[], changes: Partial<ProviderCall> = {}) => {
  server = await startScriptedServer(replies)
  const settings = { FAL_KEY: 'id:secret', FAL_BASE_URL: `${server.url}/prefix` }
  const adapter = providerModule.create(settings, providerDependencies())
  return await adapter.generate(
    providerCall({ providerModelId: 'fal-ai/nano-banana-2/edit', ...changes }),
  )
}

const lines = () => server.seen.map(({ method, path }) => `${method} ${path}`)

const SUBMIT = 'POST /prefix/fal-ai/nano-banana-2/edit'
const STATUS = 'GET /prefix/fal-ai/nano-banana-2/requests/req-1/status?logs=0'
const RESULT_LINE = 'GET /prefix/fal-ai/nano-banana-2/requests/req-1'
const CANCEL = 'PUT /prefix/fal-ai/nano-banana-2/requests/req-1/cancel'

describe('the fal adapter on the wire', () => {
  it('submits, looks and reads the result at the configured base', async () => {
    vi.stubEnv('FAL_KEY', 'other-key')
    const image = {
      role: 'image',
      mediaType: 'image/png',
      field: 'image_urls',
      isList: true,
    } as const
    const answer = await send([SUBMITTED, RUNNING, COMPLETED, RESULT], {
      input: { prompt: 'mix', resolution: '2K' },
      images: [
        { ...image, bytes: Buffer.from('a') },
        { ...image, bytes: Buffer.from('b') },
      ],
    })
    expect(answer).toEqual({
      images: [{ kind: 'url', url: URL_OF_IMAGE, mediaType: 'image/png' }],
      providerRequestId: 'req-1',
    })
    expect(lines()).toEqual([SUBMIT, STATUS, STATUS, RESULT_LINE])
    expect(server.seen[0]?.body).toEqual({
      prompt: 'mix',
      resolution: '2K',
      image_urls: ['data:image/png;base64,YQ==', 'data:image/png;base64,Yg=='],
    })
    expect(server.seen[0]?.headers).toMatchObject({
      authorization: 'Key id:secret',
      'content-type': 'application/json',
      'x-fal-no-retry': '1',
      'x-app-fal-disable-fallback': 'true',
      'x-fal-request-timeout': '100',
      'x-fal-object-lifecycle-preference': '{"expiration_duration_seconds":3600}',
      'x-fal-queue-priority': 'normal',
    })
  })

  it('sends a generation with nothing but its input', async () => {
    await send([SUBMITTED, COMPLETED, RESULT], { providerModelId: 'fal-ai/nano-banana-2' })
    expect(server.seen[0]).toMatchObject({ path: '/prefix/fal-ai/nano-banana-2' })
    expect(server.seen[0]?.body).toEqual({ prompt: 'a red bicycle' })
  })

  it('reads a failed job from its status when the result cannot be had', async () => {
    const error = await providerErrorOf(send([SUBMITTED, FAILED, { status: 502, json: {} }]))
    expect(error.details).toEqual({
      kind: 'overloaded',
      workMayExist: false,
      publicMessage: 'fal.ai accepted the job, which then failed (runner_disconnected)',
      providerRequestId: 'req-1',
    })
    expect(lines()).toEqual([SUBMIT, STATUS, RESULT_LINE])
  })

  it('reads the result again after a lost connection, a bare 502 and a premature 400', async () => {
    const early = { status: 400, json: { detail: 'Request is still in progress' } }
    const bare: ScriptedReply = (_request, response) => response.writeHead(502).end('<html>')
    await send([SUBMITTED, COMPLETED, resetBeforeAnswer, bare, early, RESULT])
    expect(lines()).toEqual([SUBMIT, STATUS, RESULT_LINE, RESULT_LINE, RESULT_LINE, RESULT_LINE])
  })

  it('does not read again what the model itself answered', async () => {
    const detail = [{ loc: ['body'], msg: 'm', type: 'generation_timeout' }]
    const error = await providerErrorOf(
      send([SUBMITTED, FAILED, { status: 504, json: { detail } }]),
    )
    expect(error.details).toMatchObject({
      kind: 'timeout',
      workMayExist: false,
      upstreamStatus: 504,
    })
    expect(lines()).toEqual([SUBMIT, STATUS, RESULT_LINE])
  })

  it.each([
    [
      'is still queued',
      { status: 202, json: { status: 'IN_QUEUE', request_id: 'req-1' } },
      202,
      false,
    ],
    ['already runs', RUNNING, 202, true],
    ['is done already', RUNNING, 400, true],
  ])('cancels by PUT a job that %s', async (_name, state, cancelStatus, workMayExist) => {
    const controller = new AbortController()
    const aborting: ScriptedReply = (_request, response) => {
      response.writeHead(state.status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(state.json), () => setTimeout(() => controller.abort(), 2))
    }
    const cancelled = { status: cancelStatus, json: { status: 'CANCELLATION_REQUESTED' } }
    server = await startScriptedServer([SUBMITTED, aborting, cancelled])
    const settings = { FAL_KEY: 'k', FAL_BASE_URL: `${server.url}/prefix` }
    // Slow enough for the abort to fall between two looks.
    const adapter = providerModule.create(settings, providerDependencies(10))
    const call = providerCall({
      providerModelId: 'fal-ai/nano-banana-2',
      signal: controller.signal,
    })
    const { details } = await providerErrorOf(adapter.generate(call))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist, providerRequestId: 'req-1' })
    expect(lines().at(-1)).toBe(CANCEL)
    expect(lines().filter((line) => line.startsWith('POST'))).toHaveLength(1)
  })
})
