import { describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import type { FailureKind } from '#src/domain/errors.ts'
import { createMemoryProviderHealth } from '#src/state/memory/memory-provider-health.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { fail, run, untilAborted } from './failover-harness.ts'

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
    expect(items).toEqual(['vertex'])
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

  it('tries every offering once when all fail', async () => {
    const { calls } = await run(async () => {
      throw fail('overloaded')
    })
    expect(calls).toEqual(['gemini 1', 'vertex 1', 'fal 1', 'replicate 1'])
  })

  it('asks one other provider after a refusal when the policy says so', async () => {
    const refuse = async (provider: string) => {
      throw fail(provider === 'fal' ? 'overloaded' : 'content_rejected')
    }
    const { calls } = await run(refuse, { policy: { moderationFailover: 'one_other' } })
    expect(calls).toEqual(['gemini 1', 'vertex 1'])
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
    expect(calls).toHaveLength(4)
  })

  it('pauses an offering for as long as its provider asks, within the limit', async () => {
    const { health } = await run(async (provider) => {
      if (provider === 'gemini') throw fail('rate_limited', { retryAfterMs: 500 })
      if (provider === 'vertex') throw fail('rate_limited', { retryAfterMs: 3_600_000 })
      return [provider]
    })
    const leftMs = (key: string) => (health.pauseOf(key, 0)?.untilMs ?? 0) - Date.now()
    expect(leftMs(`gemini/${FIRST_MODEL}`)).toBeGreaterThan(0)
    expect(leftMs(`gemini/${FIRST_MODEL}`)).toBeLessThanOrEqual(500)
    expect(leftMs(`vertex/${FIRST_MODEL}`)).toBeLessThanOrEqual(60_000)
  })

  it('takes a provider out that refuses the account, and takes it back when it answers', async () => {
    const first = await run(async (provider) => {
      if (provider === 'gemini') throw fail('auth')
      return [provider]
    })
    expect(first.health.pauseOf('gemini', 0)?.reason).toBe('taken_out')
    await run(async (provider) => [provider], { health: first.health })
    expect(first.health.pauseOf('gemini', 0)).toBeUndefined()
  })

  it('calls an abort by the clock a timeout and goes on', async () => {
    const { items, attempts } = await run(
      (provider, _count, { signal }) =>
        provider === 'gemini' ? untilAborted(signal) : Promise.resolve([provider]),
      { policy: { attemptTimeoutMs: 20 } },
    )
    expect(items).toEqual(['vertex'])
    expect(attempts[0]).toMatchObject({
      status: 'failed',
      failure: { details: { kind: 'timeout' } },
      cost: 100,
    })
  })

  it('does not wait for an adapter that ignores the abort', async () => {
    const { items } = await run(
      (provider) => (provider === 'gemini' ? new Promise(() => {}) : Promise.resolve([provider])),
      { policy: { attemptTimeoutMs: 20, cancelGraceMs: 10 } },
    )
    expect(items).toEqual(['vertex'])
  })

  it('starts nothing after the deadline', async () => {
    const { items, calls } = await run((_provider, _count, { signal }) => untilAborted(signal), {
      deadlineMs: systemClock.monotonicMs() + 30,
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
    expect(items).toEqual(['vertex'])
    expect(attempts[0]).toMatchObject({
      unexpected: bug,
      failure: { details: { kind: 'bad_response' } },
    })
  })

  it('keeps a pause that was learnt while an older attempt was running', async () => {
    const health = createMemoryProviderHealth()
    const { attempts } = await run(
      async (provider) => {
        const nowMs = Date.now() + 1000
        health.pause(`gemini/${FIRST_MODEL}`, {
          reason: 'rate_limited',
          sinceMs: nowMs,
          untilMs: nowMs,
        })
        return [provider]
      },
      { health },
    )
    expect(attempts).toMatchObject([{ provider: 'gemini', status: 'completed' }])
    expect(health.pauseOf(`gemini/${FIRST_MODEL}`, 0)).toBeDefined()
  })
})
