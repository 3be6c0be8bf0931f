import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  ask,
  askFal,
  dataUri,
  type FalQueued,
  inspect,
  plainPng,
  runFal,
  submitFal,
} from '#test/emulators/wire-client.ts'

let emulators: Emulators
let fal: Emulator

beforeAll(async () => {
  emulators = await startEmulators({ only: ['fal'] })
  fal = emulators.fal
})
afterEach(() => {
  fal.setScenario({})
  fal.clearCalls()
})
afterAll(() => emulators.close())

const submit = async (
  ...rest: Parameters<typeof submitFal> extends [unknown, ...infer R] ? R : []
) => (await submitFal(fal, ...rest)).json as FalQueued

interface FalImage {
  readonly url: string
  readonly width: number
  readonly height: number
}
const imagesOf = (json: unknown) => (json as { images: FalImage[] }).images

const fetchBytes = async (url: string) => Buffer.from(await (await fetch(url)).arrayBuffer())

const HOUR = { latency: { p50Ms: 3_600_000, p95Ms: 3_600_001 } }

describe('the queue of fal', () => {
  it('takes a job in and drops the sub-path in its URLs', async () => {
    const input = { prompt: 'Night', image_urls: [dataUri(await plainPng())] }
    const { status, json, headers } = await submitFal(fal, input, 'fal-ai/nano-banana-2/edit')
    const id = (json as FalQueued).request_id
    const base = `${fal.url}/fal-ai/nano-banana-2/requests/${id}`
    expect([status, headers.get('x-fal-request-id')]).toEqual([200, id])
    expect(json).toEqual({
      status: 'IN_QUEUE',
      request_id: id,
      gateway_request_id: id,
      response_url: base,
      status_url: `${base}/status`,
      cancel_url: `${base}/cancel`,
      queue_position: 0,
    })
    const underSubPath = base.replace('nano-banana-2/', 'nano-banana-2/edit/')
    expect((await askFal(underSubPath)).status).toBe(404)
  })

  it('answers 202 while a job waits and runs, and 200 when it is done', async () => {
    fal.setScenario({ ...HOUR, queueMs: 3_600_000 })
    const waiting = await askFal((await submit()).status_url)
    fal.setScenario(HOUR)
    const running = await askFal(`${(await submit()).status_url}?logs=1`)
    fal.setScenario({})
    const done = await askFal((await submit()).status_url)
    expect([waiting.status, running.status, done.status]).toEqual([202, 202, 200])
    expect(waiting.json).toMatchObject({ status: 'IN_QUEUE', queue_position: 0 })
    expect(running.json).toMatchObject({ status: 'IN_PROGRESS', logs: [{ level: 'INFO' }] })
    expect(done.json).toMatchObject({ status: 'COMPLETED', metrics: { inference_time: 0 } })
    expect(done.json).not.toHaveProperty('error')
  })

  it('hands over a real picture under a public URL', async () => {
    const input = { prompt: 'x', aspect_ratio: '21:9', resolution: '0.5K', output_format: 'webp' }
    const { status, json, headers } = await runFal(fal, input)
    expect([status, headers.get('x-fal-billable-units')]).toEqual([200, '0.75'])
    expect(json).toEqual({
      images: [
        {
          url: expect.stringMatching(`${fal.url}/files/`),
          content_type: 'image/webp',
          file_name: 'output.webp',
          file_size: expect.any(Number),
          width: 792,
          height: 336,
        },
      ],
      description: '',
    })
    const bytes = await fetchBytes(imagesOf(json)[0]?.url ?? '')
    expect(await inspect(bytes)).toEqual({ format: 'webp', width: 792, height: 336 })
    expect(fal.count('file')).toBe(1)
  })

  it('makes as many different images as asked', async () => {
    const { json, headers } = await runFal(fal, { prompt: 'x', num_images: 3, resolution: '2K' })
    expect(headers.get('x-fal-billable-units')).toBe('4.5')
    const files = await Promise.all(imagesOf(json).map(({ url }) => fetchBytes(url)))
    expect(new Set(files.map((bytes) => bytes.toString('base64'))).size).toBe(3)
  })

  it('returns data URIs in sync mode', async () => {
    const { json } = await runFal(fal, { prompt: 'x', sync_mode: true })
    expect(imagesOf(json)[0]?.url).toMatch(/^data:image\/png;base64,iVBOR/)
  })

  it('follows the proportions of the inputs of an edit', async () => {
    const image_urls = [dataUri(await plainPng(90, 160))]
    const { json } = await runFal(fal, { prompt: 'x', image_urls }, 'fal-ai/nano-banana-2/edit')
    expect(imagesOf(json)[0]).toMatchObject({ width: 768, height: 1376 })
  })

  it('reads inputs from URLs, also of files that were uploaded to it', async () => {
    const content_type = 'image/png'
    const place = await ask(`${fal.url}/storage/upload/initiate?storage_type=fal-cdn-v3`, {
      method: 'POST',
      headers: { authorization: 'Key emulated-fal-id:emulated-fal-secret' },
      body: JSON.stringify({ content_type, file_name: 'in.png' }),
    })
    const { upload_url, file_url } = place.json as { upload_url: string; file_url: string }
    const body = new Uint8Array(await plainPng())
    await ask(upload_url, { method: 'PUT', headers: { 'content-type': content_type }, body })
    const input = { prompt: 'x', image_urls: [file_url] }
    expect((await runFal(fal, input, 'fal-ai/nano-banana-2/edit')).status).toBe(200)
    expect(fal.count('upload')).toBe(2)
  })

  it('records the headers that steer a job', async () => {
    const headers = {
      'x-fal-no-retry': '1',
      'x-app-fal-disable-fallback': 'true',
      'x-fal-store-io': '0',
    }
    const { request_id } = await submit({ prompt: 'x' }, 'fal-ai/nano-banana-2', headers)
    expect(fal.calls[0]).toMatchObject({ kind: 'create', headers, jobId: request_id, status: 200 })
  })

  it('streams each change of the status', async () => {
    fal.setScenario({ latency: { p50Ms: 30, p95Ms: 31 } })
    const { status_url } = await submit()
    const { headers, text } = await askFal(`${status_url}/stream`)
    expect(headers.get('content-type')).toBe('text/event-stream')
    const states = [...text.matchAll(/"status":"(\w+)"/g)].map((match) => match[1])
    expect(states).toEqual(['IN_PROGRESS', 'COMPLETED'])
  })

  it('refuses the result of a job that is not done', async () => {
    fal.setScenario(HOUR)
    const { status, json } = await askFal((await submit()).response_url)
    expect([status, json]).toEqual([400, { detail: 'Request is still in progress' }])
  })

  it('keeps the queue as short as asked', async () => {
    fal.setScenario({ queueMs: 3_600_000 })
    const endpoint = 'fal-ai/nano-banana-2?fal_max_queue_length=1000'
    expect((await submitFal(fal, { prompt: 'x' }, endpoint)).status).toBe(200)
    const short = endpoint.replace('1000', '0')
    expect((await submitFal(fal, { prompt: 'x' }, short)).status).toBe(429)
  })
})

