import { describe, expect, it } from 'vitest'
import { chooseHedge, HedgeBudget, hedgeAfterMs, mayHedge } from '#src/routing/hedge.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import { NO_HISTORY, rankOptions, withTry } from '#src/routing/rank-options.ts'
import { MINUTE, optionAt, PROVIDERS, SECOND, type World, watch } from './tracker-harness.ts'

type Part = Parameters<World['situation']>[0]
const HEDGED = { sort: 'latency', hedge: true } as const

/** Whom an attempt at the best races against. */
const rivalOf = (world: World, part: Part = {}): string | undefined => {
  const situation = world.situation({ preferences: HEDGED, ...part })
  const [running] = rankOptions(situation)
  if (!running) throw new Error('nothing runs')
  return chooseHedge(running, situation)?.chosen.option.cell.provider
}

describe('the budget of hedges', () => {
  it('begins full, gives one at a time, and refills by a tenth of each request, up to ten', () => {
    const budget = new HedgeBudget(DEFAULT_ROUTING_POLICY)
    const spendAll = () => {
      let spent = 0
      while (budget.spend()) spent += 1
      return spent
    }
    expect(spendAll()).toBe(10)
    for (let count = 0; count < 9; count += 1) budget.earn()
    expect(spendAll()).toBe(0)
    for (let count = 0; count < 12; count += 1) budget.earn()
    expect(spendAll()).toBe(2)
    for (let count = 0; count < 1_000; count += 1) budget.earn()
    expect(spendAll()).toBe(10)
  })
})

describe('a hedge', () => {
  it('is for requests that ask for it, and where the loser costs nothing unless they say so', () => {
    const [free, paid] = [optionAt('gemini'), optionAt('gemini', { isCancelFree: false })]
    const allowed = ([undefined, false, true, 'billed'] as const).map((hedge) => {
      const preferences = hedge === undefined ? {} : { hedge }
      return [mayHedge(free, { preferences }), mayHedge(paid, { preferences })]
    })
    expect(allowed).toEqual([
      [false, false],
      [false, false],
      [true, false],
      [true, true],
    ])
  })

  it('is begun when the first is older than 95 in 100 successes', () => {
    const situation = watch().situation()
    const [running] = rankOptions(situation)
    expect(running && hedgeAfterMs(running, situation) / 45_077).toBeCloseTo(1, 3)
  })

  it('goes to the best of the others', () => {
    expect(rivalOf(watch())).toBe('fal')
  })

  it('goes to none that is open, paused or taken out', () => {
    const world = watch()
    world.takeForDown('fal')
    expect(rivalOf(world)).toBe('vertex')
    world.pauseFor('vertex', 9 * SECOND)
    expect(rivalOf(world)).toBe('replicate')
    world.pauseFor('replicate', MINUTE, 'taken_out')
    expect(rivalOf(world)).toBeUndefined()
  })

  it('goes to none that was tried or could not finish, and to nobody once one refused the content', () => {
    const world = watch()
    const history = withTry(NO_HISTORY, 'fal', 'overloaded')
    expect(rivalOf(world, { history })).toBe('vertex')
    expect(rivalOf(world, { history: { ...history, refusedBy: 'vertex' } })).toBeUndefined()
    expect(rivalOf(world, { leftMs: 10 * SECOND })).toBeUndefined()
  })

  it('goes to none whose cancelled work is paid for, unless the client says so', () => {
    const options = PROVIDERS.map((provider) =>
      optionAt(provider, { isCancelFree: provider !== 'fal' }),
    )
    expect(rivalOf(watch(), { options })).toBe('vertex')
    const preferences = { ...HEDGED, hedge: 'billed' } as const
    expect(rivalOf(watch(), { options, preferences })).toBe('fal')
  })

  it('has nobody to go to when there is one provider', () => {
    expect(rivalOf(watch(), { options: [optionAt('gemini')] })).toBeUndefined()
  })
})
