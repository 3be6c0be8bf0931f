import { describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { fail, fourCandidates, freshRouting, run, untilAborted } from './failover-harness.ts'

/** A first attempt at gemini is late enough for a hedge after 9 ms. */
const TIME_SCALE = 5_000
/** Far more than a test needs, so that a busy machine times nothing out. */
const patient = { leastTimeoutMs: 5e6, longestTimeoutMs: 5e6 }
const free = (only: readonly string[] = ['gemini', 'fal', 'vertex', 'replicate']) =>
  fourCandidates()
    .filter(({ offering }) => only.includes(offering.provider))
    .map((candidate) => ({ ...candidate, isCancelFree: true }))
const hedged = {
  timeScale: TIME_SCALE,
  policy: patient,
  candidates: free(),
  preferences: { sort: 'latency', hedge: true },
} as const

/** Gemini says nothing, the others serve. */
const slowGemini = (provider: string, _count: number, { signal }: { signal: AbortSignal }) =>
  provider === 'gemini' ? untilAborted(signal) : Promise.resolve([provider])

const outcomes = ({ attempts }: Awaited<ReturnType<typeof run>>) =>
  attempts.map(({ provider, status, failure }) => [provider, status, failure?.kind])

describe('a slow attempt', () => {
  it('races against the next best; the loser is cancelled, and both are reported', async () => {
    const result = await run(slowGemini, hedged)
    expect(result.items).toEqual(['fal'])
    expect(result.calls).toEqual(['gemini 1', 'fal 1'])
    expect(outcomes(result)).toEqual([
      ['gemini', 'cancelled', 'cancelled'],
      ['fal', 'completed', undefined],
    ])
  })

  it('that loses teaches nothing about its provider', async () => {
    const routing = freshRouting(patient, TIME_SCALE)
    const [gemini] = fourCandidates()
    if (!gemini) throw new Error('no candidates')
    const before = routing.tracker.estimateOf(gemini.cell, routing.clock.nowMs())
    await run(slowGemini, { ...hedged, routing })
    const nowMs = routing.clock.nowMs()
    const { success, latency } = routing.tracker.estimateOf(gemini.cell, nowMs)
    expect(success).toBeCloseTo(before.success, 9)
    expect(latency.logMean).toBeCloseTo(before.latency.logMean, 9)
    for (const provider of ['gemini', 'fal']) {
      const place = { modelId: FIRST_MODEL, provider }
      expect(routing.tracker.healthOf(place, nowMs)).toMatchObject({
        inFlight: 0,
        firstInFlight: 0,
      })
    }
  })

  it('may still win, and then the second is cancelled', async () => {
    const started = Promise.withResolvers<void>()
    const result = await run(async (provider, _count, { signal }) => {
      if (provider === 'fal') {
        started.resolve()
        return untilAborted(signal)
      }
      await started.promise
      return [provider]
    }, hedged)
    expect(result.items).toEqual(['gemini'])
    expect(outcomes(result)).toEqual([
      ['gemini', 'completed', undefined],
      ['fal', 'cancelled', 'cancelled'],
    ])
  })

  it('that fails leaves the second to serve', async () => {
    const started = Promise.withResolvers<void>()
    const result = await run(async (provider) => {
      if (provider === 'gemini') {
        await started.promise
        throw fail('overloaded')
      }
      started.resolve()
      await new Promise((resolve) => setTimeout(resolve, 3))
      return [provider]
    }, hedged)
    expect(result.items).toEqual(['fal'])
    expect(outcomes(result)).toEqual([
      ['gemini', 'failed', 'overloaded'],
      ['fal', 'completed', undefined],
    ])
  })

  it('hands over to the third when both fail', async () => {
    const started = Promise.withResolvers<void>()
    const result = await run(async (provider) => {
      if (provider === 'fal') started.resolve()
      if (provider === 'gemini') await started.promise
      if (provider === 'gemini' || provider === 'fal') throw fail('overloaded')
      return [provider]
    }, hedged)
    expect(result.items).toEqual(['vertex'])
    expect(result.calls).toEqual(['gemini 1', 'fal 1', 'vertex 1'])
  })

  it.each([
    ['the client did not ask for it', { preferences: { sort: 'latency' } as const }],
    ['cancelled work is paid for', { candidates: fourCandidates() }],
    ['there is nobody else', { candidates: free(['gemini']) }],
  ])('runs alone when %s', async (_why, part) => {
    const { items, calls } = await run(
      async (provider) => {
        await new Promise((resolve) => setTimeout(resolve, 11))
        return [provider]
      },
      { ...hedged, ...part },
    )
    expect([items, calls]).toEqual([['gemini'], ['gemini 1']])
  })

  it('runs alone when the gateway has no hedge left', async () => {
    const routing = freshRouting({ hedgeEarned: 0 }, TIME_SCALE)
    while (routing.hedges.spend());
    const { calls, attempts } = await run(slowGemini, { ...hedged, routing })
    expect(calls).toEqual(['gemini 1', 'fal 1'])
    expect(attempts[0]?.failure?.kind).toBe('timeout')
  })

  it('spends a hedge only when there is somebody to race against', async () => {
    const routing = freshRouting({ hedgeEarned: 0, hedgeSavings: 1 }, TIME_SCALE)
    await run(slowGemini, { ...hedged, routing, candidates: free(['gemini']) })
    expect(routing.hedges.spend()).toBe(true)
  })

  it('is cancelled with its rival when the client leaves', async () => {
    const client = new AbortController()
    const result = await run(
      (provider, _count, { signal }) => {
        if (provider === 'fal') queueMicrotask(() => client.abort())
        return untilAborted(signal)
      },
      { ...hedged, gone: client.signal },
    )
    expect(result.items).toEqual([])
    expect(outcomes(result)).toEqual([
      ['gemini', 'cancelled', 'cancelled'],
      ['fal', 'cancelled', 'cancelled'],
    ])
  })
})

describe('a quick attempt', () => {
  it('races against nobody', async () => {
    const { calls, attempts } = await run(async (provider) => [provider], hedged)
    expect(calls).toEqual(['gemini 1'])
    expect(attempts).toHaveLength(1)
  })

  it('that fails goes on at once', async () => {
    const { calls } = await run(async (provider) => {
      if (provider === 'gemini') throw fail('overloaded')
      return [provider]
    }, hedged)
    expect(calls).toEqual(['gemini 1', 'fal 1'])
  })
})

describe('a refusal in a race', () => {
  const oneOther = { ...hedged, policy: { ...patient, moderationFailover: 'one_other' } } as const
  type Act = (signal: AbortSignal) => Promise<string[]>
  /** Once both run: gemini, who was slow, and its rival fal do this; anybody else would serve. */
  const raceOf = (policy: typeof oneOther | typeof hedged, gemini: Act, fal: Act) => {
    const both = Promise.withResolvers<void>()
    return run(async (provider, _count, { signal }) => {
      if (provider === 'fal') both.resolve()
      await both.promise
      if (provider === 'gemini') return gemini(signal)
      return provider === 'fal' ? fal(signal) : [provider]
    }, policy)
  }
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5))
  const refuses: Act = () => Promise.reject(fail('content_rejected'))
  const fails: Act = () => Promise.reject(fail('overloaded'))
  const serves: Act = async () => ['image']
  const later =
    (act: Act): Act =>
    (signal) =>
      Promise.race([untilAborted(signal), pause().then(() => act(signal))])

  it('leaves the rival to be the one other that is asked', async () => {
    const result = await raceOf(oneOther, refuses, later(serves))
    expect(result.items).toEqual(['image'])
    expect(result.calls).toEqual(['gemini 1', 'fal 1'])
    expect(outcomes(result)).toEqual([
      ['gemini', 'failed', 'content_rejected'],
      ['fal', 'completed', undefined],
    ])
  })

  it.each([
    ['the first refuses', 'and the rival fails', refuses, later(fails)],
    ['the first refuses', 'and so does the rival', refuses, later(refuses)],
    ['the rival refuses', 'and the first fails', later(fails), refuses],
  ])('ends the request when %s %s: the other has been asked', async (_who, _what, first, rival) => {
    const { items, calls } = await raceOf(oneOther, first, rival)
    expect([items, calls]).toEqual([[], ['gemini 1', 'fal 1']])
  })

  it('is followed by another provider when the other one had failed before', async () => {
    const { items, calls } = await raceOf(oneOther, fails, later(refuses))
    expect([items, calls]).toEqual([['vertex'], ['gemini 1', 'fal 1', 'vertex 1']])
  })

  it('by the first ends both where no other may be asked', async () => {
    const result = await raceOf(hedged, refuses, later(serves))
    expect(result.items).toEqual([])
    expect(outcomes(result)).toEqual([
      ['gemini', 'failed', 'content_rejected'],
      ['fal', 'cancelled', 'cancelled'],
    ])
  })
})
