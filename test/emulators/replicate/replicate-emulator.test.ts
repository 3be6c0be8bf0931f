import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  ask,
  askReplicate,
  createPrediction,
  dataUri,
  inspect,
  plainPng,
} from '#test/emulators/wire-client.ts'

let emulators: Emulators
let replicate: Emulator

beforeAll(async () => {
  // A minute of hold takes 60 ms.
  emulators = await startEmulators({ only: ['replicate'], timeScale: 1_000 })
  replicate = emulators.replicate
})
afterEach(() => {
  replicate.setScenario({})
  replicate.clearCalls()
})
afterAll(() => emulators.close())

interface Shown {
  readonly id: string
  readonly status: string
  readonly output: string
}
const shown = (json: unknown) => json as Shown

const NO_HOLD = {}
const ENDLESS = { latency: { p50Ms: 3.6e9, p95Ms: 3.7e9 } }
const get = (id: string) => askReplicate(replicate, `/v1/predictions/${id}`)
const cancel = (id: string) => askReplicate(replicate, `/v1/predictions/${id}/cancel`, 'POST')

describe('Replicate', () => {
  it('answers at once with a starting prediction and finishes it for the next look', async () => {
    const { status, json } = await createPrediction(replicate, undefined, NO_HOLD)
    const { id } = shown(json)
    expect(status).toBe(201)
    expect(json).toEqual({
      id,
      model: 'google/nano-banana-2',
      version: 'hidden',
      input: { prompt: 'A lighthouse at dusk' },
      logs: '',
      output: null,
      data_removed: false,
      error: null,
      status: 'starting',
      created_at: expect.any(String),
      started_at: null,
      completed_at: null,
      urls: {
        cancel: `${replicate.url}/v1/predictions/${id}/cancel`,
        get: `${replicate.url}/v1/predictions/${id}`,
        stream: expect.any(String),
        web: expect.any(String),
      },
    })
    expect((await get(id)).json).toMatchObject({
      status: 'succeeded',
      output: expect.stringContaining(`${replicate.url}/files/`),
      metrics: { predict_time: expect.any(Number), total_time: expect.any(Number) },
    })
    expect(replicate.calls.map((call) => [call.kind, call.jobId])).toEqual([
      ['create', id],
      ['poll', id],
    ])
  })

  it('holds a create until the prediction has ended', async () => {
    replicate.setScenario({ latency: { p50Ms: 20_000, p95Ms: 20_001 } })
    const { status, json } = await createPrediction(replicate)
    expect([status, shown(json).status]).toEqual([201, 'succeeded'])
  })

  it('gives up the hold after its time, with the prediction unfinished', async () => {
    replicate.setScenario(ENDLESS)
    const startedMs = performance.now()
    const whole = await createPrediction(replicate)
    expect(performance.now() - startedMs).toBeGreaterThan(55)
    const short = await createPrediction(replicate, undefined, { prefer: 'wait=1' })
    expect([whole.status, shown(whole.json).status]).toEqual([202, 'processing'])
    expect([short.status, shown(short.json).status]).toEqual([202, 'processing'])
  })

  it('delivers a real picture, as one URL or as a list', async () => {
    const input = { prompt: 'x', aspect_ratio: '2:3', resolution: '2K', output_format: 'png' }
    const { output } = shown((await createPrediction(replicate, input)).json)
    const bytes = Buffer.from(await (await fetch(output)).arrayBuffer())
    expect(await inspect(bytes)).toEqual({ format: 'png', width: 1696, height: 2528 })
    replicate.setScenario({ arrayOutput: true })
    const { json } = await createPrediction(replicate)
    expect(json).toMatchObject({ output: [expect.stringMatching(/\.jpg$/)] })
  })

  it('forgets outputs and their URLs after an hour', async () => {
    // An hour takes 400 ms: more than drawing the picture does.
    const fast = await startEmulators({ only: ['replicate'], timeScale: 9_000 })
    const { id, output } = shown((await createPrediction(fast.replicate)).json)
    await expect.poll(() => ask(output).then(({ status }) => status), { timeout: 5_000 }).toBe(404)
    const look = () => askReplicate(fast.replicate, `/v1/predictions/${id}`)
    await expect
      .poll(async () => (await look()).json, { timeout: 5_000 })
      .toMatchObject({ status: 'succeeded', data_removed: true, input: {}, output: null })
    await fast.close()
  })

  it('matches the first input of an edit, sent inline or uploaded', async () => {
    const bytes = await plainPng(160, 90)
    const form = new FormData()
    form.append('content', new Blob([new Uint8Array(bytes)], { type: 'image/png' }), 'in.png')
    form.append('metadata', new Blob(['{}'], { type: 'application/json' }))
    const uploaded = await askReplicate(replicate, '/v1/files', 'POST', form)
    expect([uploaded.status, uploaded.json]).toMatchObject([
      201,
      { name: 'in.png', content_type: 'image/png', size: bytes.length },
    ])
    const { urls, id } = uploaded.json as { id: string; urls: { get: string } }
    expect((await askReplicate(replicate, `/v1/files/${id}`)).json).toEqual(uploaded.json)
    const image_input = [urls.get, dataUri(bytes)]
    const { output } = shown((await createPrediction(replicate, { prompt: 'x', image_input })).json)
    const made = Buffer.from(await (await fetch(output)).arrayBuffer())
    expect(await inspect(made)).toEqual({ format: 'jpeg', width: 1376, height: 768 })
    expect(replicate.count('upload')).toBe(1)
  })
})

