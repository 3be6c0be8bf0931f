import { describe, expect, it } from 'vitest'
import { createMemoryHistory } from '#src/state/memory/memory-performance-history.ts'
import type { RedisConnection } from '#src/state/redis/connect.ts'
import { createRedisHistory } from '#src/state/redis/redis-history.ts'

describe('the loader of the history', () => {
  /** Redis is there until `state` says otherwise, and answers what `exec` says. */
  const historyWith = (exec: () => Promise<unknown>, nowMs: () => number = Date.now) => {
    const client = { pipeline: () => ({ hgetall: () => undefined, exec }) }
    const state = { isReady: true }
    const connection = { isReady: () => state.isReady, client } as unknown as RedisConnection
    const refused = { of: () => [], recoveredMs: () => Number.NEGATIVE_INFINITY }
    const [own, troubles] = [createMemoryHistory(), [] as string[]]
    const onTrouble = (reason: string) => troubles.push(reason)
    const history = createRedisHistory({ connection, nowMs, own, refused, onTrouble })
    return { history, troubles, state }
  }

  it('warns of nothing when the connection goes because the gateway ends', async () => {
    let fail: (error: Error) => void = () => undefined
    const { history, troubles, state } = historyWith(
      () =>
        new Promise((_, reject) => {
          fail = reject
        }),
    )
    history.warm(['gemini/painter'])
    const reading = history.read(['gemini/painter'], 0)
    await expect.poll(() => fail.length).toBe(1)
    history.close()
    state.isReady = false
    fail(new Error('Connection is closed.'))
    expect(await reading).toEqual([])
    expect(troubles).toEqual([])
  })

  it('goes on after a fault of its own, and says so', async () => {
    let isBroken = false
    const { history, troubles } = historyWith(
      async () => {
        isBroken = false
        return [[null, {}]]
      },
      () => {
        if (isBroken) throw new RangeError('no time')
        return Date.now()
      },
    )
    history.warm(['gemini/painter'])
    isBroken = true
    await expect.poll(() => troubles).toEqual([expect.stringContaining('RangeError')])
    isBroken = false
    expect(await history.read(['gemini/painter', 'fal/painter'], 0)).toEqual([])
    await expect.poll(() => troubles).toHaveLength(1)
  })
})
