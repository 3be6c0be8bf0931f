import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  hasRedisServer,
  redisReason,
  startRedisClusterOf,
  type TestRedisCluster,
} from '#test/helpers/redis-server.ts'
import { type SharingGateways, startSharingGateways } from './sharing-gateways.ts'

describe.skipIf(!hasRedisServer)(`gateways that share a Redis cluster${redisReason}`, () => {
  let cluster: TestRedisCluster
  let gateways: SharingGateways

  beforeAll(async () => {
    cluster = await startRedisClusterOf(3)
    gateways = await startSharingGateways(cluster.url)
  }, 120_000)
  afterAll(async () => {
    await gateways?.close()
    await cluster?.stop()
  })

  /** Sends to both gateways until a replica has taken over what has this tag. */
  const expectUntroubledUntilReplaced = async (tag: string): Promise<void> => {
    let isReplaced = false
    const sending = gateways.expectUntroubled(() => isReplaced)
    const write = () => cluster.client.set(`${tag}:probe`, '1').catch(String)
    await expect.poll(write, { timeout: 20_000 }).toBe('OK')
    isReplaced = true
    await sending
  }

  it('share everything, whichever of its nodes it lies at', async () => {
    await gateways.expectEverythingIsShared('whole')
    const names = Array.from({ length: 12 }, (_, index) => `spread-${index}`)
    await Promise.all(names.map((name) => gateways.expectRunIsShared(name)))
    const sizes = await Promise.all(cluster.masters.map(({ client }) => client.dbsize()))
    for (const size of sizes) expect(size).toBeGreaterThan(0)
  }, 60_000)

  it('go on when a node dies, and share everything again once its replica has taken over', async () => {
    await gateways.expectRunIsShared('kept')
    // Statistics, the request log and keys all lie there.
    const master = await cluster.masterOf('{rt}')
    await master.kill()
    await expectUntroubledUntilReplaced('{rt}')
    await gateways.expectEverythingIsShared('replaced')
    // Told before by one that is gone.
    const before = gateways.creates()
    await gateways.expectRunIsShared('kept')
    expect(gateways.creates()).toBe(before)
    gateways.expectNoErrors()
  }, 60_000)

  it('go on while a node is frozen, and share everything again, also when it comes back', async () => {
    const master = await cluster.masterOf('{runs}')
    master.freeze()
    await expectUntroubledUntilReplaced('{runs}')
    await gateways.expectEverythingIsShared('frozen')
    master.thaw()
    await gateways.expectEverythingIsShared('thawed')
    gateways.expectNoErrors()
  }, 60_000)
})
