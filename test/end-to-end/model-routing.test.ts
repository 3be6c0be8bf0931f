import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import {
  EDITS,
  GENERATIONS,
  resetEmulators,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { REPLICATE_API_TOKEN: '' } })
})
afterEach(() => resetEmulators(gateway))
afterAll(() => gateway.close())

const read = (query = '', model = FIRST_MODEL) => gateway.get(`/v1/models/${model}/routing${query}`)
const keysOf = (candidates: readonly { config_key: string }[]) =>
  candidates.map(({ config_key }) => config_key)

const candidateAt = (provider: string, part: object) => ({
  config_key: `${provider}/${FIRST_MODEL}`,
  standing: 'usable',
  tries: 0,
  shortcomings: 0,
  score: expect.any(Number),
  terms: {
    time_cost: expect.any(Number),
    money_cost: expect.any(Number),
    attempt_cost: expect.any(Number),
    success_probability: expect.any(Number),
    in_time_probability: expect.any(Number),
    success_seconds: expect.any(Number),
    failure_seconds: expect.any(Number),
    crowding: 1,
  },
  first_tries_in_flight: 0,
  slow_start_limit: expect.any(Number),
  provider,
  in_flight: 0,
  health: { status: 'ok', until: null, in_flight: 0 },
  ...part,
})

describe('GET /v1/models/{id}/routing', () => {
  it('tells how a request would be routed, and sends and records nothing', async () => {
    const { status, body } = await read()
    expect(status).toBe(200)
    const [first] = body.candidates
    expect(body).toEqual({
      object: 'routing',
      model: FIRST_MODEL,
      mode: 'text_to_image',
      sort: 'balanced',
      decision: {
        type: 'try',
        chosen: first.config_key,
        reason: 'best',
        timeout_ms: expect.any(Number),
      },
      candidates: expect.arrayContaining([
        candidateAt('gemini', { provider_name: 'Gemini API', price_usd: 0.067 }),
        candidateAt('vertex', { provider_name: 'Vertex AI', price_usd: 0.067 }),
        candidateAt('fal', { provider_name: 'fal.ai', price_usd: 0.08 }),
      ]),
      excluded: [
        {
          config_key: `fal/${FIRST_MODEL}-edit`,
          constraint: 'mode',
          reason: 'does not offer text_to_image',
        },
        {
          config_key: `replicate/${FIRST_MODEL}`,
          constraint: 'configuration',
          reason: 'is not configured',
        },
      ],
    })
    expect(body.candidates).toHaveLength(3)
    const scores = body.candidates.map(({ score }: { score: number }) => score)
    expect(scores).toEqual(scores.toSorted((left: number, right: number) => left - right))
    expect(gateway.creates()).toBe(0)
    expect((await gateway.get('/v1/requests')).body.data).toEqual([])
  })

  it.each([
    ['text_to_image', GENERATIONS, 'balanced'],
    ['text_to_image', GENERATIONS, 'price'],
    ['image_edit', EDITS, 'latency'],
  ])('tells what a request in mode %s at %s by %s then meets', async (mode, path, sort) => {
    const told = (await read(`?mode=${mode}&sort=${sort}`)).body
    const image = `data:image/png;base64,${(await makePicture()).toString('base64')}`
    const id = `met-${mode}-${sort}`
    const { status } = await gateway.post(
      path,
      { model: FIRST_MODEL, prompt: 'p', provider: { sort }, ...(path === EDITS && { image }) },
      { 'x-request-id': id },
    )
    expect(status).toBe(200)
    const [met] = (await gateway.get(`/v1/requests/${id}`)).body.routing.decisions
    expect([told.decision.chosen, keysOf(told.candidates)]).toEqual([
      met.chosen,
      keysOf(met.candidates),
    ])
    const costsOf = (candidates: readonly { terms: { money_cost: number } }[]) =>
      candidates.map(({ terms }) => Math.round(terms.money_cost))
    expect(costsOf(told.candidates)).toEqual(costsOf(met.candidates))
    expect([told.mode, told.sort]).toEqual([mode, sort])
  })

  it('knows a provider that is forced by the path, and aliases', async () => {
    const { body } = await read('', `fal/${FIRST_MODEL}`)
    expect(keysOf(body.candidates)).toEqual([`fal/${FIRST_MODEL}`])
    expect(body.excluded[0]).toEqual({
      config_key: `gemini/${FIRST_MODEL}`,
      constraint: 'model',
      reason: 'is not the forced provider fal',
    })
    expect((await read('', 'nano-banana-2')).body.model).toBe(FIRST_MODEL)
  })

  it.each([
    ['?mode=video', 'mode', 'mode must be one of text_to_image, image_edit.'],
    ['?mode=text_to_image&mode=image_edit', 'mode', 'mode must be one of'],
    ['?sort=speed', 'sort', 'sort must be one of balanced, latency, price, success.'],
  ])('is a 400 that names what is allowed: %s', async (query, param, message) => {
    const { status, body } = await read(query)
    expect([status, body.error.code, body.error.param]).toEqual([400, 'INVALID_REQUEST', param])
    expect(body.error.message).toContain(message)
  })

  it('is a 400 for a mode that the model lacks', async () => {
    const { status, body } = await read('?mode=image_edit', 'flux-1-schnell')
    expect([status, body.error]).toEqual([
      400,
      {
        message: 'mode must be one of those of "flux-1-schnell": text_to_image.',
        type: 'invalid_request_error',
        param: 'mode',
        code: 'INVALID_REQUEST',
      },
    ])
    expect((await read('', 'qwen-image-edit-2511')).body.mode).toBe('image_edit')
  })

  it('is answered as a dry run where no configured provider is left, or there is no model', async () => {
    const url = `${GENERATIONS}?dryRun=true`
    for (const model of [`replicate/${FIRST_MODEL}`, 'no-such-model']) {
      const dry = await gateway.post(url, { model, prompt: 'p' })
      const told = await read('', model)
      expect([told.status, told.body]).toEqual([dry.status, dry.body])
    }
    expect((await read('', `replicate/${FIRST_MODEL}`)).body.error.code).toBe('MODEL_DISABLED')
  })
})
