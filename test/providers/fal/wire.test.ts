import { afterEach, describe, expect, it, vi } from 'vitest'
import { providerModule } from '#providers/fal/index.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import type { AdoptionCall, ProviderCall } from '#src/domain/provider-adapter.ts'
import {
  providerCall,
  providerDependencies,
  providerErrorOf,
} from '#test/providers/lib/adapter-fixtures.ts'
import {
  resetBeforeAnswer,
  resetInsideAnswer,
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

const adopt = async (replies: ScriptedReply[], changes: Partial<AdoptionCall> = {}) => {
  server = await startScriptedServer(replies)
  const settings = { FAL_KEY: 'id:secret', FAL_BASE_URL: `${server.url}/prefix` }
  const { attemptId, timeoutMs, signal } = providerCall()
  const call = { attemptId, timeoutMs, signal, providerModelId: 'fal-ai/nano-banana-2/edit' }
  const adapter = providerModule.create(settings, providerDependencies())
  return await adapter.adopt?.({ ...call, job: { id: 'req-1' }, ...changes })
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
        { ...image, bytes: inPieces([Buffer.from('a')]) },
        { ...image, bytes: inPieces([Buffer.from('b')]) },
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

  it('takes for failed what its status says, whatever the way to the result answers', async () => {
    const busy = { status: 429, json: { detail: 'x', error_type: 'concurrent_requests_limit' } }
    const error = await providerErrorOf(send([SUBMITTED, FAILED, busy]))
    expect(error.details).toMatchObject({ kind: 'overloaded', workMayExist: false })
    expect(lines()).toEqual([SUBMIT, STATUS, RESULT_LINE])
  })

  it.each<[string, ScriptedReply]>([
    ['a 401', { status: 401, json: { detail: 'no' } }],
    ['a 403', { status: 403, json: { detail: 'User is locked.' } }],
    ['a 404', { status: 404, json: { status: 'NOT_FOUND' } }],
    ['a 408', { status: 408, json: { detail: 'late' } }],
    ['a 429', { status: 429, json: { detail: 'x', error_type: 'concurrent_requests_limit' } }],
    ['a 500', { status: 500, json: { detail: 'x', error_type: 'internal_error' } }],
    ['a 503', { status: 503, json: { detail: [{ type: 'downstream_service_unavailable' }] } }],
    ['a page', (_request, response) => response.writeHead(200).end('<html>')],
    ['half a JSON', (_request, response) => response.writeHead(200).end('{"images":')],
    ['a list', { json: [] }],
    ['a lost connection', resetBeforeAnswer],
    ['a connection lost inside', resetInsideAnswer],
  ])('does not throw a finished result away for %s at its URL', async (_name, fault) => {
    const { images } = await send([SUBMITTED, COMPLETED, fault, RESULT])
    expect(images).toHaveLength(1)
    expect(lines()).toEqual([SUBMIT, STATUS, RESULT_LINE, RESULT_LINE])
  })

  it.each<[string, ScriptedReply, object]>([
    ['refused', { status: 403, json: { detail: 'no' } }, { kind: 'auth', upstreamStatus: 403 }],
    ['unreadable', { json: 'text' }, { kind: 'bad_response' }],
  ])('gives up a result that stays %s, and says that it exists', async (_name, fault, expected) => {
    const { details } = await providerErrorOf(send([SUBMITTED, COMPLETED, fault]))
    expect(details).toMatchObject({
      ...expected,
      workMayExist: true,
      providerRequestId: 'req-1',
    })
    expect(lines().filter((line) => line === RESULT_LINE)).toHaveLength(4)
    expect(lines()).not.toContain(CANCEL)
  })

  it('reads a result over 429 until the time is up, and then asks for no pause', async () => {
    const signal = AbortSignal.timeout(300)
    const busy = { status: 429, headers: { 'retry-after': '60' }, json: { detail: 'x' } }
    const { details } = await providerErrorOf(send([SUBMITTED, COMPLETED, busy], { signal }))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(details).not.toHaveProperty('retryAfterMs')
    expect(lines().filter((line) => line === RESULT_LINE).length).toBeGreaterThan(4)
  })

  it('takes for the outcome what the model answers, even if the status was silent', async () => {
    const refusal = {
      status: 422,
      json: { detail: [{ loc: ['body'], msg: 'm', type: 'content_policy_violation' }] },
    }
    const { kind } = await providerErrorOf(send([SUBMITTED, COMPLETED, refusal]))
    expect(kind).toBe('content_rejected')
    expect(lines()).toEqual([SUBMIT, STATUS, RESULT_LINE])
  })
})

