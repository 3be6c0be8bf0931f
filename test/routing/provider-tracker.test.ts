import { describe, expect, it } from 'vitest'
import type { Outcome } from '#src/domain/provider-stats.ts'
import { cellAt, listeningExchange, MINUTE, MODEL, SECOND, watch } from './tracker-harness.ts'

describe('what an attempt teaches', () => {
  it('is more trust after an image, and its duration', () => {
    const world = watch()
    const before = world.estimate('gemini')
    world.attempt('gemini', 'success', 60 * SECOND)
    const after = world.estimate('gemini')
    expect(after.success).toBeGreaterThan(before.success)
    expect(after.latency.logMean).toBeGreaterThan(before.latency.logMean)
    expect(after.failureMs).toBe(before.failureMs)
  })

  it.each<Outcome>(['outage', 'timeout', 'empty'])(
    'is less trust after %s, and its time',
    (how) => {
      const world = watch()
      const before = world.estimate('gemini')
      world.attempt('gemini', how, SECOND)
      const after = world.estimate('gemini')
      expect(after.success).toBeLessThan(before.success)
      expect(after.failureMs).toBeLessThan(before.failureMs)
      expect(after.latency).toEqual(before.latency)
    },
  )

  it.each(['refused', 'rate_limited', 'answered', 'abandoned'] as const)(
    'is nothing about success or duration after %s',
    (how) => {
      const world = watch()
      const before = world.estimate('gemini')
      for (let count = 0; count < 20; count += 1) world.attempt('gemini', how, SECOND)
      expect(world.estimate('gemini')).toEqual(before)
      expect(world.health('gemini').isOpen).toBe(false)
    },
  )

  it('reaches the other scales of the same offering, and no other provider', () => {
    const world = watch()
    const [before, other] = [world.estimate('gemini', '4K'), world.estimate('fal')]
    for (let count = 0; count < 5; count += 1) world.attempt('gemini', 'empty', SECOND)
    expect(world.estimate('gemini', '4K').success).toBeLessThan(before.success)
    expect(world.estimate('fal')).toEqual(other)
  })

  it('fades: soon from what is expected now, slowly from what is usual', () => {
    const world = watch()
    for (let count = 0; count < 30; count += 1) world.attempt('gemini', 'empty', SECOND)
    const bad = world.estimate('gemini')
    world.pass(60 * MINUTE)
    const later = world.estimate('gemini')
    expect(later.usualSuccess - bad.usualSuccess).toBeLessThan(0.05)
    expect(later.success - bad.success).toBeGreaterThan(0.2)
    world.pass(3 * 24 * 60 * MINUTE)
    expect(world.estimate('gemini').success).toBeCloseTo(0.835, 2)
  })

  it('is shared as it is, and only when there is something to learn', () => {
    const { exchange, observations } = listeningExchange()
    const world = watch({ exchange })
    world.attempt('gemini', 'abandoned', SECOND)
    world.attempt('gemini', 'answered', SECOND)
    world.attempt('gemini', 'success', 20 * SECOND, { firstByteMs: 18 * SECOND })
    world.attempt('fal', 'refused', SECOND)
    const cell = cellAt('gemini')
    const firstByteMs = 18 * SECOND
    expect(observations).toEqual([
      {
        cell,
        outcome: 'success',
        durationMs: 20 * SECOND,
        atMs: world.now() - SECOND,
        firstByteMs,
      },
      { cell: cellAt('fal'), outcome: 'refused', durationMs: SECOND, atMs: world.now() },
    ])
  })

  it('is an error for an offering that is not kept track of', () => {
    const world = watch()
    expect(() => world.begin('nobody')).toThrow('the/model:nobody is not watched')
    expect(() => world.tracker.estimateOf(cellAt('nobody'), world.now())).toThrow(
      'nobody/model is not kept track of',
    )
  })
})

