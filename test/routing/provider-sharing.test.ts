import { describe, expect, it } from 'vitest'
import type { CircuitRecord, OutcomeCounts } from '#src/domain/provider-stats.ts'
import { cellAt, counts, MINUTE, MODEL, SECOND, successes, watch } from './tracker-harness.ts'

const KEY = `${MODEL}:gemini`
const open = (sinceMs: number): CircuitRecord => ({
  state: 'open',
  sinceMs,
  untilMs: sinceMs + 10 * SECOND,
  openings: 1,
})
const shut = (sinceMs: number): CircuitRecord => ({
  state: 'closed',
  sinceMs,
  untilMs: 0,
  openings: 0,
})

describe('what other gateways counted', () => {
  it('changes estimates as if it had been seen here', () => {
    const [here, there] = [watch(), watch()]
    here.attempt('gemini', 'success', 40 * SECOND)
    there.pass(40 * SECOND)
    there.tracker.absorb(cellAt('gemini').id, successes(1, 40 * SECOND), there.now(), there.now())
    expect(there.estimate('gemini')).toEqual(here.estimate('gemini'))
    expect(there.health('gemini').slowStartLimit).toBe(here.health('gemini').slowStartLimit)
  })

  it('weighs what it weighs by now when it comes late', () => {
    const [here, there] = [watch(), watch()]
    here.attempt('gemini', 'empty', SECOND)
    here.pass(9 * MINUTE)
    there.pass(9 * MINUTE + SECOND)
    const { id } = cellAt('gemini')
    const seen = counts({ empty: 1, failureMs: SECOND })
    there.tracker.absorb(id, seen, there.now() - 9 * MINUTE, there.now())
    expect(there.estimate('gemini').success).toBeCloseTo(here.estimate('gemini').success, 9)
  })

  it('opens the breaker', () => {
    const world = watch()
    const { id } = cellAt('fal')
    world.tracker.absorb(id, counts({ timeout: 2 }), world.now(), world.now())
    expect(world.health('fal').isOpen).toBe(false)
    world.tracker.absorb(id, counts({ timeout: 1 }), world.now(), world.now())
    expect(world.health('fal').isOpen).toBe(true)
  })

  it('does not open a breaker that closed since', () => {
    const world = watch()
    world.pass(MINUTE)
    world.tracker.adoptHealth(KEY, { circuit: shut(world.now()) })
    const { id } = cellAt('gemini')
    world.tracker.absorb(id, counts({ timeout: 9 }), world.now() - SECOND, world.now())
    expect(world.health('gemini').isOpen).toBe(false)
    expect(world.estimate('gemini').success).toBeCloseTo(world.estimate('gemini').usualSuccess, 9)
  })

  it('shows that somebody tries the provider', () => {
    const world = watch()
    world.pass(20 * MINUTE)
    const seenMs = world.now() - 2 * MINUTE
    world.tracker.absorb(cellAt('gemini').id, successes(1, 100), seenMs, world.now())
    expect(world.health('gemini').lastSeenMs).toBe(seenMs)
  })

  it.each(['', 'gemini/model', 'nobody/model|text_to_image|1K', 'gemini/model|text_to_image|9K'])(
    'of a cell that is not known here is ignored: %j',
    (id) => {
      const world = watch()
      const before = world.estimate('gemini')
      world.tracker.absorb(id, counts({ timeout: 9 }), world.now(), world.now())
      expect(world.estimate('gemini')).toEqual(before)
    },
  )
})

