import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import { createLogBench } from './request-log-bench.ts'
import { START_MS, sampleRecord } from './request-log-samples.ts'

const bench = createLogBench()

describe.skipIf(!hasRedisServer)(
  `the log of requests when a process or Redis ends${redisReason}`,
  () => {
    const redis = redisOfTests()
    beforeEach(() => bench.close())
    afterEach(() => bench.close())

    const idsOf = async () => {
      const { log } = await bench.connected(redis().url)
      return (await log.list({ limit: 100 })).records.map(({ id }) => id)
    }

    it('has told Redis of a request that has ended before anybody asks for that', async () => {
      const { log } = await bench.connected(redis().url)
      log.add(sampleRecord('ended'))
      // Nothing is flushed, and nothing is told from time to time.
      await expect.poll(idsOf).toEqual(['ended'])
      expect(log.waiting()).toBe(0)
    })

    it('is given again to a Redis that has lost it, by every gateway its own', async () => {
      const gateways = [await bench.connected(redis().url), await bench.connected(redis().url)]
      for (const [number, { log }] of gateways.entries()) {
        for (let round = 0; round < 3; round += 1) {
          log.add(
            sampleRecord(`${number}-${round}`, { createdAtMs: START_MS + 2 * round + number }),
          )
        }
        await log.tellAll()
        log.start()
      }
      const all = ['1-2', '0-2', '1-1', '0-1', '1-0', '0-0']
      expect(await idsOf()).toEqual(all)
      await redis().restart()
      await expect.poll(idsOf, { timeout: 10_000 }).toEqual(all)
    })

    it('is told nothing again by a gateway whose Redis has kept it', async () => {
      const { log } = await bench.connected(redis().url)
      log.add(sampleRecord('kept'))
      await log.tellAll()
      log.start()
      await redis().client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      await redis().client.config('RESETSTAT')
      await expect
        .poll(async () => (await redis().client.info('commandstats')).includes('cmdstat_exists'), {
          timeout: 5_000,
        })
        .toBe(true)
      await log.tellAll()
      await log.tellAll()
      expect(await redis().client.info('commandstats')).not.toMatch(/cmdstat_eval/)
    })
  },
)
