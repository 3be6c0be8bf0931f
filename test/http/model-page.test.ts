import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { createModelRoutes, errorOf } from './model-routes.ts'

let routes: ReturnType<typeof createModelRoutes>
beforeEach(() => {
  routes = createModelRoutes()
})
afterEach(() => routes.app.close())

describe('GET /v1/models/{id}/llms.txt', () => {
  it('is Markdown with the caller’s own base URL', async () => {
    const { status, type, text } = await routes.get(`/v1/models/fal/${FIRST_MODEL}/llms.txt`)
    expect([status, type]).toEqual([200, 'text/markdown; charset=utf-8'])
    expect(text).toMatch(/^# Nano Banana 2\n/)
    expect(text).toContain('- Base URL: `http://images.example/openai/v1`')
  })

  it('shows what was measured', async () => {
    routes.world.history = async () => [routes.hourOf(1, 15, { outage: 5 })]
    const { text } = await routes.get(`/v1/models/${FIRST_MODEL}/llms.txt`)
    expect(text).toMatch(/\| Gemini API \|.*\| 3\.0 s \| 75\.0 % \| 20 \|.*\| live \|/)
    expect(text).toMatch(/\| fal\.ai \|.*\| model file \|/)
  })

  it('is MODEL_NOT_FOUND for an unknown model', async () => {
    const { status, text } = await routes.get('/v1/models/a/b/llms.txt')
    expect([status, errorOf(text).code]).toEqual([404, 'MODEL_NOT_FOUND'])
  })
})

describe('the parts of a model', () => {
  it.each(['providers', 'llms.txt'])('stand under /v1 only: %s', async (part) => {
    const { status, text } = await routes.get(`/openai/v1/models/${FIRST_MODEL}/${part}`)
    expect([status, errorOf(text)]).toEqual([
      404,
      {
        code: 'NOT_FOUND',
        type: 'invalid_request_error',
        param: null,
        message: `This is not served here. Served is: GET /v1/models/${FIRST_MODEL}/${part}.`,
      },
    ])
  })

  it('leave the model itself as it is', async () => {
    for (const path of ['/v1/models', `/openai/v1/models/fal/${FIRST_MODEL}?schema=/providers`]) {
      expect((await routes.get(path)).status).toBe(path.includes('?') ? 400 : 200)
    }
    const { text } = await routes.get(`/v1/models/fal/${FIRST_MODEL}/`)
    expect(JSON.parse(text)).toMatchObject({ id: FIRST_MODEL, object: 'model' })
    const nothing = await routes.get('/v1/models/providers')
    expect(errorOf(nothing.text)).toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('"providers"'),
    })
  })
})
