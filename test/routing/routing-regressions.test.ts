import { describe, expect, it } from 'vitest'
import { chooseNext } from '#src/routing/choose-next.ts'
import { chooseHedge } from '#src/routing/hedge.ts'
import { rankOptions } from '#src/routing/rank-options.ts'
import { fail, fourCandidates, run, untilAborted } from './failover-harness.ts'
import {
  cellAt,
  counts,
  MINUTE,
  MODEL,
  PROVIDERS,
  SECOND,
  successes,
  type World,
  watch,
} from './tracker-harness.ts'

describe('a rate limit that names no time', () => {
  it('pauses for as long when two attempts in flight meet it as when one does', () => {
    const world = watch()
    const tickets = [world.begin('gemini'), world.begin('gemini')]
    world.pass(100)
    for (const ticket of tickets) world.settle(ticket, 'rate_limited')
    expect(world.health('gemini').pause?.untilMs).toBe(world.now() + SECOND)
  })
})

describe('the breaker', () => {
  it('does not open for an outage that other gateways saw an hour ago', () => {
    const world = watch()
    world.pass(2 * 60 * MINUTE)
    const { id } = cellAt('gemini')
    world.tracker.absorb(id, counts({ timeout: 9 }), world.now() - 60 * MINUTE, world.now())
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('takes nothing that began before it closed for a sign of a new outage', () => {
    const world = watch()
    const tickets = [1, 2, 3, 4, 5, 6].map(() => world.begin('gemini'))
    world.pass(30 * SECOND)
    world.takeForDown('gemini')
    const sinceMs = world.now() + SECOND
    const circuit = { state: 'closed', sinceMs, untilMs: 0, openings: 0 } as const
    world.pass(SECOND)
    world.tracker.adoptHealth(`${MODEL}:gemini`, { circuit })
    for (let count = 0; count < 37; count += 1) world.pass(SECOND)
    expect(world.health('gemini').isOpen).toBe(false)
    for (const ticket of tickets) world.settle(ticket, 'timeout')
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('weighs attempts that become late against the images that came between them', () => {
    const world = watch()
    for (let count = 0; count < 3; count += 1) {
      world.begin('gemini')
      world.attempt('fal', 'abandoned', 300)
    }
    world.attempt('fal', 'abandoned', 49_200)
    for (let count = 0; count < 3; count += 1) world.attempt('gemini', 'success', 300)
    world.pass(10)
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('takes an image that another gateway just got for a sign of life', () => {
    const world = watch()
    world.tracker.setReplicas(3)
    for (let count = 0; count < 8; count += 1) world.begin('gemini')
    world.pass(20 * SECOND)
    expect(world.health('gemini').isOpen).toBe(false)
    const { id } = cellAt('gemini')
    world.tracker.absorb(id, successes(1, 26 * SECOND), world.now(), world.now())
    world.pass(4.9 * SECOND)
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('forgets that an attempt was late when the provider answers that the request is wrong', () => {
    const world = watch()
    const tickets = [world.begin('gemini'), world.begin('gemini')]
    world.pass(52 * SECOND)
    for (const ticket of tickets) world.settle(ticket, 'answered')
    world.attempt('gemini', 'timeout', 70 * SECOND)
    expect(world.health('gemini').isOpen).toBe(false)
  })
})

describe('what other gateways tell', () => {
  it('of a provider that is not configured here is not kept', () => {
    const world = watch()
    const pause = { reason: 'taken_out', sinceMs: 0, untilMs: 9e15 } as const
    world.tracker.adoptHealth('the/other:nobody', { pause })
    expect(() => world.health('nobody')).toThrow('not watched')
    expect(PROVIDERS.filter((provider) => world.health(provider).pause)).toEqual([])
  })
})

describe('a probe', () => {
  const granted = (probe: 'live' | 'duplicate'): World => {
    const world = watch({ policy: { probe } })
    world.takeForDown('fal')
    world.tracker.grantProbe(`${MODEL}:fal`, world.now())
    return world
  }

  it('by a live request is not made with the only try that the client allows', () => {
    const preferences = { order: ['gemini'], allowFallbacks: false }
    const decision = chooseNext(granted('live').situation({ preferences }))
    expect(decision).toMatchObject({ chosen: { option: { cell: { provider: 'gemini' } } } })
  })

  it.each(['live', 'duplicate'] as const)(
    '(%s) is not sent to a provider that asked to be left alone',
    (how) => {
      const world = granted(how)
      world.pauseFor('fal', 30 * SECOND)
      const decision = chooseNext(world.situation())
      expect(decision).toMatchObject({ chosen: { option: { cell: { provider: 'gemini' } } } })
      expect(decision).not.toHaveProperty('probe')
    },
  )
})

describe('a hedge', () => {
  it('does not go where slow start has no room', () => {
    const world = watch()
    world.fill('fal')
    const situation = world.situation({ preferences: { sort: 'latency', hedge: true } })
    const running = rankOptions(situation)[0]
    const rival = running && chooseHedge(running, situation)
    expect(rival?.chosen.option.cell.provider).toBe('vertex')
  })

  const hedged = {
    timeScale: 5_000,
    policy: { leastTimeoutMs: 5e5, longestTimeoutMs: 5e5 },
    candidates: fourCandidates().map((candidate) => ({ ...candidate, isCancelFree: true })),
  }

  it('is not begun where the client allows no second provider', async () => {
    const { calls } = await run(
      async (provider) => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        return [provider]
      },
      { ...hedged, preferences: { order: ['gemini'], allowFallbacks: false, hedge: true } },
    )
    expect(calls).toEqual(['gemini 1'])
  })

  it('that wins with fewer images than were wanted lets the chain go on for the rest', async () => {
    const { items } = await run(
      (provider, _count, { signal }) =>
        provider === 'fal' ? untilAborted(signal) : Promise.resolve([provider]),
      { ...hedged, count: 2, preferences: { order: ['fal', 'gemini'], hedge: true } },
    )
    expect(items).toHaveLength(2)
  })

  it('asks no more images of a call than its provider makes', async () => {
    const { calls } = await run(
      (provider, count, { signal }) =>
        provider === 'fal'
          ? untilAborted(signal)
          : Promise.resolve(Array.from({ length: count }, () => provider)),
      { ...hedged, count: 2, preferences: { order: ['fal', 'gemini'], hedge: true } },
    )
    expect(calls).not.toContain('gemini 2')
  })

  it('is begun once in a request', async () => {
    const { calls } = await run(
      async (provider) => {
        await new Promise((resolve) => setTimeout(resolve, 40))
        if (provider === 'gemini' || provider === 'fal') throw fail('overloaded')
        return [provider]
      },
      { ...hedged, preferences: { sort: 'latency', hedge: true } },
    )
    expect(calls).toEqual(['gemini 1', 'fal 1', 'vertex 1'])
  })
})

describe('a refusal', () => {
  it('ends the request although a hedge is under way, which is cancelled', async () => {
    const { items, attempts } = await run(
      (provider, _count, { signal }) =>
        provider === 'gemini'
          ? new Promise((_, reject) => setTimeout(() => reject(fail('content_rejected')), 30))
          : untilAborted(signal),
      {
        timeScale: 5_000,
        policy: { leastTimeoutMs: 5e6, longestTimeoutMs: 5e6 },
        candidates: fourCandidates().map((each) => ({ ...each, isCancelFree: true })),
        preferences: { hedge: true },
      },
    )
    expect(items).toEqual([])
    expect(attempts.map(({ provider, status }) => [provider, status])).toEqual([
      ['gemini', 'failed'],
      ['fal', 'cancelled'],
    ])
  })
})

describe('a queue at a provider', () => {
  it('is noticed by what is in flight before it has been waited through', () => {
    const world = watch()
    const rank = () => rankOptions(world.situation())[0]
    for (let count = 0; count < 30; count += 1) world.attempt('gemini', 'success', 27 * SECOND)
    const calm = rank()
    expect(calm).toMatchObject({ crowding: 1, option: { cell: { provider: 'gemini' } } })
    for (let count = 0; count < 200; count += 1) world.begin('gemini')
    const crowded = rankOptions(world.situation()).find(
      ({ option }) => option.cell.provider === 'gemini',
    )
    expect(crowded?.crowding).toBeGreaterThan(3)
    expect(crowded?.score.score).toBeGreaterThan(2 * (calm?.score.score ?? 0))
    expect(rank()?.option.cell.provider).not.toBe('gemini')
  })

  it('is not what a few in flight at a quiet provider are', () => {
    const world = watch()
    for (let count = 0; count < 20; count += 1) world.begin('gemini')
    const [first] = rankOptions(world.situation())
    expect(first).toMatchObject({ crowding: 1, option: { cell: { provider: 'gemini' } } })
  })
})

describe('a hedge that is begun', () => {
  it('is a decision like any other, told with its candidates', async () => {
    const { decisions } = await run(
      async (provider) => {
        await new Promise((resolve) => setTimeout(resolve, provider === 'gemini' ? 60 : 1))
        return [provider]
      },
      {
        timeScale: 5_000,
        policy: { leastTimeoutMs: 5e6, longestTimeoutMs: 5e6 },
        candidates: fourCandidates().map((each) => ({ ...each, isCancelFree: true })),
        preferences: { hedge: true },
      },
    )
    expect(decisions).toMatchObject([
      { type: 'try', reason: 'best', chosen: { option: { cell: { provider: 'gemini' } } } },
      { type: 'try', reason: 'hedge', chosen: { option: { cell: { provider: 'fal' } } } },
    ])
    expect(decisions[1]?.ranking).toHaveLength(4)
  })
})

describe('a deadline that nothing is likely to keep', () => {
  it('does not keep a first try from being made, where the chances are best', () => {
    const decision = chooseNext(watch().situation({ leftMs: 3 * SECOND }))
    expect(decision).toMatchObject({ type: 'try', reason: 'last_resort' })
  })

  it('is not spent on a provider that is down, however fast it was', () => {
    for (const leftMs of [8 * SECOND, 12 * SECOND, 15 * SECOND]) {
      const world = watch()
      world.takeForDown('gemini')
      const decision = chooseNext(world.situation({ leftMs }))
      expect(decision).toMatchObject({ chosen: { option: { cell: { provider: 'vertex' } } } })
    }
  })

  it('puts a provider that may keep it before a better one that will not', () => {
    const world = watch()
    for (let count = 0; count < 30; count += 1) {
      world.attempt('gemini', 'success', 60 * SECOND)
      world.attempt('replicate', 'success', 5 * SECOND)
    }
    const decision = chooseNext(world.situation({ leftMs: 8 * SECOND }))
    expect(decision).toMatchObject({ chosen: { option: { cell: { provider: 'replicate' } } } })
  })
})
