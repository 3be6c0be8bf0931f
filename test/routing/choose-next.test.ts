import { describe, expect, it } from 'vitest'
import type { FailureKind } from '#src/domain/errors.ts'
import { chooseNext, type Decision } from '#src/routing/choose-next.ts'
import { type ChainHistory, NO_HISTORY, withTry } from '#src/routing/rank-options.ts'
import { MINUTE, MODEL, optionAt, PROVIDERS, SECOND, type World, watch } from './tracker-harness.ts'

type Part = Parameters<World['situation']>[0]
const choose = (world: World, part: Part = {}) => chooseNext(world.situation(part))
const historyOf = (...tries: readonly (readonly [string, FailureKind])[]): ChainHistory =>
  tries.reduce((history, [provider, kind]) => withTry(history, provider, kind), NO_HISTORY)

/** The decision in short: without its ranking. */
const short = (decision: Decision): unknown => {
  if (decision.type === 'wait') return ['wait', decision.waitMs]
  if (decision.type === 'stop') return ['stop', decision.reason, decision.retryAfterMs]
  return [decision.reason, decision.chosen.option.cell.provider]
}
const next = (world: World, part: Part = {}) => short(choose(world, part))

/** Providers in the order in which a chain tries them when every try fails so. */
const chain = (world: World, kind: FailureKind, part: Part = {}): string[] => {
  let history = NO_HISTORY
  const tried: string[] = []
  for (;;) {
    const decision = choose(world, { ...part, history })
    if (decision.type !== 'try') return [...tried, decision.type]
    const { provider } = decision.chosen.option.cell
    tried.push(provider)
    history = withTry(history, provider, kind)
  }
}

describe('the choice', () => {
  it('is the best, with its time and the whole ranking', () => {
    const world = watch()
    const decision = choose(world)
    expect(decision).toEqual({
      type: 'try',
      reason: 'best',
      chosen: decision.ranking[0],
      timeoutMs: decision.ranking[0]?.score.timeoutMs,
      ranking: decision.ranking,
    })
    expect(decision.ranking).toHaveLength(4)
  })

  it('changes nothing', () => {
    const world = watch()
    world.takeForDown('fal')
    world.tracker.grantProbe(`${MODEL}:fal`, world.now())
    const first = choose(world)
    expect(choose(world)).toEqual(first)
  })

  it('goes once through all, then once more through the best, six attempts in all', () => {
    expect(chain(watch(), 'overloaded')).toEqual([
      ...['gemini', 'fal', 'vertex', 'replicate', 'gemini', 'fal'],
      'stop',
    ])
  })

  it('tries each provider twice at most', () => {
    const world = watch({ providers: ['gemini', 'fal'] })
    expect(chain(world, 'overloaded')).toEqual(['gemini', 'fal', 'gemini', 'fal', 'stop'])
  })

  it('goes nowhere twice where the account was refused', () => {
    expect(chain(watch(), 'auth')).toEqual(['gemini', 'fal', 'vertex', 'replicate', 'stop'])
  })

  it('tries one, in the given order, where fallbacks are not allowed', () => {
    const preferences = { order: ['vertex'], allowFallbacks: false }
    expect(chain(watch(), 'overloaded', { preferences })).toEqual(['vertex', 'stop'])
  })

  it('does not count rate limits as attempts, but makes ten calls at most', () => {
    const world = watch()
    const nine = Array.from({ length: 9 }, () => ['gemini', 'rate_limited'] as const)
    expect(next(world, { history: historyOf(...nine) })).toEqual(['best', 'gemini'])
    const ten = [...nine, ['fal', 'rate_limited'] as const]
    expect(next(world, { history: historyOf(...ten) })).toEqual(['stop', 'exhausted', undefined])
  })

  it('skips who refused the content when another is asked', () => {
    const history = { ...historyOf(['gemini', 'content_rejected']), refusedBy: 'fal' }
    expect(next(watch(), { history })).toEqual(['best', 'vertex'])
  })

  it('overflows to the next best while the best starts slowly', () => {
    const world = watch()
    world.fill('gemini')
    expect(next(world)).toEqual(['best', 'fal'])
    for (const provider of PROVIDERS) world.fill(provider)
    expect(next(world)).toEqual(['best', 'gemini'])
  })

  it('leaves open circuits for last, and never out', () => {
    const world = watch()
    for (const provider of ['gemini', 'fal']) world.takeForDown(provider)
    expect(chain(world, 'overloaded')).toEqual([
      ...['vertex', 'replicate', 'vertex', 'replicate', 'gemini', 'fal'],
      'stop',
    ])
  })

  it('allows the only one that is left the longest time', () => {
    const options = [optionAt('gemini')]
    expect(choose(watch(), { options })).toMatchObject({ timeoutMs: 120 * SECOND })
    expect(choose(watch(), { options, leftMs: 90 * SECOND })).toMatchObject({
      timeoutMs: 90 * SECOND,
    })
  })
})

