import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import {
  hasRedisServer,
  redisReason,
  startRedis,
  type TestRedis,
} from '#test/helpers/redis-server.ts'

/** Settings of docker/redis.conf on what goes first, as arguments. */
const evictionOf = (text: string): string[] =>
  [...text.matchAll(/^(maxmemory-\w+) (\S+)$/gm)].flatMap(([, name, value]) => [
    `--${name}`,
    value ?? '',
  ])

describe.skipIf(!hasRedisServer)(`a Redis that is full${redisReason}`, () => {
  let redis: TestRedis
  afterEach(() => redis.stop())

  it('gives up answers of yesterday before leases and counts that are in use', async () => {
    const file = new URL('../../docker/redis.conf', import.meta.url)
    redis = await startRedis('--maxmemory', '12mb', ...evictionOf(readFileSync(file, 'utf8')))
    const { client } = redis
    const keepAnswers = async (from: number, count: number): Promise<void> => {
      const batch = client.pipeline()
      for (let index = from; index < from + count; index += 1) {
        batch.set(`gw:{run:${index}}`, 'x'.repeat(1_000), 'PX', 86_400_000)
      }
      await batch.exec()
    }
    const inUse = ['gw:{key:a}:slots', 'gw:{key:a}:rpm', 'gw:{rt}:reps']
    await keepAnswers(0, 20_000)
    // Redis tells ages by the second.
    await pause(2_100)
    for (let round = 0; round < 20; round += 1) {
      for (const key of inUse) await client.set(key, 'x', 'PX', 30_000)
      await keepAnswers(20_000 + round * 100, 100)
      expect(await client.exists(...inUse)).toBe(inUse.length)
    }
    expect(await client.info('stats')).toMatch(/evicted_keys:[1-9]/)
  })
})
