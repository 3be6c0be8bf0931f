import { afterEach, describe, expect, it } from 'vitest'
import {
  hasRedisServer,
  redisReason,
  startRedis,
  startRedisCluster,
  startSentinel,
} from '#test/helpers/redis-server.ts'
import { createExchangeBench, type TestGateway } from './exchange-bench.ts'

describe.skipIf(!hasRedisServer)(`gateways that share${redisReason}`, () => {
  const bench = createExchangeBench()
  const stops: (() => Promise<void>)[] = []

  afterEach(async () => {
    await bench.close()
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  const LIMIT = { timeout: 15_000 }

  const isSharing = ({ statuses }: TestGateway): boolean | undefined => statuses.at(-1)?.isShared

  /** Two that share through this URL, and an outage of what stands behind it. */
  const shareThrough = async (
    url: string,
    outage: { kill(): Promise<void>; restart(): Promise<void> },
  ): Promise<void> => {
    const [a, b] = [await bench.start(url), await bench.start(url)]
    a.tell(3)
    await expect.poll(() => b.heard.successes(), LIMIT).toBe(3)
    await outage.kill()
    // How often the reason changes meanwhile, is a matter of what is asked while it goes down and comes up.
    for (const gateway of [a, b]) await expect.poll(() => isSharing(gateway), LIMIT).toBe(false)
    a.tell(4)
    await outage.restart()
    for (const gateway of [a, b]) await expect.poll(() => isSharing(gateway), LIMIT).toBe(true)
    await expect.poll(() => b.heard.successes(), LIMIT).toBe(7)
    expect(a.heard.successes()).toBe(0)
  }

  it('through a cluster go on after it was away', async () => {
    const cluster = await startRedisCluster()
    stops.push(cluster.stop)
    await shareThrough(`redis-cluster://127.0.0.1:${cluster.port}`, cluster)
  }, 60_000)

  it('through sentinels find the master, and go on after it was away', async () => {
    const master = await startRedis()
    stops.push(master.stop)
    const sentinel = await startSentinel(master)
    stops.push(sentinel.stop)
    await shareThrough(`redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`, master)
  }, 60_000)

  it('through a database of a server with users leave the others alone', async () => {
    const redis = await startRedis()
    stops.push(redis.stop)
    await redis.client.acl('SETUSER', 'ann', 'on', '>se/cret', '~gw:{rt}:*', '+@all')
    const gateway = await bench.start(`redis://ann:se%2Fcret@127.0.0.1:${redis.port}/3`)
    gateway.tell(1)
    await gateway.sharing.sync()
    expect(gateway.statuses).toEqual([{ isShared: true }])
    expect(await redis.client.dbsize()).toBe(0)
    await redis.client.select(3)
    expect(await redis.client.dbsize()).toBeGreaterThan(0)
  })
})
