import { afterEach, describe, expect, it } from 'vitest'
import { createRedisConnection, type RedisConnection } from '#src/state/redis/connect.ts'
import { KeyLink } from '#src/state/redis/key-link.ts'
import { RunLink } from '#src/state/redis/run-link.ts'
import { redisOfTests } from '#test/helpers/redis-of-tests.ts'
import { hasRedisServer, redisReason } from '#test/helpers/redis-server.ts'
import { runIdOf } from '#test/state/run-samples.ts'

/** What each command is waited for, in ms. */
const TIMEOUT_MS = 200

describe.skipIf(!hasRedisServer)(`a Redis that falls silent${redisReason}`, () => {
  const redis = redisOfTests()
  const connections: RedisConnection[] = []
  afterEach(async () => {
    redis().thaw()
    await Promise.all(connections.splice(0).map((connection) => connection.close()))
  })

  const connect = async (): Promise<RedisConnection> => {
    const connection = createRedisConnection(redis().url)
    connections.push(connection)
    connection.open()
    await expect.poll(connection.isReady).toBe(true)
    return connection
  }
  const monotonicMs = () => performance.now()

  const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
    const begunMs = performance.now()
    await work()
    return performance.now() - begunMs
  }

  it('is waited for once, by whoever asks first, and asked again when it answers', async () => {
    const [one, other] = [await connect(), await connect()]
    const [keys, runs] = [new KeyLink(one, monotonicMs), new RunLink(other, 1_500, monotonicMs)]
    const claim = { runId: runIdOf(1), token: 't', fingerprint: 'f', requestId: 'r' }
    expect(await runs.claim(claim)).toMatchObject({ kind: 'mine' })
    redis().freeze()
    expect(await elapsed(() => runs.claim(claim))).toBeGreaterThan(TIMEOUT_MS - 20)
    expect([one.isSilent(), other.isSilent()]).toEqual([true, true])
    const asking = () => keys.ask((client) => client.get('a'))
    const times = [await elapsed(asking), await elapsed(() => runs.read(claim.runId))]
    expect(Math.max(...times)).toBeLessThan(TIMEOUT_MS / 2)
    redis().thaw()
    await expect.poll(() => [one.isSilent(), other.isSilent()]).toEqual([false, false])
    expect(await runs.claim(claim)).toMatchObject({ kind: 'mine' })
    expect(await asking()).toBeNull()
  })

  it('is silent to nobody any more once the connection is given up', async () => {
    const [one, other] = [await connect(), await connect()]
    const runs = new RunLink(one, 1_500, monotonicMs)
    redis().freeze()
    await runs.read(runIdOf(1))
    expect(other.isSilent()).toBe(true)
    await one.close()
    await expect.poll(() => other.isSilent()).toBe(false)
  })
})
