import { describe, expect, it } from 'vitest'
import { BusyTime } from '#src/generation/decision-trace.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'

describe('busy time', () => {
  it('counts overlapping activities once', async () => {
    const clock = createFakeClock()
    const busy = new BusyTime(clock)
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    const one = busy.measure(() => first.promise)
    clock.advance(10)
    const two = busy.measure(() => second.promise)
    clock.advance(10)
    expect(busy.totalMs).toBe(20)
    first.resolve()
    await one
    clock.advance(5)
    second.resolve()
    await two
    clock.advance(100)
    expect(busy.totalMs).toBe(25)
  })

  it('ends with an activity that fails', async () => {
    const clock = createFakeClock()
    const busy = new BusyTime(clock)
    await expect(busy.measure(() => Promise.reject(new Error('x')))).rejects.toThrow('x')
    clock.advance(10)
    expect(busy.totalMs).toBe(0)
  })
})
