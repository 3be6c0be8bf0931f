import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { adoptRepeatedly } from '#src/generation/adopt-repeatedly.ts'

const EVERY_MS = 1_000

describe('looking for requests of gateways that have died', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  const start = (look: () => Promise<void>) => {
    const adoptOrphans = vi.fn(look)
    const onError = vi.fn()
    return { adoptOrphans, onError, adopting: adoptRepeatedly({ adoptOrphans }, EVERY_MS, onError) }
  }

  it('begins at once, and goes on after a look that failed', async () => {
    const error = new Error('broken')
    const { adoptOrphans, onError, adopting } = start(() => Promise.reject(error))
    await vi.advanceTimersByTimeAsync(2 * EVERY_MS)
    expect(adoptOrphans).toHaveBeenCalledTimes(3)
    expect(onError.mock.calls).toEqual([[error], [error], [error]])
    await adopting.stop()
    await vi.advanceTimersByTimeAsync(2 * EVERY_MS)
    expect(adoptOrphans).toHaveBeenCalledTimes(3)
  })

  it('has stopped only when no look is under way, as that may find some', async () => {
    const looks = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
    let begun = 0
    const { adopting } = start(() => looks[begun++ === 0 ? 0 : 1].promise)
    await vi.advanceTimersByTimeAsync(EVERY_MS)
    let hasStopped = false
    const stopped = adopting.stop().then(() => {
      hasStopped = true
    })
    looks[1].resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(hasStopped).toBe(false)
    looks[0].resolve()
    await stopped
  })
})
