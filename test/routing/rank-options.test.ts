import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FAILURE_RULES, type FailureKind } from '#src/domain/errors.ts'
import { SORTS } from '#src/domain/image-request.ts'
import {
  NO_HISTORY,
  type RankedOption,
  rankOptions,
  STANDINGS,
  triesOf,
  withTry,
} from '#src/routing/rank-options.ts'
import { MINUTE, optionAt, PROVIDERS, SECOND, type World, watch } from './tracker-harness.ts'

const providersOf = (ranking: readonly RankedOption[]) =>
  ranking.map(({ option }) => option.cell.provider)
const standingsOf = (ranking: readonly RankedOption[]) =>
  Object.fromEntries(ranking.map(({ option, standing }) => [option.cell.provider, standing]))
const rank = (world: World, part: Parameters<World['situation']>[0] = {}) =>
  rankOptions(world.situation(part))

describe('the ranking', () => {
  it('goes by score when nothing else differs', () => {
    const ranking = rank(watch())
    expect(providersOf(ranking)).toEqual(['gemini', 'fal', 'vertex', 'replicate'])
    const scores = ranking.map(({ score }) => score.score)
    expect(scores).toEqual([...scores].sort((left, right) => left - right))
  })

  it.each([
    ['balanced', 'gemini'],
    ['latency', 'gemini'],
    ['success', 'fal'],
  ] as const)('sorted by %s begins with %s', (sort, provider) => {
    expect(providersOf(rank(watch(), { preferences: { sort } }))[0]).toBe(provider)
  })

  it('sorted by price begins with what costs least per image that comes', () => {
    const options = [
      optionAt('gemini', { pricePerImage: 67_000 }),
      optionAt('vertex', { pricePerImage: 20_000 }),
    ]
    const preferences = { sort: 'price' } as const
    expect(providersOf(rank(watch(), { options, preferences }))).toEqual(['vertex', 'gemini'])
  })

  it('is balanced where the client has no wish', () => {
    const options = [
      optionAt('gemini', { pricePerImage: 300_000 }),
      optionAt('fal', { pricePerImage: 20_000 }),
    ]
    const world = watch()
    const byDefault = rank(world, { options, preferences: {} })
    const balanced = rank(world, { options, preferences: { sort: 'balanced' } })
    expect(byDefault).toEqual(balanced)
    expect(providersOf(byDefault)).toEqual(['fal', 'gemini'])
  })

  it('ends with what has no score, whatever made it so', () => {
    const options = PROVIDERS.map((provider) =>
      optionAt(provider, { pricePerImage: provider === 'gemini' ? Number.NaN : 20_000 }),
    )
    for (const turned of [options, [...options].reverse()]) {
      const ranking = rank(watch(), { options: turned, preferences: { sort: 'balanced' } })
      expect(providersOf(ranking)).toEqual(['fal', 'vertex', 'replicate', 'gemini'])
    }
  })

  it("begins with the client's order, and goes on by score", () => {
    const ranking = rank(watch(), { preferences: { order: ['replicate', 'nobody', 'vertex'] } })
    expect(providersOf(ranking)).toEqual(['replicate', 'vertex', 'gemini', 'fal'])
  })

  it('puts what honours more of the request before what is quicker', () => {
    const options = PROVIDERS.map((provider) =>
      optionAt(provider, { shortcomings: provider === 'replicate' ? 0 : 1 }),
    )
    expect(providersOf(rank(watch(), { options }))[0]).toBe('replicate')
    const preferences = { order: ['gemini'] }
    expect(providersOf(rank(watch(), { options, preferences }))[0]).toBe('gemini')
  })

  it('puts those not tried yet before second tries, which promise half', () => {
    const history = withTry(NO_HISTORY, 'gemini', 'overloaded')
    const ranking = rank(watch(), { history })
    expect(providersOf(ranking)).toEqual(['fal', 'vertex', 'replicate', 'gemini'])
    expect(ranking.at(-1)).toMatchObject({ tries: 1, score: { success: expect.closeTo(0.4175) } })
  })

  it('leaves nothing out, whatever stands where', () => {
    const state = fc.constantFrom('fine', 'full', 'open', 'limited', 'out')
    fc.assert(
      fc.property(
        fc.tuple(state, state, state, state),
        fc.constantFrom(...SORTS),
        (states, sort) => {
          const world = watch()
          for (const [index, provider] of PROVIDERS.entries()) {
            if (states[index] === 'full') world.fill(provider)
            if (states[index] === 'open') world.takeForDown(provider)
            if (states[index] === 'limited') world.pauseFor(provider, SECOND)
            if (states[index] === 'out') world.pauseFor(provider, MINUTE, 'taken_out')
          }
          const ranking = rank(world, { preferences: { sort } })
          expect(providersOf(ranking).sort()).toEqual([...PROVIDERS].sort())
          const places = ranking.map(({ standing }) => STANDINGS.indexOf(standing))
          expect(places).toEqual([...places].sort((left, right) => left - right))
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('the standing', () => {
  it('of each is what speaks most against it', () => {
    const world = watch()
    world.fill('fal')
    world.takeForDown('vertex')
    world.pauseFor('vertex', 3 * SECOND)
    world.takeForDown('replicate')
    expect(standingsOf(rank(world))).toEqual({
      gemini: 'usable',
      fal: 'busy',
      vertex: 'rate_limited',
      replicate: 'open',
    })
    world.pauseFor('vertex', MINUTE, 'taken_out')
    expect(standingsOf(rank(world))).toMatchObject({ vertex: 'taken_out' })
  })

  it('"busy" is for first tries only, and not for what the client ordered', () => {
    const world = watch()
    world.fill('gemini')
    expect(standingsOf(rank(world))).toMatchObject({ gemini: 'busy' })
    const history = withTry(NO_HISTORY, 'fal', 'overloaded')
    expect(standingsOf(rank(world, { history }))).toMatchObject({ gemini: 'usable' })
    const preferences = { order: ['gemini'] }
    expect(standingsOf(rank(world, { preferences }))).toMatchObject({ gemini: 'usable' })
  })

  it('"open" moves back even what the client ordered, unless it is all that is allowed', () => {
    const world = watch()
    world.takeForDown('fal')
    const preferences = { order: ['fal'] }
    expect(providersOf(rank(world, { preferences })).at(-1)).toBe('fal')
    const alone = { ...preferences, allowFallbacks: false }
    expect(providersOf(rank(world, { preferences: alone }))[0]).toBe('fal')
  })

  it('of all together is the order: usable, busy, open, rate limited, taken out', () => {
    const world = watch()
    world.pauseFor('gemini', MINUTE, 'taken_out')
    world.pauseFor('fal', SECOND)
    world.takeForDown('vertex')
    expect(providersOf(rank(world))).toEqual(['replicate', 'vertex', 'fal', 'gemini'])
  })
})

describe('the history of a chain', () => {
  it.each(Object.keys(FAILURE_RULES) as FailureKind[])('remembers what %s means', (kind) => {
    expect(withTry({ tries: [], refusedBy: 'fal' }, 'gemini', kind)).toEqual({
      refusedBy: 'fal',
      tries: [
        {
          provider: 'gemini',
          isRateLimited: kind === 'rate_limited',
          isFinal: kind === 'auth' || kind === 'quota',
        },
      ],
    })
  })

  it('counts tries of each provider, rate limits not among them', () => {
    const history = (['overloaded', 'rate_limited', undefined] as const).reduce(
      (before, kind) => withTry(before, 'gemini', kind),
      withTry(NO_HISTORY, 'fal'),
    )
    expect([triesOf(history, 'gemini'), triesOf(history, 'fal'), triesOf(history, 'x')]).toEqual([
      2, 1, 0,
    ])
  })
})
