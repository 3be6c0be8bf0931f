import { describe, expect, it } from 'vitest'
import { createMemoryProviderHealth } from '#src/state/memory/memory-provider-health.ts'

describe('pauses in memory', () => {
  it('keep the later of two, and end by time or by an answer', () => {
    const health = createMemoryProviderHealth()
    health.pause('fal/a', { reason: 'rate_limited', sinceMs: 50, untilMs: 200 })
    health.pause('fal/a', { reason: 'rate_limited', sinceMs: 60, untilMs: 100 })
    expect(health.pauseOf('fal/a', 150)).toEqual({
      reason: 'rate_limited',
      sinceMs: 50,
      untilMs: 200,
    })
    expect(health.pauseOf('fal/b', 150)).toBeUndefined()
    expect(health.pauseOf('fal/a', 200)).toBeUndefined()
    health.pause('fal/a', { reason: 'taken_out', sinceMs: 250, untilMs: 900 })
    health.resume('fal/a', 240)
    expect(health.pauseOf('fal/a', 300)).toBeDefined()
    health.resume('fal/a', 260)
    expect(health.pauseOf('fal/a', 300)).toBeUndefined()
  })
})
