import { describe, expect, it } from 'vitest'
import { BusyTime, createDecisionTrace, decisiveAttempt } from '#src/generation/decision-trace.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'

it('tells requests apart that come at one moment with one id', () => {
  const clock = createFakeClock()
  const traces = Array.from({ length: 1_000 }, () => createDecisionTrace('same', clock))
  const nonces = traces.map(({ nonce }) => nonce)
  expect(new Set(nonces).size).toBe(1_000)
  for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-f]{10}$/)
})

describe('the attempt that an answer is attributed to', () => {
  it('is the last that completed, else the last', () => {
    const trace = createDecisionTrace('req', createFakeClock())
    expect(decisiveAttempt(trace)).toBeUndefined()
    const attempt = (configKey: string, status: Attempt['status']): Attempt => {
      return {
        id: 'a',
        provider: 'p',
        configKey,
        status,
        count: 1,
        begunMs: 0,
        durationMs: 1,
        providerMs: 1,
        cost: 0,
      }
    }
    trace.attempts.push(attempt('first', 'failed'))
    expect(decisiveAttempt(trace)?.configKey).toBe('first')
    trace.attempts.push(attempt('second', 'completed'), attempt('third', 'failed'))
    expect(decisiveAttempt(trace)?.configKey).toBe('second')
  })
})

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
