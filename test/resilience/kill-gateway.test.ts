import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { hasRedisServer, redisReason, startRedis } from '#test/helpers/redis-server.ts'
import { createBudgetedKey, findLosses, overspentUsd, startLoad } from './acknowledged-work.ts'
import type { LiveGateway } from './live-gateway.ts'
import { setUpResilience } from './resilience-setup.ts'

const ADMIN_KEY = 'test-admin-key'
const ADMIN = { authorization: `Bearer ${ADMIN_KEY}` }
const FAL = { provider: { only: ['fal'] } }
const PRICE_USD = 0.08

/** An entry of the log is handed to Redis before its request is answered, but not waited for: far above that, in ms. */
const UNTOLD_MS = 1_000
/** What is learnt about providers is told once a second, scaled, in ms; and as much for a machine that is busy. */
const UNSHARED_MS = 100

describe.skipIf(!hasRedisServer)(`a gateway that was killed at work${redisReason}`, () => {
  const setup = setUpResilience(20)

  const measured = async (gateway: LiveGateway): Promise<number> => {
    const { body } = await gateway.call('GET', `/v1/models/${FIRST_MODEL}/providers`)
    const fal = body.data.find(({ provider }: { provider: string }) => provider === 'fal')
    return fal.performance?.live_requests ?? 0
  }

  const changeKeys = async (gateway: LiveGateway) => {
    const made = await createBudgetedKey(gateway, ADMIN_KEY, { name: 'made' })
    const changed = await createBudgetedKey(gateway, ADMIN_KEY)
    const removed = await createBudgetedKey(gateway, ADMIN_KEY)
    const path = (id: string) => `/v1/keys/${id}`
    await gateway.call('PATCH', path(changed.id), { enabled: false }, ADMIN)
    await gateway.call('DELETE', path(removed.id), undefined, ADMIN)
    return [made, changed, removed].map(({ key }) => key)
  }

  const statusesOf = (gateway: LiveGateway, keys: readonly string[]) =>
    Promise.all(
      keys.map(async (key) => {
        const headers = { authorization: `Bearer ${key}` }
        return (await gateway.call('GET', '/v1/balance', undefined, headers)).status
      }),
    )

  it('has lost nothing of what clients were told, when it is started again', async () => {
    const redis = await startRedis('--appendonly', 'yes')
    const environment = { GATEWAY_ADMIN_KEY: ADMIN_KEY, REDIS_URL: redis.url }
    setup().emulators.fal.setScenario({ latency: { p50Ms: 2_000, p95Ms: 4_000 } })
    const gateway = await setup().start(environment)
    const { key } = await createBudgetedKey(gateway, ADMIN_KEY)
    const load = startLoad([gateway], key, { part: FAL })
    const { told } = load
    await sleep(2_000)
    const attempts = await measured(gateway)
    await sleep(UNSHARED_MS)
    const keys = await changeKeys(gateway)
    const killedMs = performance.now()
    await gateway.kill()
    await load.stop()
    expect([told.refused, told.broken > 0]).toEqual([[], true])

    const again = await setup().start(environment, { port: gateway.port })
    const { lostEntries, ...lost } = await findLosses(again, key, told.done, FAL)
    expect(lost).toEqual({ lostImages: [], lostRepeats: [] })
    expect(lostEntries.filter(({ atMs }) => killedMs - atMs > UNTOLD_MS)).toEqual([])
    const unanswered = told.accepted.length + told.broken
    const overspent = await overspentUsd(again, key, told)
    expect(overspent).toBeGreaterThanOrEqual(0)
    expect(overspent).toBeLessThanOrEqual(unanswered * PRICE_USD + 1e-6)
    expect(await statusesOf(again, keys)).toEqual([200, 401, 401])
    expect(await measured(again)).toBeGreaterThanOrEqual(attempts)
    const stateOf = async (id: string) =>
      (await again.call('GET', `/v1/requests/${id}`, undefined, { authorization: `Bearer ${key}` }))
        .body.status
    const isPending = async () =>
      (await Promise.all(told.accepted.map(stateOf))).includes('pending')
    await expect.poll(isPending, { timeout: 15_000 }).toBe(false)
    // A job that was created but not noted cannot be found again.
    expect(setup().creates()).toBeLessThanOrEqual(told.done.length + unanswered)
    await redis.stop()
  }, 60_000)
})
