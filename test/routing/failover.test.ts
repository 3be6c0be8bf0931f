import { describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import {
  type FailureKind,
  GatewayError,
  ProviderError,
  type ProviderErrorDetails,
} from '#src/domain/errors.ts'
import { selectCandidates } from '#src/routing/candidates.ts'
import { type Attempt, type FailoverInput, runAttempts } from '#src/routing/failover.ts'
import { DEFAULT_ROUTING_POLICY, type RoutingPolicy } from '#src/routing/policy.ts'
import { rankCandidates } from '#src/routing/rank.ts'
import { createMemoryProviderHealth } from '#src/state/memory/memory-provider-health.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'

const catalog = createFirstCatalog()
const fail = (kind: FailureKind, part: Partial<ProviderErrorDetails> = {}) =>
  new ProviderError({ kind, workMayExist: false, publicMessage: kind, ...part })

type Execute = FailoverInput<string>['execute']

/** Runs the loop over the first model's four offerings, each call asking `behaviour` of its provider. */
const run = async (
  behaviour: (provider: string, count: number, call: Parameters<Execute>[2]) => Promise<string[]>,
  part: Partial<Omit<FailoverInput<string>, 'policy'>> & { policy?: Partial<RoutingPolicy> } = {},
) => {
  const health = createMemoryProviderHealth()
  const { candidates } = selectCandidates(
    catalog.resolve(FIRST_MODEL),
    imageRequest(),
    ALL_PROVIDERS,
  )
  const attempts: Attempt[] = []
  const calls: string[] = []
  const items = await runAttempts<string>({
    ranked: rankCandidates(candidates, {}, health, 0),
    count: 1,
    execute: async ({ offering }, count, context) => {
      calls.push(`${offering.provider} ${count}`)
      const made = await behaviour(offering.provider, count, context)
      return { items: made, cost: made.length }
    },
    priceOf: (_candidate, count) => count * 100,
    deadlineMs: systemClock.monotonicMs() + 60_000,
    clientSignal: new AbortController().signal,
    health,
    clock: systemClock,
    onAttempt: (attempt) => attempts.push(attempt),
    ...part,
    policy: { ...DEFAULT_ROUTING_POLICY, ...part.policy },
  })
  return { items, attempts, calls, health }
}

/** Resolves when the signal aborts, as an adapter that cancels its job does. */
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(fail('cancelled', { workMayExist: true })))
  })

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
    const second = await run(async (provider) => [provider], { health: first.health })
    expect(second.health.pauseOf('gemini', 0)).toBeUndefined()
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
      { clientSignal: client.signal },
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

  it('ends the request when the gateway itself cannot go on', async () => {
    const error = new GatewayError('INTERNAL_ERROR', 'The disk is full.')
    await expect(
      run(async () => {
        throw error
      }),
    ).rejects.toBe(error)
  })
})

describe('several images', () => {
  it('are made by calls side by side where a call makes one', async () => {
    const { items, calls } = await run(async (provider) => [provider], { count: 3 })
    expect(items).toEqual(['gemini', 'gemini', 'gemini'])
    expect(calls).toEqual(['gemini 1', 'gemini 1', 'gemini 1'])
  })

  it('are made by as few calls as the offering allows', async () => {
    const { calls } = await run(
      async (provider, count) => {
        if (provider !== 'fal') throw fail('overloaded')
        return Array.from({ length: count }, () => provider)
      },
      {
        count: 6,
        ranked: [...(await fourRanked())].filter(({ offering }) => offering.provider === 'fal'),
      },
    )
    expect(calls).toEqual(['fal 4', 'fal 2'])
  })

  it('fail over each for itself', async () => {
    let geminiCalls = 0
    const { items, calls } = await run(
      async (provider) => {
        if (provider === 'gemini' && ++geminiCalls === 2) throw fail('overloaded')
        return [provider]
      },
      { count: 3 },
    )
    expect(items).toEqual(['gemini', 'vertex', 'gemini'])
    expect(calls).toEqual(['gemini 1', 'gemini 1', 'gemini 1', 'vertex 1'])
  })

  it('that an answer lacks are asked of the next offering', async () => {
    const { items, calls } = await run(async (provider) => [provider], {
      count: 3,
      ranked: [...(await fourRanked())].filter(({ offering }) =>
        ['fal', 'replicate'].includes(offering.provider),
      ),
    })
    expect(items).toEqual(['fal', 'replicate', 'replicate'])
    expect(calls).toEqual(['fal 3', 'replicate 1', 'replicate 1'])
  })
})

const fourRanked = async () => {
  const { candidates } = selectCandidates(
    catalog.resolve(FIRST_MODEL),
    imageRequest(),
    ALL_PROVIDERS,
  )
  return rankCandidates(candidates, {}, createMemoryProviderHealth(), 0)
}