describe('an attempt in flight', () => {
  it('is counted until it ends, however it ends', () => {
    const world = watch()
    const tickets = [world.begin('gemini', true), world.begin('gemini')]
    expect(world.health('gemini')).toMatchObject({ inFlight: 2, firstInFlight: 1 })
    for (const ticket of tickets) world.settle(ticket, 'abandoned')
    expect(world.health('gemini')).toMatchObject({ inFlight: 0, firstInFlight: 0 })
  })

  it('counts as a failure once it is later than nearly every success, until it comes', () => {
    const world = watch()
    const before = world.estimate('gemini').success
    const ticket = world.begin('gemini')
    world.pass(49 * SECOND)
    expect(world.estimate('gemini').success).toBe(before)
    world.pass(3 * SECOND)
    expect(world.estimate('gemini').success).toBeCloseTo((6 * 0.835) / 7, 6)
    world.pass(SECOND)
    expect(world.estimate('gemini').success).toBeCloseTo((6 * 0.835) / 7, 6)
    world.settle(ticket, 'success')
    expect(world.estimate('gemini').success).toBeGreaterThan(before)
  })

  it('that was late and was then given up leaves no failure behind', () => {
    const world = watch()
    const before = world.estimate('gemini')
    const ticket = world.begin('gemini')
    world.pass(60 * SECOND)
    world.settle(ticket, 'abandoned')
    expect(world.estimate('gemini')).toEqual(before)
  })

  it('that times out after it was late counts once', () => {
    const world = watch()
    const ticket = world.begin('gemini')
    world.pass(60 * SECOND)
    world.settle(ticket, 'timeout')
    const once = watch()
    once.pass(60 * SECOND)
    once.tracker.settle(once.begin('gemini'), { outcome: 'timeout', durationMs: 6e4 }, once.now())
    expect(world.estimate('gemini')).toEqual(once.estimate('gemini'))
  })
})

describe('a rate limit', () => {
  const leftMs = (world: ReturnType<typeof watch>, provider = 'gemini') =>
    (world.health(provider).pause?.untilMs ?? Number.NaN) - world.now()

  it('pauses for as long as the provider asks, and up to half as long again', () => {
    const exact = watch()
    exact.attempt('gemini', 'rate_limited', 100, { retryAfterMs: 8 * SECOND })
    expect(exact.health('gemini').pause).toEqual({
      reason: 'rate_limited',
      sinceMs: exact.now(),
      untilMs: exact.now() + 8 * SECOND,
    })
    const longer = watch({ random: () => 0.9999 })
    longer.attempt('gemini', 'rate_limited', 100, { retryAfterMs: 8 * SECOND })
    expect(leftMs(longer)).toBeCloseTo(12 * SECOND, -1)
  })

  it('pauses for a minute at most', () => {
    const world = watch({ random: () => 0.5 })
    world.attempt('gemini', 'rate_limited', 100, { retryAfterMs: 3_600 * SECOND })
    expect(leftMs(world)).toBe(60 * SECOND)
  })

  it('that names no time pauses for 1, 2, 4, 4 s, and for 1 s again after an image', () => {
    const world = watch()
    const pausesMs = [1, 2, 3, 4].map(() => {
      world.attempt('gemini', 'rate_limited', 100)
      const pauseMs = leftMs(world)
      world.pass(pauseMs)
      return pauseMs
    })
    expect(pausesMs).toEqual([1_000, 2_000, 4_000, 4_000])
    world.attempt('gemini', 'success', SECOND)
    world.attempt('gemini', 'rate_limited', 100)
    expect(leftMs(world)).toBe(1_000)
  })

  it('pauses that model at that provider alone, and is over when its time is', () => {
    const world = watch()
    world.attempt('gemini', 'rate_limited', 100)
    expect(world.health('vertex').pause).toBeUndefined()
    world.pass(999)
    expect(world.health('gemini').pause).toBeDefined()
    world.pass(1)
    expect(world.health('gemini').pause).toBeUndefined()
  })

  it('does not shorten a longer pause', () => {
    const world = watch()
    world.attempt('gemini', 'rate_limited', 100, { retryAfterMs: 30 * SECOND })
    world.attempt('gemini', 'rate_limited', 100, { retryAfterMs: SECOND })
    expect(leftMs(world)).toBe(30 * SECOND - 100)
  })

  it('is over once an attempt that began after it brings an image', () => {
    const { exchange, changes } = listeningExchange()
    const world = watch({ exchange })
    const older = world.begin('gemini')
    world.attempt('gemini', 'rate_limited', 100, { retryAfterMs: 30 * SECOND })
    world.settle(older, 'success')
    expect(world.health('gemini').pause).toBeDefined()
    world.attempt('gemini', 'success', 100)
    expect(world.health('gemini').pause).toBeUndefined()
    const key = `${MODEL}:gemini`
    const nowMs = world.now()
    expect(changes).toEqual([
      {
        key,
        pause: {
          reason: 'rate_limited',
          sinceMs: nowMs - 100,
          untilMs: nowMs - 100 + 30 * SECOND,
        },
      },
      { key, resumeBegunMs: nowMs - 100 },
    ])
  })
})

