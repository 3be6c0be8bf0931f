import { describe, expect, it } from 'vitest'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import type { LiveGateway } from './live-gateway.ts'
import { setUpResilience } from './resilience-setup.ts'

/** Scaled: 3 s, longer than the lease of a run. */
const LONG = { latency: { p50Ms: 60_000, p95Ms: 60_001 } }
const FAL_ONLY = { provider: { only: ['fal'] } }

describe.skipIf(!hasRedisServer)(
  `work that a draining gateway does not get done${redisReason}`,
  () => {
    const setup = setUpResilience(20)
    const redis = redisOfTests()
    const start = () => setup().start({ REDIS_URL: redis().url })

    const untilJobsAreKept = (count: number) =>
      expect
        .poll(
          async () => {
            const keys = await redis().client.keys('gw:{*run:*')
            const fields = await Promise.all(keys.map((key) => redis().client.hkeys(key)))
            return fields.flat().filter((field) => field.startsWith('job:')).length
          },
          { timeout: 10_000 },
        )
        .toBe(count)

    /** One for which nobody waits, and one whose client waits. */
    const begin = async (gateway: LiveGateway) => {
      setup().emulators.fal.setScenario(LONG)
      const later = await gateway.ask(FAL_ONLY, { prefer: 'respond-async' })
      expect(later.status).toBe(202)
      const cut = expect(gateway.ask(FAL_ONLY, { 'idempotency-key': 'cut' })).rejects.toThrow()
      await untilJobsAreKept(2)
      return { laterId: later.body.id as string, cut }
    }

    const isTakenOver = async (gateway: LiveGateway, laterId: string) => {
      const repeat = await gateway.ask(FAL_ONLY, { 'idempotency-key': 'cut' })
      expect([repeat.status, repeat.body.data?.length]).toEqual([200, 1])
      const find = async () => (await gateway.call('GET', `/v1/requests/${laterId}`)).body
      await expect.poll(async () => (await find()).status, { timeout: 15_000 }).toBe('completed')
      expect((await fetch((await find()).result.data[0].url)).status).toBe(200)
      expect([setup().creates(), setup().emulators.fal.count('cancel')]).toEqual([2, 0])
    }

    const drain = async ({ process }: LiveGateway) => {
      process.child.kill('SIGTERM')
      await expect.poll(() => process.output).toContain('"msg":"draining"')
    }

    it('is taken over by another, when it was killed while it drained', async () => {
      const [a, b] = await Promise.all([start(), start()])
      const { laterId, cut } = await begin(a)
      await drain(a)
      await a.kill()
      await cut
      await isTakenOver(b, laterId)
    }, 40_000)

    it('is named and taken over by another, when it was told to end twice', async () => {
      const [a, b] = await Promise.all([start(), start()])
      const { laterId, cut } = await begin(a)
      await drain(a)
      const sinceMs = performance.now()
      a.process.child.kill('SIGTERM')
      expect(await a.process.exit).toBe(1)
      // Its jobs take 3 s.
      expect(performance.now() - sinceMs).toBeLessThan(2_000)
      await cut
      const line = a.process.output.split('\n').find((text) => text.includes('ended before'))
      expect(JSON.parse(line ?? '{}')).toMatchObject({
        level: 'error',
        requestIds: expect.arrayContaining([laterId]),
      })
      await isTakenOver(b, laterId)
    }, 40_000)
  },
)