describe('jobs left running at fal', () => {
  it('counts a job until its result is read', async () => {
    const { status_url, response_url } = await submit()
    await askFal(status_url)
    expect(fal.jobsLeftRunning()).toBe(1)
    await askFal(response_url)
    expect(fal.jobsLeftRunning()).toBe(0)
  })

  it('counts a failed job until its status is read', async () => {
    fal.setScenario({ always: 'refusal' })
    const { status_url } = await submit()
    expect(fal.jobsLeftRunning()).toBe(1)
    await askFal(status_url)
    expect(fal.jobsLeftRunning()).toBe(0)
  })

  it('counts a job until it is cancelled, and on when the cancel is refused', async () => {
    fal.setScenario({ queueMs: 100_000, nextAt: { cancel: ['unavailable'] } })
    const { cancel_url } = await submit()
    expect((await askFal(cancel_url, 'PUT')).status).toBe(503)
    expect(fal.jobsLeftRunning()).toBe(1)
    expect((await askFal(cancel_url, 'PUT')).status).toBe(202)
    expect(fal.jobsLeftRunning()).toBe(0)
  })
})

describe('cancelling at fal', () => {
  it('ends a running job and says so in its status', async () => {
    fal.setScenario(HOUR)
    const { cancel_url, status_url, response_url } = await submit()
    const cancelled = await askFal(cancel_url, 'PUT')
    expect([cancelled.status, cancelled.json]).toEqual([202, { status: 'CANCELLATION_REQUESTED' }])
    expect((await askFal(status_url)).json).toMatchObject({
      status: 'COMPLETED',
      error_type: 'client_cancelled',
    })
    expect((await askFal(response_url)).status).toBe(499)
    expect(fal.count('cancel')).toBe(1)
  })

  it('comes too late for a finished job and knows no other', async () => {
    const { cancel_url } = await submit()
    const late = await askFal(cancel_url, 'PUT')
    expect([late.status, late.json]).toEqual([400, { status: 'ALREADY_COMPLETED' }])
    const unknown = await askFal(cancel_url.replace(/requests\/[^/]+/, 'requests/none'), 'PUT')
    expect([unknown.status, unknown.json]).toEqual([404, { status: 'NOT_FOUND' }])
  })

  it('may be accepted although the job goes on', async () => {
    fal.setScenario({ ...HOUR, cancelKeepsRunning: true })
    const { cancel_url, status_url } = await submit()
    expect((await askFal(cancel_url, 'PUT')).status).toBe(202)
    expect((await askFal(status_url)).json).toMatchObject({ status: 'IN_PROGRESS' })
  })
})

describe('times of fal', () => {
  it('gives up a job that was not started in the time that the caller set', async () => {
    const slow = await startEmulators({ only: ['fal'], timeScale: 1_000 })
    slow.fal.setScenario({ queueMs: 3_600_000 })
    const headers = { 'x-fal-request-timeout': '1' }
    const { json } = await submitFal(slow.fal, { prompt: 'x' }, undefined, headers)
    const { status_url, response_url } = json as FalQueued
    await askFal(`${status_url}/stream`)
    const { status, headers: answered, json: body } = await askFal(response_url)
    expect([status, answered.get('x-fal-request-timeout-type')]).toEqual([504, 'user'])
    expect(body).toMatchObject({ error_type: 'request_timeout' })
    await slow.close()
  })

  it('forgets outputs after the life that the scenario or the caller sets', async () => {
    fal.setScenario({ outputUrlTtlMs: 0 })
    const dead = imagesOf((await runFal(fal)).json)[0]?.url ?? ''
    expect((await ask(dead)).status).toBe(404)
    const life = JSON.stringify({ expiration_duration_seconds: 60 })
    const headers = { 'x-fal-object-lifecycle-preference': life }
    const alive = await runFal(fal, { prompt: 'x' }, undefined, headers)
    expect((await ask(imagesOf(alive.json)[0]?.url ?? '')).status).toBe(200)
  })
})