describe('a refused account', () => {
  it('takes all models of the provider out for five minutes, here alone', () => {
    const { exchange, changes } = listeningExchange()
    const world = watch({ exchange })
    world.tracker.takeOut('gemini', world.now())
    const pause = {
      reason: 'taken_out' as const,
      sinceMs: world.now(),
      untilMs: world.now() + 5 * MINUTE,
    }
    expect(world.health('gemini').pause).toEqual(pause)
    expect(world.health('fal').pause).toBeUndefined()
    expect(changes).toEqual([])
    world.pass(5 * MINUTE)
    expect(world.health('gemini').pause).toBeUndefined()
  })

  it('is forgotten once an attempt that began after it brings an image', () => {
    const world = watch()
    world.tracker.takeOut('gemini', world.now())
    world.pass(1)
    world.attempt('gemini', 'success', 100)
    expect(world.health('gemini').pause).toBeUndefined()
  })
})

describe('slow start', () => {
  it('lets two first tries in, and four more for each recent image', () => {
    const world = watch()
    expect(world.health('gemini').slowStartLimit).toBe(2)
    world.attempt('gemini', 'success', 1)
    expect(world.health('gemini').slowStartLimit).toBe(6)
    world.attempt('gemini', 'success', 1)
    expect(world.health('gemini').slowStartLimit).toBe(10)
    expect(world.health('fal').slowStartLimit).toBe(2)
  })

  it('is shared among gateways', () => {
    const world = watch()
    for (let count = 0; count < 3; count += 1) world.attempt('gemini', 'success', 1)
    world.tracker.setReplicas(4)
    expect(world.health('gemini').slowStartLimit).toBe(4)
    world.tracker.setReplicas(0)
    expect(world.health('gemini').slowStartLimit).toBe(14)
  })

  it('begins anew when nothing came for long', () => {
    const world = watch()
    for (let count = 0; count < 50; count += 1) world.attempt('gemini', 'success', 1)
    world.pass(24 * 60 * MINUTE)
    expect(world.health('gemini').slowStartLimit).toBeLessThanOrEqual(3)
  })
})

describe('a busy model', () => {
  it('forgets recent outcomes sooner than a quiet one', () => {
    const [quiet, busy] = [watch(), watch()]
    for (let count = 0; count < 600; count += 1) {
      busy.tracker.arrive(MODEL, busy.now())
      busy.pass(100)
    }
    quiet.pass(60 * SECOND)
    for (const world of [quiet, busy]) {
      for (let count = 0; count < 10; count += 1) world.attempt('gemini', 'empty', 1)
      world.pass(2 * MINUTE)
    }
    expect(busy.estimate('gemini').success).toBeGreaterThan(quiet.estimate('gemini').success)
  })
})
