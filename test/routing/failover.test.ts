import { describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import type { FailureKind } from '#src/domain/errors.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { FAST, fail, fourCandidates, freshRouting, run, untilAborted } from './failover-harness.ts'

describe('the attempt loop', () => {
  it('stops at the first success', async () => {
    const { items, calls, attempts } = await run(async (provider) => [provider])
    expect(items).toEqual(['gemini'])
    expect(calls).toEqual(['gemini 1'])
    expect(attempts).toMatchObject([
      {
        provider: 'gemini',
        configKey: `gemini/${FIRST_MODEL}`,
        status: 'completed',
        cost: 1,
        count: 1,
      },
    ])
  })

  it.each<FailureKind>([
    'rate_limited',
    'overloaded',
    'network',
    'bad_response',
    'empty_result',
    'timeout',
    'auth',
    'quota',
  ])('moves to the next offering after %s', async (kind) => {
    const { items, attempts } = await run(async (provider) => {
      if (provider === 'gemini') throw fail(kind)
      return [provider]
    })
    expect(items).toEqual(['fal'])
    expect(attempts.map(({ status, failure }) => [status, failure?.kind])).toEqual([
      ['failed', kind],
      ['completed', undefined],
    ])
  })

  it.each<FailureKind>(['bad_request', 'content_rejected'])(
    'does not go on after %s',
    async (kind) => {
      const { items, calls } = await run(async () => {
        throw fail(kind)
      })
      expect(items).toEqual([])
      expect(calls).toEqual(['gemini 1'])
    },
  )

  it('tries every offering once when all fail, and the best two again', async () => {
    const { calls, stop } = await run(async () => {
      throw fail('overloaded')
    })
    expect(calls.slice(0, 4)).toEqual(['gemini 1', 'fal 1', 'vertex 1', 'replicate 1'])
    expect(calls).toHaveLength(6)
    expect(new Set(calls.slice(4)).size).toBe(2)
    expect(stop).toMatchObject({ reason: 'exhausted' })
  })

  it('does not go back to a provider that refuses the account', async () => {
    const { calls } = await run(async () => {
      throw fail('auth')
    })
    expect(calls).toHaveLength(4)
  })

  it('makes one attempt where fallbacks are not allowed', async () => {
    const preferences = { allowFallbacks: false, order: ['fal'] }
    const { calls } = await run(() => Promise.reject(fail('overloaded')), { preferences })
    expect(calls).toEqual(['fal 1'])
  })

  it('asks one other provider after a refusal when the policy says so', async () => {
    const refuse = async (provider: string) => {
      throw fail(provider === 'vertex' ? 'overloaded' : 'content_rejected')
    }
    const { calls } = await run(refuse, { policy: { moderationFailover: 'one_other' } })
    expect(calls).toEqual(['gemini 1', 'fal 1'])
  })

  it('counts the possible cost of what failed after work had begun', async () => {
    const { attempts } = await run(async (provider) => {
      if (provider === 'gemini') throw fail('timeout', { workMayExist: true })
      return [provider]
    })
    expect(attempts.map(({ cost }) => cost)).toEqual([100, 1])
  })

  it('gives up after an ambiguous failure when the policy says stop', async () => {
    const { calls } = await run(
      async () => {
        throw fail('network', { workMayExist: true })
      },
      { policy: { ambiguous: 'stop' } },
    )
    expect(calls).toEqual(['gemini 1'])
  })

  it('goes on under that policy when nothing can have been begun', async () => {
    const { calls } = await run(
      async () => {
        throw fail('network')
      },
      { policy: { ambiguous: 'stop' } },
    )
    expect(calls).toHaveLength(6)
  })

  it('pauses an offering for as long as its provider asks, within the limit', async () => {
    const { routing } = await run(async (provider) => {
      if (provider === 'gemini') throw fail('rate_limited', { retryAfterMs: 5_000 })
      if (provider === 'fal') throw fail('rate_limited', { retryAfterMs: 3_600_000 })
      return [provider]
    })
    const leftMs = (provider: string) => {
      const nowMs = routing.clock.nowMs()
      const { pause } = routing.tracker.healthOf({ modelId: FIRST_MODEL, provider }, nowMs)
      return (pause?.untilMs ?? 0) - nowMs
    }
    expect(leftMs('gemini')).toBeGreaterThan(4_900)
    expect(leftMs('gemini')).toBeLessThanOrEqual(7_500)
    expect(leftMs('fal')).toBeGreaterThan(59_000)
    expect(leftMs('fal')).toBeLessThanOrEqual(60_000)
  })

  it('takes a provider out that refuses the account, and takes it back when it answers', async () => {
    const first = await run(async (provider) => {
      if (provider === 'gemini') throw fail('auth')
      return [provider]
    })
    const { routing } = first
    const pause = () =>
      routing.tracker.healthOf({ modelId: FIRST_MODEL, provider: 'gemini' }, routing.clock.nowMs())
        .pause
    expect(pause()?.reason).toBe('taken_out')
    const second = await run(async (provider) => [provider], { routing })
    expect(second.items).toEqual(['fal'])
    const preferences = { only: ['gemini'] }
    const candidates = fourCandidates().slice(0, 1)
    await run(async (provider) => [provider], { routing, preferences, candidates })
    expect(pause()).toBeUndefined()
  })

  it('calls an abort by the clock a timeout and goes on', async () => {
    const { items, attempts } = await run(
      (provider, _count, { signal }) =>
        provider === 'gemini' ? untilAborted(signal) : Promise.resolve([provider]),
      { timeScale: FAST },
    )
    expect(items).toEqual(['fal'])
    expect(attempts[0]).toMatchObject({
      status: 'failed',
      failure: { details: { kind: 'timeout' } },
      cost: 100,
    })
  })

  it('does not wait for an adapter that ignores the abort', async () => {
    const { items } = await run(
      (provider) => (provider === 'gemini' ? new Promise(() => {}) : Promise.resolve([provider])),
      { timeScale: FAST },
    )
    expect(items).toEqual(['fal'])
  })

  it('starts nothing after the deadline', async () => {
    const { items, calls } = await run((_provider, _count, { signal }) => untilAborted(signal), {
      deadlineMs: systemClock.monotonicMs() + 30,
      timeScale: FAST,
    })
    expect(items).toEqual([])
    expect(calls).toEqual(['gemini 1'])
  })

  it('aborts the attempt and starts no other when the client leaves', async () => {
    const client = new AbortController()
    const { calls, attempts } = await run(
      (_provider, _count, { signal }) => {
        queueMicrotask(() => client.abort())
        return untilAborted(signal)
      },
      { gone: client.signal },
    )
    expect(calls).toEqual(['gemini 1'])
    expect(attempts).toMatchObject([
      { status: 'cancelled', failure: { details: { kind: 'cancelled' } } },
    ])
  })

  it('treats an error of an unknown kind as a bad response, and keeps it for the log', async () => {
    const bug = new TypeError('x is not a function')
    const { items, attempts } = await run(async (provider) => {
      if (provider === 'gemini') throw bug
      return [provider]
    })
    expect(items).toEqual(['fal'])
    expect(attempts[0]).toMatchObject({
      unexpected: bug,
      failure: { details: { kind: 'bad_response' } },
    })
  })

  it('keeps a pause that was learnt while an older attempt was running', async () => {
    const routing = freshRouting()
    const { tracker, clock } = routing
    await run(
      async (provider) => {
        const ticket = tracker.begin(
          fourCandidates()[0]?.cell as never,
          { isFirst: false, isProbe: false, limitMs: Number.POSITIVE_INFINITY },
          clock.nowMs() + 1,
        )
        const end = { outcome: 'rate_limited', durationMs: 1, retryAfterMs: 5_000 } as const
        tracker.settle(ticket, end, clock.nowMs() + 2)
        return [provider]
      },
      { routing },
    )
    const health = tracker.healthOf({ modelId: FIRST_MODEL, provider: 'gemini' }, clock.nowMs())
    expect(health.pause?.reason).toBe('rate_limited')
  })
})
