import { afterAll, beforeAll, expect, it } from 'vitest'
import { EMULATED_PROVIDERS } from '#test/emulators/emulator.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  GENERATIONS,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.close())

const ask = (id: string) => {
  const headers = { 'x-request-id': id }
  return gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: 'p' }, headers)
}

it('usage and requests tell what requests took, the gateway’s own part of it apart', async () => {
  gateway.emulators.gemini.setScenario({ latency: { p50Ms: 20_000, p95Ms: 20_000 } })
  const { headers, body } = await ask('served')
  for (const id of EMULATED_PROVIDERS) {
    gateway.emulators[id].setScenario({ always: 'unavailable' })
  }
  expect((await ask('failed')).status).toBe(502)

  const [failed, served] = (await gateway.get('/v1/requests')).body.data
  expect([failed.id, served.id]).toEqual(['failed', 'served'])
  // The header has the reading of the body and the writing of the answer too.
  expect(served.overhead_ms).toBeGreaterThan(0)
  expect(served.overhead_ms).toBeLessThanOrEqual(Number(headers.get('x-gateway-overhead-ms')))
  expect(served.duration_ms - served.overhead_ms).toBeGreaterThan(150)
  expect(Math.round(served.overhead_ms * 10) / 10).toBe(served.overhead_ms)
  expect((await gateway.get('/v1/requests/failed')).body.overhead_ms).toEqual(expect.any(Number))

  const { totals, models, providers, partial } = (await gateway.get('/v1/usage')).body
  expect(totals).toMatchObject({
    requests: 2,
    completed: 1,
    upstream_failure: 1,
    success_rate: 0.5,
    cost: body.metadata.cost,
    p50_ms: expect.closeTo(served.duration_ms, 0),
    mean_ms: served.duration_ms,
    overhead_p50_ms: expect.closeTo(served.overhead_ms, 1),
  })
  expect(models.map(({ model }: { model: string }) => model)).toEqual([FIRST_MODEL])
  expect(providers[0]).toMatchObject({ provider: 'gemini', provider_name: 'Gemini API' })
  expect(partial).toBeUndefined()
})
