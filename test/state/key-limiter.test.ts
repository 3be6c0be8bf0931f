import { afterEach, describe, expect, it, vi } from 'vitest'
import type { KeyLimits } from '#src/domain/api-key.ts'
import { createKeyLimiter } from '#src/state/key-limiter.ts'

afterEach(() => {
  vi.useRealTimers()
})

const createEnter = () => {
  const limiter = createKeyLimiter(undefined)
  return (limits: KeyLimits, keyId = 'key_a') => limiter.enter(keyId, limits)
}

describe('the limits of a key at one gateway', () => {
  it('let everybody in where there are none', async () => {
    const enter = createEnter()
    expect((await enter({})).kind).toBe('admitted')
  })

  it('count requests within a minute that begins with the first', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] })
    const enter = createEnter()
    const limits = { requestsPerMinute: 2 }
    expect((await enter(limits)).kind).toBe('admitted')
    vi.advanceTimersByTime(20_000)
    expect((await enter(limits)).kind).toBe('admitted')
    expect(await enter(limits)).toEqual({
      kind: 'refused',
      limit: 'requestsPerMinute',
      retryAfterMs: 40_000,
    })
    expect((await enter(limits, 'key_b')).kind).toBe('admitted')
    vi.advanceTimersByTime(40_001)
    expect((await enter(limits)).kind).toBe('admitted')
  })

  it('a change of the limit holds for the minute that runs', async () => {
    const enter = createEnter()
    for (let count = 0; count < 3; count += 1) await enter({ requestsPerMinute: 5 })
    expect((await enter({ requestsPerMinute: 3 })).kind).toBe('refused')
    expect((await enter({ requestsPerMinute: 9 })).kind).toBe('admitted')
  })

  it('count requests under way until they leave, each once', async () => {
    const enter = createEnter()
    const limits = { concurrent: 2 }
    const [first, second] = [await enter(limits), await enter(limits)]
    const refused = { kind: 'refused', limit: 'concurrent', retryAfterMs: 1_000 }
    expect(await enter(limits)).toEqual(refused)
    if (first.kind === 'admitted') {
      first.leave()
      first.leave()
    }
    expect((await enter(limits)).kind).toBe('admitted')
    expect(await enter(limits)).toEqual(refused)
    expect(second.kind).toBe('admitted')
  })

  it('a request that one limit refuses does not count for the other', async () => {
    const enter = createEnter()
    const limits = { requestsPerMinute: 2, concurrent: 1 }
    const first = await enter(limits)
    for (let count = 0; count < 5; count += 1) {
      expect(await enter(limits)).toMatchObject({ limit: 'concurrent' })
    }
    if (first.kind === 'admitted') first.leave()
    const second = await enter(limits)
    expect(second.kind).toBe('admitted')
    if (second.kind === 'admitted') second.leave()
    expect(await enter(limits)).toMatchObject({ limit: 'requestsPerMinute' })
    expect((await enter({ concurrent: 1 })).kind).toBe('admitted')
  })
})