describe('ending a prediction early', () => {
  it('cancels a running one, which stays cancelled', async () => {
    replicate.setScenario(ENDLESS)
    const { id } = shown((await createPrediction(replicate, undefined, NO_HOLD)).json)
    expect((await get(id)).json).toMatchObject({ status: 'processing', completed_at: null })
    const { status, json } = await cancel(id)
    expect([status, shown(json).status]).toEqual([200, 'canceled'])
    expect((await get(id)).json).toMatchObject({ status: 'canceled', output: null })
  })

  it('aborts one that had not started', async () => {
    replicate.setScenario({ queueMs: 3.6e9 })
    const { id } = shown((await createPrediction(replicate, undefined, NO_HOLD)).json)
    expect((await get(id)).json).toMatchObject({ status: 'starting' })
    expect((await cancel(id)).json).toMatchObject({ status: 'aborted', started_at: null })
  })

  it('leaves a finished one as it is', async () => {
    const { id } = shown((await createPrediction(replicate)).json)
    expect((await cancel(id)).json).toMatchObject({ status: 'succeeded' })
  })

  it('ends one at the deadline that the caller set', async () => {
    replicate.setScenario(ENDLESS)
    const headers = { prefer: 'wait', 'cancel-after': '10s' }
    const { status, json } = await createPrediction(replicate, undefined, headers)
    expect([status, shown(json).status]).toEqual([201, 'canceled'])
    expect(json).toMatchObject({ deadline: expect.any(String) })
  })

  it('refuses a deadline or a hold that cannot be read', async () => {
    for (const headers of [
      { 'cancel-after': 'soon' },
      { prefer: 'wait=61' },
      { prefer: 'wait=0' },
    ]) {
      expect((await createPrediction(replicate, undefined, headers)).status).toBe(422)
    }
  })
})

describe('predictions left running at Replicate', () => {
  it('counts a prediction until its end is seen', async () => {
    const { id } = shown((await createPrediction(replicate, undefined, NO_HOLD)).json)
    expect(replicate.jobsLeftRunning()).toBe(1)
    expect(shown((await get(id)).json).status).toBe('succeeded')
    expect(replicate.jobsLeftRunning()).toBe(0)
  })

  it('counts a prediction until it is cancelled', async () => {
    replicate.setScenario(ENDLESS)
    const { id } = shown((await createPrediction(replicate, undefined, NO_HOLD)).json)
    await get(id)
    expect(replicate.jobsLeftRunning()).toBe(1)
    await cancel(id)
    expect(replicate.jobsLeftRunning()).toBe(0)
  })
})
