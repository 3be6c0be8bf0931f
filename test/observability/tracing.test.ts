import { rm, writeFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { EDITS, GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import { type ImageServer, startImageServer } from '#test/images/image-server.ts'
import {
  attemptSpan,
  callSpan,
  fetchSpan,
  generationSpan,
  hostingSpan,
  NO_USAGE,
  NOTHING_CAME,
  transcodingSpan,
} from './expected-spans.ts'
import { startTracedGateway, type TracedGateway } from './traced-gateway.ts'

let gateway: TracedGateway
const start = async (environment?: Record<string, string>) => {
  gateway = await startTracedGateway(environment)
}
afterEach(() => gateway.close())

const ask = (part: object = {}, headers = {}) =>
  gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: 'a lighthouse', ...part }, headers)

const GEMINI = `gemini/${FIRST_MODEL}`
const FAL = `fal/${FIRST_MODEL}`
const EDITING = { 'fresnel.mode': 'image_edit' }
const EDIT_NAME = { name: 'edit images' }
/** Longer than any test waits. */
const SLOW = { latency: { p50Ms: 500_000, p95Ms: 500_001 } }

describe('the trace of a generation', () => {
  it('shows both attempts of a failover, the fetch of the picture and its hosting', async () => {
    await start()
    gateway.emulators.gemini.setScenario({ always: 'server_error' })
    expect((await ask({ response_format: 'url' })).status).toBe(200)
    const failed = {
      ...NOTHING_CAME,
      'http.response.status_code': 500,
      'fresnel.outcome': 'failed',
      'error.type': 'overloaded',
    }
    const parts = [fetchSpan(gateway.emulators.fal.url, 'provider_output'), hostingSpan('png')]
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [
        generationSpan([
          attemptSpan(gateway, 'gemini', failed, { status: 'error' }),
          attemptSpan(gateway, 'fal', {}, { parts }),
        ]),
      ]),
    ])
  })

  it('shows the conversion to another format', async () => {
    await start()
    await ask({ model: GEMINI, output_format: 'webp', response_format: 'b64_json' })
    const parts = [transcodingSpan('webp')]
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [generationSpan([attemptSpan(gateway, 'gemini', {}, { parts })])]),
    ])
  })

  it('shows each of the calls that several images take', async () => {
    await start()
    await ask({ model: GEMINI, n: 3, response_format: 'b64_json' })
    const attempt = attemptSpan(gateway, 'gemini')
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [generationSpan([attempt, attempt, attempt], { 'fresnel.images': 3 })]),
    ])
  })

  it('says how many images were asked for in one call', async () => {
    await start()
    await ask({ model: FAL, n: 2, response_format: 'b64_json' })
    const fetched = fetchSpan(gateway.emulators.fal.url, 'provider_output')
    const attempt = attemptSpan(
      gateway,
      'fal',
      { 'gen_ai.request.choice.count': 2 },
      { parts: [fetched, fetched] },
    )
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [generationSpan([attempt], { 'fresnel.images': 2 })]),
    ])
  })

  it('lasts as long as the stream that it is answered with', async () => {
    await start()
    const response = await fetch(gateway.url + GENERATIONS, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
      body: JSON.stringify({ model: GEMINI, prompt: 'p', stream: true }),
    })
    expect(await response.text()).toContain('image_generation.completed')
    const spans = await gateway.endSpans()
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [generationSpan([attemptSpan(gateway, 'gemini')])]),
    ])
    const [attempt, work, call] = spans
    expect([attempt?.kind, work?.kind, call?.kind]).toEqual(['client', 'internal', 'server'])
    expect(call?.endNs).toBeGreaterThanOrEqual(work?.endNs ?? 0n)
  })

  it('says what went wrong when nobody could serve', async () => {
    await start()
    gateway.emulators.gemini.setScenario({ always: 'refusal' })
    gateway.emulators.fal.setScenario({ always: 'unavailable' })
    expect((await ask({ model: GEMINI })).status).toBe(400)
    expect((await ask({ model: FAL })).status).toBe(503)
    const refused = attemptSpan(
      gateway,
      'gemini',
      { ...NO_USAGE, 'fresnel.outcome': 'failed', 'error.type': 'content_rejected' },
      { status: 'error' },
    )
    const down = attemptSpan(
      gateway,
      'fal',
      {
        ...NOTHING_CAME,
        'http.response.status_code': 503,
        'fresnel.outcome': 'failed',
        'error.type': 'overloaded',
      },
      { status: 'error' },
    )
    const nothing = { 'fresnel.images': 0 }
    const trees = await gateway.endTrees()
    expect(trees).toEqual([
      callSpan(
        gateway,
        [
          generationSpan([refused], {
            ...nothing,
            'fresnel.outcome': 'rejected',
            'error.type': 'CONTENT_POLICY_VIOLATION',
          }),
        ],
        { status: 400 },
      ),
      callSpan(
        gateway,
        [
          generationSpan(
            [down],
            { ...nothing, 'fresnel.outcome': 'upstream_failure', 'error.type': 'UPSTREAM_ERROR' },
            { status: 'error' },
          ),
        ],
        { status: 503 },
      ),
    ])
  })

  it('says what the gateway itself failed in', async () => {
    await start()
    await rm(gateway.mediaDir, { recursive: true })
    await writeFile(gateway.mediaDir, 'no folder')
    expect((await ask({ model: GEMINI, response_format: 'url' })).status).toBe(500)
    await rm(gateway.mediaDir)
    const fault = { 'error.type': 'INTERNAL_ERROR' }
    const hosting = hostingSpan(
      'png',
      { ...fault, 'fresnel.image.size_bytes': undefined },
      { status: 'error' },
    )
    const attempt = attemptSpan(
      gateway,
      'gemini',
      { ...fault, 'fresnel.outcome': 'failed' },
      { status: 'error', parts: [hosting] },
    )
    expect(await gateway.endTrees()).toEqual([
      callSpan(
        gateway,
        [
          generationSpan(
            [attempt],
            { ...fault, 'fresnel.outcome': 'upstream_failure', 'fresnel.images': 0 },
            { status: 'error' },
          ),
        ],
        { status: 500 },
      ),
    ])
  })

  it('of a wrong request, or one without a key, is the call alone, and other calls have none', async () => {
    await start()
    expect((await ask({}, { authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await ask({ n: 99 })).status).toBe(400)
    expect((await gateway.get('/v1/models')).status).toBe(200)
    expect((await gateway.get('/v1/images/generations')).status).toBe(405)
    const wrong = { 'fresnel.outcome': 'rejected', 'error.type': 'INVALID_REQUEST' }
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [], { status: 401 }),
      callSpan(gateway, [generationSpan([], { ...wrong, 'fresnel.images': 0 })], { status: 400 }),
    ])
  })
})