describe('the deadline', () => {
  it('lets a first attempt be made whatever is left, and none when nothing is', () => {
    expect(next(watch(), { leftMs: 1 })).toEqual(['last_resort', expect.anything()])
    expect(next(watch(), { leftMs: 0 })).toEqual(['stop', 'no_time', undefined])
  })

  it('ends a chain with less left than the least attempt', () => {
    const history = historyOf(['gemini', 'overloaded'])
    const policy = { ...watch().policy, leastAttemptMs: 60 * SECOND }
    expect(next(watch(), { history, policy, leftMs: 60 * SECOND })).toEqual(['best', 'fal'])
    expect(next(watch(), { history, policy, leftMs: 59 * SECOND })).toEqual([
      ...['stop', 'no_time'],
      undefined,
    ])
  })

  it('leaves out who could hardly finish, and stops when nobody could', () => {
    const failed = ['gemini', 'vertex', 'replicate'].map((name) => [name, 'overloaded'] as const)
    const history = historyOf(...failed)
    expect(next(watch(), { history, leftMs: 30 * SECOND })).toEqual(['best', 'fal'])
    expect(next(watch(), { history, leftMs: 18 * SECOND })).toEqual(['best', 'gemini'])
    expect(next(watch(), { history, leftMs: 8 * SECOND })).toEqual(['stop', 'no_time', undefined])
  })

  it('favours who is fast when little is left', () => {
    const part = { history: historyOf(['gemini', 'overloaded']) }
    expect(next(watch(), { ...part, leftMs: 150 * SECOND })).toEqual(['best', 'fal'])
    expect(next(watch(), { ...part, leftMs: 35 * SECOND })).toEqual(['best', 'replicate'])
  })
})

describe('rate limits', () => {
  const limited = (pausesMs: readonly number[]): World => {
    const world = watch()
    PROVIDERS.forEach((provider, index) => {
      world.pauseFor(provider, pausesMs[index] ?? 0)
    })
    return world
  }

  it('of some leave the choice to the others', () => {
    const world = watch()
    for (const provider of ['gemini', 'fal', 'vertex']) world.pauseFor(provider, SECOND)
    expect(next(world)).toEqual(['best', 'replicate'])
    world.takeForDown('replicate')
    expect(next(world)).toEqual(['best', 'replicate'])
  })

  it('of all are waited for when the first ends soon', () => {
    const world = limited([9_000, 4_000, 30_000, 60_000])
    expect(next(world)).toEqual(['wait', 4_000])
    expect(next(limited([30_000, 60_000, 60_000, 60_000]))).toEqual(['wait', 30_000])
  })

  it('of all for longer than can be waited are told, with the shortest', () => {
    const world = limited([50_000, 40_000, 30_001, 60_000])
    expect(next(world)).toEqual(['stop', 'rate_limited', 30_001])
  })

  it('are waited for only if fifteen seconds are left afterwards', () => {
    const world = limited([9_000, 4_000, 30_000, 60_000])
    expect(next(world, { leftMs: 19 * SECOND })).toEqual(['wait', 4_000])
    expect(next(world, { leftMs: 19 * SECOND - 1 })).toEqual(['stop', 'rate_limited', 4_000])
  })

  it('that others learnt are tested once by a chain with nothing else left', () => {
    const world = watch({ providers: ['gemini', 'fal'] })
    world.pauseFor('fal', 40_000)
    const failed = [
      ['gemini', 'overloaded'],
      ['gemini', 'overloaded'],
    ] as const
    expect(next(world, { history: historyOf(...failed) })).toEqual(['last_resort', 'fal'])
    const told = historyOf(...failed, ['fal', 'rate_limited'])
    expect(next(world, { history: told })).toEqual(['stop', 'rate_limited', 40_000])
  })

  it('beside refused accounts are waited for', () => {
    const world = watch({ providers: ['gemini', 'fal'] })
    world.pauseFor('gemini', 3_000)
    world.pauseFor('fal', MINUTE, 'taken_out')
    expect(next(world)).toEqual(['wait', 3_000])
  })
})

describe('refused accounts', () => {
  it('are tried as the last resort, the oldest refusal first', () => {
    const world = watch({ providers: ['gemini', 'fal'] })
    world.pauseFor('gemini', 2 * MINUTE, 'taken_out')
    world.pauseFor('fal', MINUTE, 'taken_out')
    expect(chain(world, 'auth')).toEqual(['fal', 'gemini', 'stop'])
  })
})

