import { describe, expect, it } from 'vitest'
import { EventQueue } from '#src/simulation/event-queue.ts'
import { type CallEnd, Upstream } from '#src/simulation/upstream.ts'
import {
  type Change,
  type Quota,
  type SimulatedProvider,
  USUAL_TIER,
} from '#src/simulation/upstream-model.ts'

const provider = (part: {
  quota?: Quota
  changes?: readonly Change[]
  success?: number
  tiers?: NonNullable<SimulatedProvider['tiers']>
  failures?: SimulatedProvider['failures']
}): SimulatedProvider => ({
  name: 'fake',
  success: 1,
  // Every generation takes 10 s.
  latency: { logMean: Math.log(10_000), sigma: 0 },
  failures: { quick: 1, empty: 0, hang: 0 },
  quota: { type: 'rate', perSecond: 1_000 },
  usdPerImage: 0.05,
  changes: [],
  ...part,
})

/** Calls a provider at these moments and gives what each call came to. */
const callAt = (
  fake: SimulatedProvider,
  moments: readonly number[],
  timeoutMs = 60_000,
  tier = USUAL_TIER,
) => {
  const queue = new EventQueue()
  const upstream = new Upstream([fake], 1, queue)
  const ends: CallEnd[] = []
  for (const [request, atMs] of moments.entries()) {
    queue.plan(atMs, (nowMs) => {
      const call = { request, attempt: 0, isAgain: false, isRefused: false, tier }
      upstream.call(0, call, timeoutMs, nowMs, (end) => {
        ends[request] = end
      })
    })
  }
  queue.run()
  return ends
}

describe('the simulated providers', () => {
  it('bring an image after a generation', () => {
    const [end] = callAt(provider({}), [0])
    expect(end).toEqual({
      outcome: 'success',
      durationMs: expect.closeTo(10_000, 3),
      isBilled: true,
    })
  })

  it('take more, and succeed less, with pictures of a scale that is harder for them', () => {
    const tiers = { '4K': { slowness: 2.5, successFactor: 0 } }
    const hard = provider({ tiers, failures: { quick: 0, empty: 1, hang: 0 } })
    const [usual] = callAt(hard, [0])
    expect(usual).toMatchObject({ outcome: 'success', durationMs: expect.closeTo(10_000, 3) })
    const [large] = callAt(hard, [0], 60_000, '4K')
    expect(large).toMatchObject({ outcome: 'empty', durationMs: expect.closeTo(25_000, 3) })
  })

  it('are cut off at the time limit and bill what they go on to generate', () => {
    const [end] = callAt(provider({}), [0], 4_000)
    expect(end).toEqual({ outcome: 'timeout', durationMs: 4_000, isBilled: true })
  })

  it('fail fast when they fail with a 5xx', () => {
    const [end] = callAt(provider({ success: 0 }), [0])
    expect(end?.outcome).toBe('outage')
    expect(end?.durationMs).toBeGreaterThanOrEqual(300)
    expect(end?.durationMs).toBeLessThanOrEqual(2_000)
  })

  it('answer 429 with whole seconds once their bucket is empty', () => {
    const ends = callAt(provider({ quota: { type: 'rate', perSecond: 0.1 } }), [0, 100])
    expect(ends.map(({ outcome }) => outcome)).toEqual(['success', 'rate_limited'])
    expect(ends[1]).toMatchObject({ durationMs: 300, retryAfterMs: 10_000, isBilled: false })
  })

  it('queue what exceeds their slots', () => {
    const ends = callAt(provider({ quota: { type: 'slots', slots: 1 } }), [0, 0, 0], 25_000)
    expect(ends.map(({ outcome }) => outcome)).toEqual(['success', 'success', 'timeout'])
    expect(ends[1]?.durationMs).toBeCloseTo(20_000, 3)
  })

  it('end a job as a rate limit that never left the queue', () => {
    const ends = callAt(provider({ quota: { type: 'slots', slots: 1 } }), [0, 0], 5_000)
    expect(ends.map(({ outcome }) => outcome)).toEqual(['timeout', 'rate_limited'])
  })

  it('take what is under way with them when they die', () => {
    const death = (dead: 'refuses' | 'hangs') =>
      provider({ changes: [{ fromMs: 5_000, untilMs: 50_000, dead }] })
    const [refused] = callAt(death('refuses'), [0])
    expect(refused?.outcome).toBe('outage')
    expect(refused?.durationMs).toBeLessThan(7_001)
    const [hung] = callAt(death('hangs'), [0])
    expect(hung).toEqual({ outcome: 'timeout', durationMs: 60_000, isBilled: false })
  })
})
