import { describe, expect, it } from 'vitest'
import { chooseNext } from '#src/routing/choose-next.ts'
import { countsWithin } from '#src/routing/cut-short.ts'
import { NO_HISTORY, withTry } from '#src/routing/rank-options.ts'
import {
  cellAt,
  counts,
  listeningExchange,
  type Provider,
  SECOND,
  type World,
  watch,
} from './tracker-harness.ts'

/** Always the same numbers in [0, 1). */
const coin = (seed: number) => () => {
  seed = (seed * 1_664_525 + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

/** How a provider really is. */
interface Truth {
  readonly success: number
  readonly medianMs: number
  readonly sigma: number
}

/** Attempts one after another, each given `limitMs`; half of the failures show after a second, the others never. */
const tryOften = (world: World, truth: Truth, limitMs: number, times: number): void => {
  const random = coin(times)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  for (let count = 0; count < times; count += 1) {
    const ticket = world.begin('gemini', false, false, limitMs)
    const isImage = random() < truth.success
    const failureMs = random() < 0.5 ? SECOND : Number.POSITIVE_INFINITY
    const endMs = isImage ? truth.medianMs * Math.exp(truth.sigma * normal()) : failureMs
    world.pass(Math.min(endMs, limitMs))
    const end = isImage ? 'success' : 'outage'
    world.settle(ticket, endMs <= limitMs ? end : 'timeout')
    world.pass(SECOND)
  }
}

/** Requests one after another, of which `dead` answers none; all else takes 30 s. Who was tried first, and how many failed. */
const serve = (world: World, dead: Provider, deadlineMs: number, requests: number) => {
  const served = { deadFirst: 0, failed: 0 }
  for (let count = 0; count < requests; count += 1) {
    let [history, leftMs, isServed] = [NO_HISTORY, deadlineMs, false]
    for (;;) {
      const decision = chooseNext(world.situation({ leftMs, history }))
      if (decision.type !== 'try') break
      const { cell } = decision.chosen.option
      if (history === NO_HISTORY && cell.provider === dead) served.deadFirst += 1
      const limitMs = Math.min(decision.timeoutMs, leftMs)
      const ticket = world.begin(cell.provider, false, false, limitMs)
      isServed = cell.provider !== dead && limitMs >= 30 * SECOND
      const takenMs = isServed ? 30 * SECOND : limitMs
      world.pass(takenMs)
      leftMs -= takenMs
      world.settle(ticket, isServed ? 'success' : 'timeout')
      if (isServed) break
      history = withTry(history, cell.provider, 'timeout')
    }
    if (!isServed) served.failed += 1
    world.pass(SECOND)
  }
  return served
}

const AS_BELIEVED: Truth = { success: 0.835, medianMs: 26 * SECOND, sigma: 0.334 }

describe('a provider that answers nothing', () => {
  it.each([45, 48, 60])(
    'is not tried first for ever when the gateway gives every request %i s',
    (seconds) => {
      const world = watch({ usualLimitMs: seconds * SECOND })
      const { deadFirst, failed } = serve(world, 'gemini', seconds * SECOND, 40)
      expect(deadFirst).toBeLessThanOrEqual(4)
      expect(failed).toBeLessThanOrEqual(4)
    },
  )

  it.each([45, 48])('nor when every client gives its request %i s', (seconds) => {
    const { deadFirst, failed } = serve(watch(), 'gemini', seconds * SECOND, 40)
    expect(deadFirst).toBeLessThanOrEqual(8)
    expect(failed).toBeLessThanOrEqual(8)
  })

  it('has its breaker opened by short attempts, too, each as telling as its time-out is unlikely', () => {
    const openedBy = (limitMs: number): number => {
      const world = watch()
      for (let tries = 1; tries <= 200; tries += 1) {
        const ticket = world.begin('gemini', false, false, limitMs)
        world.pass(limitMs)
        world.settle(ticket, 'timeout')
        if (world.health('gemini').isOpen) return tries
      }
      return Number.POSITIVE_INFINITY
    }
    const [nearly, half, least] = [openedBy(48_000), openedBy(26_000), openedBy(8_000)]
    expect(nearly).toBeLessThan(12)
    expect(half).toBeGreaterThan(nearly)
    expect(half).toBeLessThan(60)
    expect(least).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('attempts that their requests gave less than the usual time', () => {
  it.each([10, 22, 30, 48])('of %i s move no belief that is right', (seconds) => {
    const world = watch()
    const before = world.estimate('gemini')
    tryOften(world, AS_BELIEVED, seconds * SECOND, 300)
    const { usualSuccess, latency } = world.estimate('gemini')
    expect(Math.abs(usualSuccess - before.usualSuccess)).toBeLessThan(0.1)
    expect(Math.abs(latency.logMean - before.latency.logMean)).toBeLessThan(0.15)
    expect(Math.abs(latency.sigma - before.latency.sigma)).toBeLessThan(0.1)
  })

  it('take the first place from a provider that is slower than believed, after a few', () => {
    const world = watch()
    tryOften(world, { ...AS_BELIEVED, medianMs: 60 * SECOND, sigma: 0.15 }, 48 * SECOND, 6)
    const decision = chooseNext(world.situation({ leftMs: 48 * SECOND }))
    expect(decision).toMatchObject({ chosen: { option: { cell: { provider: 'replicate' } } } })
  })

  it('show that a provider is faster than believed', () => {
    const world = watch()
    tryOften(world, { success: 0.835, medianMs: 8 * SECOND, sigma: 0.3 }, 22 * SECOND, 40)
    const { latency, success } = world.estimate('gemini')
    expect(Math.exp(latency.logMean)).toBeLessThan(11 * SECOND)
    expect(success).toBeGreaterThan(0.75)
  })

  it('do not open the breaker by a cancellation that the provider is slow to confirm', () => {
    const world = watch()
    const before = world.estimate('gemini').success
    const tickets = [1, 2, 3, 4, 5].map(() => world.begin('gemini', false, false, 10 * SECOND))
    world.pass(60 * SECOND)
    expect(world.estimate('gemini').success).toBe(before)
    for (const ticket of tickets) world.settle(ticket, 'timeout')
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('are all told for the history, and no measure to others but for rate limits and refusals', () => {
    const { exchange, observations } = listeningExchange()
    const world = watch({ exchange })
    const outcomes = ['success', 'timeout', 'outage', 'empty', 'rate_limited', 'refused'] as const
    for (const outcome of outcomes) {
      const ticket = world.begin('gemini', false, false, 9 * SECOND)
      world.pass(9 * SECOND)
      world.settle(ticket, outcome)
    }
    expect(observations.map(({ outcome, isCutShort }) => [outcome, isCutShort])).toEqual([
      ['success', true],
      ['timeout', true],
      ['outage', true],
      ['empty', true],
      ['rate_limited', undefined],
      ['refused', undefined],
    ])
  })

  it('are told from those that the gateway itself cut at its limit, which count', () => {
    const world = watch()
    const cell = cellAt('fal', '4K')
    const before = world.estimate('fal', '4K')
    expect(before.timeoutMs).toBe(120 * SECOND)
    const begin = { isFirst: true, isProbe: false, limitMs: before.timeoutMs }
    for (let count = 0; count < 4; count += 1) {
      const ticket = world.tracker.begin(cell, begin, world.now())
      world.pass(120 * SECOND)
      world.settle(ticket, 'timeout')
    }
    expect(world.estimate('fal', '4K').success).toBeLessThan(0.7 * before.success)
    expect(world.health('fal').isOpen).toBe(true)
  })
})

describe('the counts of an attempt that was cut short', () => {
  const believed = { success: 0.8, latency: { logMean: Math.log(20_000), sigma: 0.3 } }
  const observed = { cell: cellAt('gemini'), atMs: 0 }

  it('are numbers, however short it was', () => {
    for (const limitMs of [0, 1, 1_000, 1e9]) {
      for (const outcome of ['success', 'timeout'] as const) {
        const learnt = countsWithin({ ...observed, outcome, durationMs: 1 }, believed, limitMs)
        expect(Object.values(learnt).every(Number.isFinite)).toBe(true)
      }
    }
  })

  it('are a part of a failure, by how likely an image was in its time', () => {
    const timeout = { ...observed, outcome: 'timeout', durationMs: 20_000 } as const
    const learnt = countsWithin(timeout, believed, 20_000)
    expect(learnt).toEqual(
      counts({
        timeout: expect.closeTo(1 / 6, 6),
        failureMs: expect.closeTo(20_000 / 6, 2),
      } as never),
    )
  })

  it('are those of any other where a success is nearly sure to come in time', () => {
    const success = { ...observed, outcome: 'success', durationMs: 20_000 } as const
    const learnt = countsWithin(success, believed, 200_000)
    expect(learnt.logLatency).toBeCloseTo(Math.log(20_000), 6)
    expect(learnt.logLatencySquared).toBeCloseTo(Math.log(20_000) ** 2, 4)
  })
})
