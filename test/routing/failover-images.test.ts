import { describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import { FAST, fail, fourCandidates, run } from './failover-harness.ts'

describe('an answer that was paid for', () => {
  it("is made ready after the attempt's own time, until the deadline", async () => {
    const { items, calls } = await run(async (provider) => [provider], {
      timeScale: FAST,
      deliver: (answer, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
          setTimeout(() => resolve(answer), 60)
        }),
    })
    expect(items).toEqual(['gemini'])
    expect(calls).toEqual(['gemini 1'])
  })

  it('is taken when the adapter hands it over just after the abort', async () => {
    const { items } = await run(
      (provider, _count, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve([provider]))),
      { timeScale: FAST },
    )
    expect(items).toEqual(['gemini'])
  })

  it('and cannot be read lets the next offering serve, its cost counted', async () => {
    let deliveries = 0
    const { items, attempts } = await run(async (provider) => [provider], {
      deliver: async (answer) => {
        deliveries += 1
        if (deliveries === 1) throw fail('bad_response', { workMayExist: true })
        return answer
      },
    })
    expect(items).toEqual(['fal'])
    expect(attempts.map(({ cost }) => cost)).toEqual([100, 1])
  })

  it.each([
    ['a full disk', new GatewayError('INTERNAL_ERROR', 'The disk is full.'), 'The disk is full.'],
    ['a bug', new TypeError('secret detail'), 'The gateway could not make the image ready.'],
  ])(
    'and meets %s ends the request, all its chains, and pays nobody else',
    async (_what, error, message) => {
      const calls: string[] = []
      const promise = run(
        async (provider, count) => {
          calls.push(`${provider} ${count}`)
          if (calls.length === 3) throw fail('overloaded')
          return [provider]
        },
        {
          count: 3,
          deliver: async () => {
            throw error
          },
        },
      )
      await expect(promise).rejects.toMatchObject({ code: 'INTERNAL_ERROR', message })
      // The third chain may have moved on before the first two met the fault, and not further.
      expect(calls.length).toBeLessThanOrEqual(4)
    },
  )

  it('and meets a bug keeps the bug for the log, and its cost', async () => {
    const bug = new TypeError('secret detail')
    const attempts: Attempt[] = []
    const promise = run(async (provider) => [provider], {
      onAttempt: (attempt) => attempts.push(attempt),
      deliver: async () => {
        throw bug
      },
    })
    await expect(promise).rejects.toMatchObject({ code: 'INTERNAL_ERROR' })
    expect(attempts).toMatchObject([
      { unexpected: bug, fault: { code: 'INTERNAL_ERROR' }, cost: 100 },
    ])
  })

  it('is not what a request costs that the gateway refuses before it calls anybody', async () => {
    const attempts: Attempt[] = []
    const refused = new GatewayError('INVALID_REQUEST', 'image[0] is damaged')
    const promise = run(() => Promise.reject(refused), {
      onAttempt: (attempt) => attempts.push(attempt),
    })
    await expect(promise).rejects.toBe(refused)
    expect(attempts).toMatchObject([{ provider: 'gemini', status: 'failed', cost: 0 }])
    expect(attempts[0]?.unexpected).toBeUndefined()
  })

  it('and came before the gateway failed is answered, and nothing further is begun', async () => {
    let deliveries = 0
    const { items, calls } = await run(
      async (provider) => {
        if (deliveries > 0) throw fail('overloaded')
        return [provider]
      },
      {
        count: 2,
        deliver: async (answer) => {
          deliveries += 1
          if (deliveries === 2) throw new GatewayError('INTERNAL_ERROR', 'The disk is full.')
          return answer
        },
      },
    )
    expect(items).toEqual(['gemini'])
    expect(calls).toEqual(['gemini 1', 'gemini 1'])
  })

  it('just before the deadline has the grace time to be made ready', async () => {
    const { items } = await run(async (provider) => [provider], {
      deadlineMs: systemClock.monotonicMs() + 20,
      preferences: { order: ['gemini'] },
      policy: { cancelGraceMs: 500 },
      deliver: (answer, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
          setTimeout(() => resolve(answer), 80)
        }),
    })
    expect(items).toEqual(['gemini'])
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
        candidates: fourCandidates().filter(({ offering }) => offering.provider === 'fal'),
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
    expect(items).toEqual(['gemini', 'fal', 'gemini'])
    expect(calls).toEqual(['gemini 1', 'gemini 1', 'gemini 1', 'fal 1'])
  })

  it('that an answer lacks are asked of the next offering', async () => {
    const { items, calls } = await run(async (provider) => [provider], {
      count: 3,
      candidates: fourCandidates().filter(({ offering }) =>
        ['fal', 'replicate'].includes(offering.provider),
      ),
    })
    expect(items).toEqual(['fal', 'replicate', 'replicate'])
    expect(calls).toEqual(['fal 3', 'replicate 1', 'replicate 1'])
  })
})
