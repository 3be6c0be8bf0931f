import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startAttemptTime } from '#src/routing/attempt-time.ts'

const clock = { now: () => Date.now(), monotonicMs: () => performance.now() }

describe("an attempt's time", () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is up when it has passed', () => {
    const { signal } = startAttemptTime(1_000, clock)
    vi.advanceTimersByTime(999)
    expect(signal.aborted).toBe(false)
    vi.advanceTimersByTime(1)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
  })

  it('stands still while something is waited for that the provider is not to blame for', async () => {
    const time = startAttemptTime(1_000, clock)
    vi.advanceTimersByTime(600)
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()]
    const waiting = [time.untimed(() => first.promise), time.untimed(() => second.promise)]
    vi.advanceTimersByTime(50_000)
    expect(time.standstillMs()).toBe(50_000)
    second.resolve()
    first.resolve('room')
    expect(await Promise.all(waiting)).toEqual(['room', undefined])
    vi.advanceTimersByTime(399)
    expect([time.signal.aborted, time.standstillMs()]).toEqual([false, 50_000])
    vi.advanceTimersByTime(1)
    expect(time.signal.aborted).toBe(true)
  })

  it('goes on when what was waited for fails, and ends nothing once it was stopped', async () => {
    const time = startAttemptTime(1_000, clock)
    await expect(time.untimed(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    time.stop()
    await time.untimed(async () => undefined)
    vi.advanceTimersByTime(10_000)
    expect(time.signal.aborted).toBe(false)
  })
})
