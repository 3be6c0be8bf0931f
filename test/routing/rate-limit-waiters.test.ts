import { describe, expect, it } from 'vitest'
import { chooseNext, type Decision } from '#src/routing/choose-next.ts'
import { gatewayContender } from '#src/simulation/gateway-router.ts'
import type { Scenario } from '#src/simulation/scenario.ts'
import { DEFAULT_SETTINGS } from '#src/simulation/settings.ts'
import { simulate } from '#src/simulation/simulate.ts'
import type { SimulatedProvider } from '#src/simulation/upstream-model.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { fourCandidates, freshRouting, run } from './failover-harness.ts'
import { cellAt, SECOND, successes, type World, watch } from './tracker-harness.ts'

type Part = Parameters<World['situation']>[0]
const choose = (world: World, part: Part = {}): Decision => chooseNext(world.situation(part))
const short = (decision: Decision): unknown => {
  if (decision.type === 'wait') return ['wait', decision.waitMs]
  if (decision.type === 'stop') return ['stop', decision.reason]
  return [decision.reason, decision.chosen.option.cell.provider]
}
const next = (world: World, part: Part = {}) => short(choose(world, part))

/** Every provider of the world is rate limited for a second, which passes. */
const resumed = (providers: NonNullable<Parameters<typeof watch>[0]>['providers'] = ['gemini']) => {
  const world = watch({ providers })
  for (const provider of providers) world.pauseFor(provider, SECOND)
  world.pass(SECOND)
  return world
}

/** Of a crowd of requests that ask at once, those that may begin do; the others are told how long to wait. */
const letCrowdBegin = (world: World) => {
  const tickets: ReturnType<World['begin']>[] = []
  let decision = choose(world)
  while (decision.type === 'try' && tickets.length < 100) {
    tickets.push(world.begin(decision.chosen.option.cell.provider))
    decision = choose(world)
  }
  return { tickets, told: short(decision) }
}

describe('those that waited for the end of a rate limit', () => {
  it('begin one by one, and twice as many each step', () => {
    const world = resumed()
    const begun: number[] = []
    for (let step = 0; step < 6; step += 1) {
      const { tickets, told } = letCrowdBegin(world)
      begun.push(tickets.length)
      expect(told).toEqual(['wait', 500])
      world.pass(500)
    }
    expect(begun).toEqual([1, 1, 2, 4, 8, 16])
  })

  it('wait on as soon as one of them is limited again', () => {
    const world = resumed()
    const [scout] = letCrowdBegin(world).tickets
    world.pass(300)
    if (scout) world.settle(scout, 'rate_limited', { retryAfterMs: 4 * SECOND })
    expect(next(world)).toEqual(['wait', 4 * SECOND])
    world.pass(4 * SECOND)
    expect(letCrowdBegin(world).tickets).toHaveLength(1)
  })

  it('begin all once one of them is served', () => {
    const world = resumed()
    const [scout] = letCrowdBegin(world).tickets
    world.pass(400)
    if (scout) world.settle(scout, 'success')
    for (let count = 0; count < 50; count += 1) {
      expect(next(world)).toEqual(['best', 'gemini'])
      world.begin('gemini')
    }
  })

  it('begin as many as lately succeeded there in the time of the pause, where that is more', () => {
    const world = watch({ providers: ['gemini'] })
    const nowMs = world.now()
    world.tracker.absorb(cellAt('gemini').id, successes(1_500, 20_000), nowMs, nowMs)
    world.pauseFor('gemini', SECOND)
    world.pass(SECOND)
    // 1500 successes with a half-life of 120 s are 8.7 a second; the pause and a step are 1.5 s.
    expect(letCrowdBegin(world).tickets).toHaveLength(13)
  })

  it('take turns at each of several providers', () => {
    const world = resumed(['gemini', 'fal'])
    const providers = letCrowdBegin(world).tickets.map(({ cell }) => cell.provider)
    expect(providers).toEqual(['gemini', 'fal'])
  })

  it('do not wait where another provider is up', () => {
    const world = watch({ providers: ['gemini', 'fal'] })
    world.pauseFor('gemini', SECOND)
    world.pass(SECOND)
    world.begin('gemini')
    expect(next(world)).toEqual(['best', 'gemini'])
  })

  it('turn to a provider that is taken for down rather than wait', () => {
    const pair = watch({ providers: ['gemini', 'fal'] })
    pair.pauseFor('gemini', SECOND)
    pair.takeForDown('fal', 60 * SECOND)
    pair.pass(SECOND)
    pair.begin('gemini')
    expect(next(pair)).toEqual(['best', 'fal'])
  })

  it('do not wait for their turn when too little time is left for it', () => {
    const world = resumed()
    world.begin('gemini')
    expect(next(world, { leftMs: 15.5 * SECOND })).toEqual(['wait', 500])
    expect(next(world, { leftMs: 15.4 * SECOND })).toEqual(['last_resort', 'gemini'])
    const told = { tries: [{ provider: 'gemini', isRateLimited: true, isFinal: false }] }
    expect(next(world, { leftMs: 15.4 * SECOND, history: told })).toEqual(['stop', 'rate_limited'])
  })

  it('all begin where the rate limit ended long ago', () => {
    const world = resumed()
    world.pass(60 * SECOND)
    for (let count = 0; count < 300; count += 1) {
      expect(choose(world).type).toBe('try')
      world.begin('gemini')
    }
  })
})

