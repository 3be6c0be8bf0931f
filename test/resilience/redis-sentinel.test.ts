import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  hasRedisServer,
  redisReason,
  startRedis,
  startReplica,
  startSentinel,
  type TestRedis,
  type TestSentinel,
} from '#test/helpers/redis-server.ts'
import { type SharingGateways, startSharingGateways } from './sharing-gateways.ts'

const DOWN_AFTER_MS = 1_000

describe.skipIf(!hasRedisServer)(`gateways that find Redis through Sentinel${redisReason}`, () => {
  let master: TestRedis
  let replica: TestRedis
  let sentinel: TestSentinel
  let gateways: SharingGateways

  beforeAll(async () => {
    master = await startRedis()
    replica = await startReplica(master)
    sentinel = await startSentinel(master, DOWN_AFTER_MS)
    gateways = await startSharingGateways(`redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`)
  }, 120_000)
  afterAll(async () => {
    await gateways?.close()
    await sentinel?.stop()
    await replica?.stop()
    await master?.stop()
  })

  /** Sends to both gateways until this one is the master. */
  const expectUntroubledUntilMasterIs = async (next: TestRedis): Promise<void> => {
    let isReplaced = false
    const sending = gateways.expectUntroubled(() => isReplaced)
    await expect.poll(() => sentinel.masterPort(), { timeout: 20_000 }).toBe(next.port)
    isReplaced = true
    await sending
  }

  it('share everything', () => gateways.expectEverythingIsShared('whole'), 60_000)

  it('go on when the master dies, and share everything again once its replica has taken over', async () => {
    await gateways.expectRunIsShared('kept')
    await master.kill()
    await expectUntroubledUntilMasterIs(replica)
    await gateways.expectEverythingIsShared('replaced')
    // Told before by one that is gone.
    const before = gateways.creates()
    await gateways.expectRunIsShared('kept')
    expect(gateways.creates()).toBe(before)
    gateways.expectNoErrors()
  }, 60_000)

  it('go over to another master while the present one lives', async () => {
    await master.restart()
    // A sentinel would have it follow the new one, too, but only after a while.
    await master.client.replicaof('127.0.0.1', replica.port)
    // Refused as long as the sentinel has not seen that it does.
    const failOver = () => sentinel.failOver().then(() => 'begun', String)
    await expect.poll(failOver, { timeout: 30_000, interval: 500 }).toBe('begun')
    await expectUntroubledUntilMasterIs(master)
    await gateways.expectEverythingIsShared('given-back')
    gateways.expectNoErrors()
  }, 90_000)
})
