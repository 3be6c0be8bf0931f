import { afterAll, beforeAll, beforeEach } from 'vitest'
import { startRedis, type TestRedis } from './redis-server.ts'

/** One Redis for all tests of the `describe` that calls this, empty before each. To be read within tests and hooks. */
export const redisOfTests = (): (() => TestRedis) => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  beforeEach(() => redis.client.flushall())
  afterAll(() => redis.stop())
  return () => redis
}
