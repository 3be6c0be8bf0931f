import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  GENERATIONS,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

const ADMIN_KEY = 'test-admin-key'
/** An attempt may take 3 s then. */
const TIME_SCALE = 40
const BODY = {
  model: 'gemini-3.1-flash-image-preview',
  prompt: 'x',
  response_format: 'b64_json',
}

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startTestGateway({
    timeScale: TIME_SCALE,
    environment: {
      GATEWAY_ADMIN_KEY: ADMIN_KEY,
      REQUEST_TIMEOUT_MS: '30000',
      // Two answers with 8 MB, as base64, and not a third.
      MAX_MB_IN_FLIGHT: '24',
    },
  })
})
afterAll(() => gateway.close())

const heldBytes = async (): Promise<number> => {
  const answer = await fetch(`${gateway.url}/metrics`, {
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  })
  return Number(/^fresnel_memory_bytes\{state="held"\} (\d+)/m.exec(await answer.text())?.[1])
}

/** Asks for an image and does not read it. Resolves to how the client leaves. */
const leaveUnread = (provider: string): Promise<() => void> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` }
    const call = request(`${gateway.url}${GENERATIONS}`, { method: 'POST', headers })
    call.once('error', reject)
    call.once('response', (answer) => {
      answer.pause()
      resolve(() => answer.destroy())
    })
    call.end(JSON.stringify({ ...BODY, provider: { only: [provider] } }))
  })

describe('an answer that waits for room in memory', () => {
  it('is waited for beyond the time of its attempt, and not paid for a second time', async () => {
    const { emulators } = gateway
    const imageSizeBytes = 8_000_000
    emulators.gemini.setScenario({ imageSizeBytes })
    const latency = { p50Ms: 1_000 * TIME_SCALE, p95Ms: 1_001 * TIME_SCALE }
    emulators.vertex.setScenario({ imageSizeBytes, latency })
    const order = ['vertex', 'gemini', 'fal', 'replicate']
    const asked = gateway.post(GENERATIONS, { ...BODY, provider: { order } })
    await expect.poll(() => emulators.vertex.count('create')).toBe(1)
    const leaving = [await leaveUnread('gemini'), await leaveUnread('gemini')]
    expect(await heldBytes()).toBeGreaterThan(20_000_000)
    await sleep(4_500)
    for (const leave of leaving) leave()
    const { status, body } = await asked
    expect([status, body.metadata.provider, gateway.creates()]).toEqual([200, 'vertex', 3])
    expect(body.metadata.attempts).toMatchObject([{ provider: 'vertex', status: 'completed' }])
    await expect.poll(heldBytes).toBe(0)
  })
})
