import { getEventListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startEnding } from '#src/routing/ending.ts'

const LONG_MS = 60_000

describe('startEnding', () => {
  it('aborts with the reason of the first signal that does', () => {
    const [one, other] = [new AbortController(), new AbortController()]
    const { signal } = startEnding([one.signal, other.signal], LONG_MS)
    expect(signal.aborted).toBe(false)
    other.abort('gone')
    one.abort('too late')
    expect(signal.reason).toBe('gone')
  })

  it('is aborted at once when one of the signals is', () => {
    const [one, other] = [new AbortController(), new AbortController()]
    other.abort('gone')
    expect(startEnding([one.signal, other.signal], LONG_MS).signal.reason).toBe('gone')
    expect(getEventListeners(one.signal, 'abort')).toEqual([])
  })

  it('aborts after its time, at once when that is over', async () => {
    expect(startEnding([], -5).signal.reason).toMatchObject({ name: 'TimeoutError' })
    const { signal } = startEnding([], 5)
    await expect.poll(() => signal.reason).toMatchObject({ name: 'TimeoutError' })
  })

  it('aborts no earlier than its time, which timers do by a fraction of a millisecond', async () => {
    const lasted = async (_: unknown, index: number): Promise<number> => {
      await pause(index / 4)
      const startMs = performance.now()
      const { promise, resolve } = Promise.withResolvers<number>()
      const { signal } = startEnding([], 5)
      signal.addEventListener('abort', () => resolve(performance.now() - startMs))
      return promise
    }
    const all = await Promise.all(Array.from({ length: 100 }, lasted))
    expect(Math.min(...all)).toBeGreaterThanOrEqual(5)
  })

  it.each(['stopped', 'aborted'])('leaves nothing behind once %s', (how) => {
    const [one, other] = [new AbortController(), new AbortController()]
    const { signal, stop } = startEnding([one.signal, other.signal], LONG_MS)
    if (how === 'stopped') stop()
    else one.abort()
    expect(getEventListeners(one.signal, 'abort')).toEqual([])
    expect(getEventListeners(other.signal, 'abort')).toEqual([])
    other.abort()
    expect(signal.aborted).toBe(how === 'aborted')
  })
})
