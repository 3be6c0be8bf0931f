import { afterEach, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { startTestGateway, type TestGateway } from '#test/helpers/start-test-gateway.ts'

let gateway: TestGateway | undefined
afterEach(() => gateway?.close())

it('a deadline below what a success takes opens the breaker of a provider that hangs', async () => {
  gateway = await startTestGateway({ timeScale: 100, environment: { REQUEST_TIMEOUT_MS: '480' } })
  const { emulators, get, post } = gateway
  emulators.gemini.setScenario({ always: 'hang' })
  const body = { model: FIRST_MODEL, prompt: 'p', provider: { order: ['gemini'] } }
  for (let count = 0; count < 4; count += 1) await post('/openai/v1/images/generations', body)
  const { body: page } = await get(`/v1/models/${FIRST_MODEL}/providers`)
  expect(page.data[0]).toMatchObject({ provider: 'gemini', health: { status: 'open' } })
}, 30_000)