describe('images of one request that waited for the end of a rate limit', () => {
  it('each take a turn of their own', async () => {
    const candidates = fourCandidates().filter(({ offering }) => offering.provider === 'gemini')
    const routing = freshRouting({}, 100)
    const nowMs = routing.clock.nowMs()
    // A quarter of a second: the first choice has to come before its end, on a busy machine too.
    const pause = { reason: 'rate_limited', sinceMs: nowMs, untilMs: nowMs + 25 * SECOND } as const
    routing.tracker.adoptHealth(`${FIRST_MODEL}:gemini`, { pause })
    const all = Promise.withResolvers<void>()
    let begun = 0
    const { items, decisions } = await run(
      async () => {
        begun += 1
        if (begun === 3) all.resolve()
        await all.promise
        return ['image']
      },
      { routing, candidates, count: 3 },
    )
    expect(items).toEqual(['image', 'image', 'image'])
    expect(decisions[0]?.type).toBe('wait')
    expect(decisions.filter(({ type }) => type === 'try')).toHaveLength(3)
  })
})

describe('300 requests at once at two providers that take two a second', () => {
  const limited = (name: string): SimulatedProvider => ({
    name,
    success: 1,
    latency: { logMean: Math.log(10 * SECOND), sigma: 0.3 },
    failures: { quick: 1, empty: 0, hang: 0 },
    quota: { type: 'rate', perSecond: 2 },
    usdPerImage: 0.05,
    // Nothing is saved up at first.
    changes: [{ fromMs: 0, untilMs: 2 * SECOND, quotaFactor: 0.05 }],
  })
  const storm: Scenario = {
    name: 'storm',
    providers: [limited('first'), limited('second')],
    perSecond: 1_000,
    durationMs: 300,
  }

  it('are all served, in time and with few calls in vain', () => {
    const records = simulate(storm, 1, gatewayContender(DEFAULT_SETTINGS))
    const calls = records.reduce((sum, { attempts, rateLimits }) => sum + attempts + rateLimits, 0)
    const lastMs = Math.max(...records.map(({ end }) => end?.atMs ?? Number.POSITIVE_INFINITY))
    expect(records.filter(({ end }) => end?.result !== 'image')).toEqual([])
    expect(calls / records.length).toBeLessThan(3)
    // 75 s at four a second, and the time of the last image.
    expect(lastMs).toBeLessThan(120 * SECOND)
  })
})