describe('the trace of an edit', () => {
  let files: ImageServer
  const edit = (part: object) =>
    gateway.post(EDITS, { model: GEMINI, prompt: 'brighter', response_format: 'b64_json', ...part })
  const serve = async (picture: Buffer) => {
    files = await startImageServer((request, response) => {
      if (request.url?.startsWith('/missing')) response.writeHead(404).end()
      else response.writeHead(200, { 'content-length': picture.length }).end(picture)
    })
    await start({ OUTBOUND_ALLOW: `127.0.0.1:${files.port}` })
  }
  afterEach(() => files.close())

  it('shows the fetch of the picture, whose host is not told of the trace', async () => {
    await serve(await makePicture())
    expect((await edit({ image_url: `${files.url}/in.png?token=secret` })).status).toBe(200)
    expect(await gateway.endTrees()).toEqual([
      callSpan(
        gateway,
        [
          fetchSpan(files.url, 'client_input'),
          generationSpan([attemptSpan(gateway, 'gemini')], EDITING, EDIT_NAME),
        ],
        { route: EDITS },
      ),
    ])
    expect(files.requests.map(({ headers }) => Object.keys(headers))).toEqual([
      ['host', 'connection', 'accept', 'accept-encoding', 'user-agent'],
    ])
  })

  it('shows the conversion of a picture that came in a form, once and before both attempts', async () => {
    await serve(await makePicture())
    gateway.emulators.gemini.setScenario({ always: 'unavailable' })
    const form = new FormData()
    form.set('model', FIRST_MODEL)
    form.set('prompt', 'brighter')
    form.set('provider[only][]', 'gemini')
    form.append('provider[only][]', 'vertex')
    form.set('response_format', 'b64_json')
    form.set('image', new Blob([new Uint8Array(await makePicture('gif'))]), 'in.gif')
    const answer = await fetch(gateway.url + EDITS, {
      method: 'POST',
      headers: { authorization: `Bearer ${TEST_KEY}` },
      body: form,
    })
    expect([answer.status, (await answer.bytes()).length > 0]).toEqual([200, true])
    const down = {
      ...NOTHING_CAME,
      'http.response.status_code': 503,
      'fresnel.outcome': 'failed',
      'error.type': 'overloaded',
    }
    const parts = [
      transcodingSpan('png', 'client_input'),
      attemptSpan(gateway, 'gemini', down, { status: 'error' }),
      attemptSpan(gateway, 'vertex'),
    ]
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [generationSpan(parts, EDITING, EDIT_NAME)], { route: EDITS }),
    ])
  })

  it('says why the picture could not be fetched', async () => {
    await serve(await makePicture())
    expect((await edit({ image_url: `${files.url}/missing.png` })).status).toBe(400)
    const missing = { 'http.response.status_code': 404, 'error.type': '404' }
    const fetched = fetchSpan(
      files.url,
      'client_input',
      { ...missing, 'fresnel.image.size_bytes': undefined },
      { status: 'error' },
    )
    expect(await gateway.endTrees()).toEqual([
      callSpan(gateway, [fetched], { route: EDITS, status: 400 }),
    ])
  })
})

describe('the trace of a request whose client leaves', () => {
  it('ends with it, and so does the attempt, without a failure', async () => {
    await start()
    gateway.emulators.gemini.setScenario(SLOW)
    const leaving = new AbortController()
    const asked = fetch(gateway.url + GENERATIONS, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
      body: JSON.stringify({ model: GEMINI, prompt: 'p' }),
      signal: leaving.signal,
    })
    await expect.poll(() => gateway.emulators.gemini.count('create')).toBe(1)
    leaving.abort()
    await expect(asked).rejects.toThrow()
    const cancelled = { 'fresnel.outcome': 'cancelled' }
    expect(await gateway.endTrees()).toEqual([
      callSpan(
        gateway,
        [
          generationSpan([attemptSpan(gateway, 'gemini', { ...NOTHING_CAME, ...cancelled })], {
            ...cancelled,
            'fresnel.images': 0,
          }),
        ],
        { status: 499 },
      ),
    ])
  })
})