describe('exploration', () => {
  /** Three are tried all the time, one never. */
  const neglecting = (forgotten: string, ms: number): World => {
    const world = watch()
    world.pass(ms)
    for (const provider of PROVIDERS) {
      if (provider !== forgotten) world.attempt(provider, 'refused', 0)
    }
    return world
  }
  const long = 10 * MINUTE + 1

  it('goes to who was not seen for ten minutes, one time in a hundred', () => {
    const world = neglecting('replicate', long)
    expect(next(world, { random: () => 0.0099 })).toEqual(['stale', 'replicate'])
    expect(next(world, { random: () => 0.01 })).toEqual(['best', 'gemini'])
    expect(next(neglecting('replicate', long - 1), { random: () => 0 })).toEqual([
      ...['best', 'gemini'],
    ])
  })

  it('goes there in one of ten second choices', () => {
    const world = neglecting('replicate', long)
    const history = historyOf(['gemini', 'overloaded'])
    expect(next(world, { history, random: () => 0.099 })).toEqual(['stale', 'replicate'])
    expect(next(world, { history, random: () => 0.1 })).toEqual(['best', 'fal'])
  })

  it('goes to who was not seen for longest', () => {
    const world = watch()
    world.pass(MINUTE)
    world.attempt('vertex', 'refused', 0)
    world.pass(20 * MINUTE)
    world.attempt('gemini', 'refused', 0)
    world.attempt('fal', 'refused', 0)
    expect(next(world, { random: () => 0 })).toEqual(['stale', 'replicate'])
  })

  it.each([
    ['is paused', (world: World) => world.pauseFor('replicate', SECOND)],
    ['is open', (world: World) => world.takeForDown('replicate')],
    ['is full', (world: World) => world.fill('replicate')],
  ])('does not go to one that %s', (_what, spoil) => {
    const world = neglecting('replicate', long)
    spoil(world)
    expect(next(world, { random: () => 0 })).toEqual(['best', 'gemini'])
  })

  it('does not go against what the client or the request wants', () => {
    const world = neglecting('replicate', long)
    const options = PROVIDERS.map((provider) =>
      optionAt(provider, { shortcomings: provider === 'replicate' ? 1 : 0 }),
    )
    const random = () => 0
    expect(next(world, { random, options })).toEqual(['best', 'gemini'])
    for (const preferences of [{ order: ['gemini'] }, { allowFallbacks: false }]) {
      expect(next(world, { random, preferences })).toEqual(['best', 'gemini'])
    }
    const history = historyOf(['replicate', 'overloaded'])
    expect(next(world, { random, history })).toEqual(['best', 'gemini'])
  })
})

describe('the probe', () => {
  const granted = (probe: 'duplicate' | 'live' | 'off'): World => {
    const world = watch({ policy: { probe } })
    world.takeForDown('fal')
    world.tracker.grantProbe(`${MODEL}:fal`, world.now())
    return world
  }
  const probeOf = (decision: Decision) =>
    decision.type === 'try' ? decision.probe?.option.cell.provider : undefined

  it('is sent beside a first try', () => {
    const decision = choose(granted('duplicate'))
    expect([short(decision), probeOf(decision)]).toEqual([['best', 'gemini'], 'fal'])
  })

  it('is not sent without a grant, beside a later try, or for a client that allows one only', () => {
    const world = granted('duplicate')
    const history = historyOf(['gemini', 'overloaded'])
    expect(probeOf(choose(world, { history }))).toBeUndefined()
    expect(probeOf(choose(world, { preferences: { allowFallbacks: false } }))).toBeUndefined()
    world.begin('fal', false, true)
    expect(probeOf(choose(world))).toBeUndefined()
  })

  it('is not sent where the try itself goes', () => {
    const decision = choose(granted('duplicate'), { options: [optionAt('fal')] })
    expect([short(decision), probeOf(decision)]).toEqual([['best', 'fal'], undefined])
  })

  it('may be a live request, whose next try goes elsewhere', () => {
    const world = granted('live')
    const decision = choose(world)
    expect([short(decision), probeOf(decision)]).toEqual([['probe', 'fal'], undefined])
    const history = historyOf(['fal', 'overloaded'])
    expect(next(world, { history })).toEqual(['best', 'gemini'])
  })

  it('may be switched off', () => {
    const decision = choose(granted('off'))
    expect([short(decision), probeOf(decision)]).toEqual([['best', 'gemini'], undefined])
  })
})