describe('counts of other gateways that cannot be true', () => {
  const log = 26 * Math.log(20_000)
  it.each<[string, Partial<OutcomeCounts>]>([
    ['latencies without successes', { logLatency: 304, logLatencySquared: 3_090 }],
    ['latencies that no attempt has', { success: 1, logLatency: 2_000 }],
    ['squares that are too small', { success: 26, logLatency: log, logLatencySquared: 1 }],
    ['squares that are too large', { success: 1, logLatency: 10, logLatencySquared: 9e9 }],
    ['more successes than there are', { success: 9e15 }],
    ['more time-outs than there are', { timeout: 9e15 }],
    ['time lost to no failure', { failureMs: 9e15 }],
    ['time lost that no attempt takes', { outage: 1, failureMs: 9e15 }],
    ['less than nothing', { success: -1 }],
    ['no numbers', { success: Number.NaN }],
  ])('are dropped whole: %s', (_, part) => {
    const world = watch()
    const before = world.estimate('gemini')
    const nowMs = world.now()
    world.tracker.absorb(cellAt('gemini').id, counts({ ...part, empty: 3 }), nowMs, nowMs)
    expect(world.estimate('gemini')).toEqual(before)
    expect(world.health('gemini').isOpen).toBe(false)
  })
})

describe('what other gateways know of health', () => {
  it('never has more providers open than half of them', () => {
    const world = watch({ providers: ['gemini', 'fal'] })
    for (let count = 0; count < 8; count += 1) world.attempt('gemini', 'outage', SECOND)
    expect(world.health('gemini').isOpen).toBe(true)
    world.takeForDown('fal')
    expect(world.health('fal').isOpen).toBe(false)
    world.pass(SECOND)
    world.tracker.adoptHealth(KEY, { circuit: shut(world.now()) })
    world.attempt('fal', 'outage', 1)
    expect(world.health('fal').isOpen).toBe(true)
  })

  it('keeps no breaker open for longer than twice what this gateway would', () => {
    const world = watch()
    world.takeForDown('fal', 60 * MINUTE)
    const { longestOpenMs } = world.policy
    expect(world.health('fal').circuit.untilMs).toBe(world.now() + 2 * longestOpenMs)
  })

  it('holds when it is newer', () => {
    const world = watch()
    const circuit = open(world.now())
    world.tracker.adoptHealth(KEY, { circuit })
    expect(world.health('gemini')).toMatchObject({ isOpen: true, circuit })
    world.tracker.adoptHealth(KEY, { circuit: shut(world.now() - 1) })
    expect(world.health('gemini').isOpen).toBe(true)
    world.tracker.adoptHealth(KEY, { circuit: shut(world.now() + 1) })
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('that it came back forgets what was lately seen here', () => {
    const world = watch()
    for (let count = 0; count < 20; count += 1) world.attempt('gemini', 'empty', 1)
    const before = world.estimate('gemini')
    world.tracker.adoptHealth(KEY, { circuit: shut(world.now()) })
    expect(world.estimate('gemini').success).toBeGreaterThan(before.success)
    expect(world.estimate('gemini').usualSuccess).toBe(before.usualSuccess)
  })

  it('adds pauses, of which the later end holds', () => {
    const world = watch()
    const pauseUntil = (untilMs: number) =>
      world.tracker.adoptHealth(KEY, {
        pause: { reason: 'rate_limited', sinceMs: world.now(), untilMs },
      })
    pauseUntil(world.now() + 9 * SECOND)
    pauseUntil(world.now() + 3 * SECOND)
    expect(world.health('gemini').pause?.untilMs).toBe(world.now() + 9 * SECOND)
  })

  it('takes no provider out: its account may be refused to them alone', () => {
    const world = watch()
    const untilMs = world.now() + MINUTE
    const pause = { reason: 'taken_out', sinceMs: world.now(), untilMs } as const
    world.tracker.adoptHealth('*:gemini', { pause })
    expect(world.health('gemini').pause).toBeUndefined()
  })

  it('is nothing to act on for a place that is not watched here', () => {
    const world = watch()
    world.tracker.adoptHealth('the/other:gemini', { circuit: open(world.now()) })
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('is kept as it was told', () => {
    const world = watch()
    const [circuit, nowMs] = [open(world.now()), world.now()]
    const pause = { reason: 'rate_limited' as const, sinceMs: nowMs, untilMs: nowMs + 9 }
    world.tracker.adoptHealth(KEY, { circuit, pause })
    expect(world.health('gemini')).toMatchObject({ circuit, pause })
  })
})
