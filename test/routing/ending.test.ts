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
    const { signal } = startEnding([], -5)
    await pause(20)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
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