describe('the fal adapter giving a job up', () => {
  const QUEUED = { status: 202, json: { status: 'IN_QUEUE', request_id: 'req-1' } }
  const ACCEPTED = { status: 202, json: { status: 'CANCELLATION_REQUESTED' } }
  const ENDED = { status: 400, json: { status: 'ALREADY_COMPLETED' } }
  const UNKNOWN = { status: 404, json: { status: 'NOT_FOUND' } }
  const cancelledAfter = (seconds: number): ScriptedReply => ({
    json: {
      status: 'COMPLETED',
      request_id: 'req-1',
      error: 'cancelled',
      error_type: 'client_cancelled',
      metrics: { inference_time: seconds },
    },
  })

  /** Aborts right after the first look was answered. */
  const giveUp = async (seen: { status: number; json: object }, replies: ScriptedReply[]) => {
    const controller = new AbortController()
    const aborting: ScriptedReply = (_request, response) => {
      response.writeHead(seen.status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(seen.json), () => setTimeout(() => controller.abort(), 2))
    }
    server = await startScriptedServer([SUBMITTED, aborting, ...replies])
    const settings = { FAL_KEY: 'k', FAL_BASE_URL: `${server.url}/prefix` }
    // Slow enough for the abort to fall between two looks.
    const adapter = providerModule.create(settings, providerDependencies(10))
    const call = providerCall({
      providerModelId: 'fal-ai/nano-banana-2/edit',
      signal: controller.signal,
    })
    return (await providerErrorOf(adapter.generate(call))).details
  }

  it.each<[string, { status: number; json: object }, ScriptedReply, ScriptedReply, boolean]>([
    ['is still in the queue', QUEUED, ACCEPTED, QUEUED, false],
    ['was cancelled before it began', QUEUED, ACCEPTED, cancelledAfter(0), false],
    ['began since it was last seen', QUEUED, ACCEPTED, RUNNING, true],
    ['was cancelled after it had begun', QUEUED, ACCEPTED, cancelledAfter(0.4), true],
    ['is not known any more', QUEUED, ACCEPTED, UNKNOWN, true],
    ['was running', RUNNING, ACCEPTED, cancelledAfter(0), true],
    ['has ended', RUNNING, ENDED, COMPLETED, true],
  ])('cancels by PUT and looks: it %s', async (_name, seen, cancel, look, workMayExist) => {
    const details = await giveUp(seen, [cancel, look])
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist, providerRequestId: 'req-1' })
    expect(lines()).toEqual([SUBMIT, STATUS, CANCEL, STATUS])
  })

  it('looks no further when the job is unknown to the cancel', async () => {
    expect(await giveUp(QUEUED, [UNKNOWN])).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(lines()).toEqual([SUBMIT, STATUS, CANCEL])
  })

  it('cancels again after a fault and believes that its own cancel had ended the job', async () => {
    const replies = [resetBeforeAnswer, ENDED, cancelledAfter(0)]
    expect(await giveUp(QUEUED, replies)).toMatchObject({ workMayExist: false })
    expect(lines()).toEqual([SUBMIT, STATUS, CANCEL, CANCEL, STATUS])
  })
})

describe('the fal adapter adopting a job', () => {
  it('looks under the endpoint of the model and reads the result', async () => {
    const expanded = { json: { ...RESULT.json, prompt: 'longer, or only as it was sent' } }
    expect(await adopt([RUNNING, COMPLETED, expanded])).toEqual({
      images: [{ kind: 'url', url: URL_OF_IMAGE, mediaType: 'image/png' }],
      providerRequestId: 'req-1',
    })
    expect(lines()).toEqual([STATUS, STATUS, RESULT_LINE])
  })

  it('does not believe of a job that it never saw that it had not begun', async () => {
    const stopped = { ...COMPLETED.json, error: 'x', error_type: 'client_cancelled' }
    const replies = [{ status: 202, json: {} }, { json: stopped }]
    const error = await providerErrorOf(adopt(replies, { signal: AbortSignal.abort() }))
    expect(error.details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(lines()).toEqual([CANCEL, STATUS])
  })

  it('sends nothing for an id that is no endpoint, and does not call the job free', async () => {
    const error = await providerErrorOf(adopt([], { providerModelId: 'https://evil-fal.run/x' }))
    expect(error.details).toMatchObject({
      kind: 'bad_response',
      workMayExist: true,
      providerRequestId: 'req-1',
    })
    expect(lines()).toEqual([])
  })
})
