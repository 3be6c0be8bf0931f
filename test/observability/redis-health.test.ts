import { expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { hasRedisServer, redisReason, startRedis } from '#test/helpers/redis-server.ts'
import {
  GENERATIONS,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'
import { readSamples, total } from './read-metrics.ts'

const ADMIN_KEY = 'admin-key-of-redis'

const readHealth = async ({ url }: TestGateway) => {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` }
  const samples = readSamples(await (await fetch(`${url}/metrics`, { headers })).text())
  return {
    configured: total(samples, 'fresnel_redis_configured'),
    shared: ['state', 'request_log', 'runs'].map((part) =>
      total(samples, `fresnel_${part}_shared`),
    ),
    waiting: total(samples, 'fresnel_request_log_waiting'),
  }
}

it.skipIf(!hasRedisServer)(
  `tells whether Redis is reached, and what waits for it while it is not${redisReason}`,
  async () => {
    const redis = await startRedis()
    const gateway = await startTestGateway({
      environment: { GATEWAY_ADMIN_KEY: ADMIN_KEY, REDIS_URL: redis.url },
    })
    const expectHealth = (health: Awaited<ReturnType<typeof readHealth>>) =>
      expect.poll(() => readHealth(gateway), { timeout: 15_000 }).toEqual(health)
    await expectHealth({ configured: 1, shared: [1, 1, 1], waiting: 0 })
    await redis.stop()
    await gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: 'a lighthouse' })
    await expectHealth({ configured: 1, shared: [0, 0, 0], waiting: 1 })
    await gateway.close()
  },
  60_000,
)
