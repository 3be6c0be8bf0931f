import { describe, expect, it } from 'vitest'
import type { Cell } from '#src/domain/provider-stats.ts'
import {
  cellAt,
  MINUTE,
  MODEL,
  PROVIDERS,
  type Provider,
  priorFor,
  SECOND,
  successes,
  type World,
  watch,
} from './tracker-harness.ts'

const offered = (providers: readonly Provider[], modelId = MODEL) =>
  providers.map((provider) => ({
    modelId,
    provider,
    configKey: cellAt(provider).configKey,
    prior: priorFor(provider),
  }))
const follow = (world: World, providers: readonly Provider[], modelId?: string): void =>
  world.tracker.follow(offered(providers, modelId), world.now())
const movedTo = (modelId: string, provider: string): Cell => ({ ...cellAt(provider), modelId })

describe('offerings that change while requests are under way', () => {
  it('are kept track of from when they come, with what their model file says of them', () => {
    const world = watch({ providers: ['gemini'] })
    expect(() => world.estimate('fal')).toThrow('is not kept track of')
    world.pass(MINUTE)
    follow(world, ['gemini', 'fal'])
    expect(world.estimate('fal')).toEqual(watch().estimate('fal'))
    expect(world.health('fal')).toMatchObject({ isOpen: false, lastSeenMs: world.now() })
  })

  it('take a new figure of their model file in, beside what was seen', () => {
    const world = watch()
    world.attempt('fal', 'success', 20 * SECOND)
    const before = world.estimate('fal')
    const changed = offered(['fal']).map((each) => ({ ...each, prior: priorFor('replicate') }))
    world.tracker.follow(changed, world.now())
    expect(world.estimate('fal')).not.toEqual(before)
  })

  it('let attempts end that are in flight where nothing is offered any more', () => {
    const world = watch()
    const ticket = world.begin('fal')
    follow(world, ['gemini'])
    expect(world.health('fal').inFlight).toBe(1)
    expect(world.estimate('fal').latency).toEqual(ticket.latency)
    world.pass(20 * SECOND)
    world.settle(ticket, 'success')
    expect(world.health('fal').inFlight).toBe(0)
  })

  it('count for nothing once they are gone: the last provider of a model is never taken for down', () => {
    const world = watch({ providers: ['gemini', 'fal'] })
    follow(world, ['fal'])
    for (let count = 0; count < 50; count += 1) world.attempt('fal', 'outage', 10)
    expect(world.health('fal').isOpen).toBe(false)
    follow(world, ['gemini', 'fal'])
    world.attempt('fal', 'outage', 10)
    expect(world.health('fal').isOpen).toBe(true)
  })

  it('are not probed where nothing is offered any more', () => {
    const world = watch()
    world.takeForDown('fal', SECOND)
    world.pass(MINUTE)
    expect(world.tracker.wantedProbes(world.now())).toEqual([`${MODEL}:fal`])
    follow(world, ['gemini'])
    expect(world.tracker.wantedProbes(world.now())).toEqual([])
  })

  it('are known as before when they come back', () => {
    const world = watch()
    world.pauseFor('fal', MINUTE)
    world.attempt('fal', 'success', 20 * SECOND)
    const [estimate, { pause }] = [world.estimate('fal'), world.health('fal')]
    follow(world, ['gemini'])
    follow(world, PROVIDERS)
    expect(world.estimate('fal')).toEqual(estimate)
    expect(world.health('fal').pause).toEqual(pause)
  })

  it('begin anew under another model, and the attempts of the first are its own', () => {
    const world = watch()
    const ticket = world.begin('fal')
    follow(world, PROVIDERS, 'renamed')
    world.tracker.absorb(cellAt('fal').id, successes(100, 5 * SECOND), world.now(), world.now())
    const moved = movedTo('renamed', 'fal')
    const learnt = world.tracker.estimateOf(moved, world.now())
    expect(learnt.latency).not.toEqual(world.estimate('fal').latency)
    world.pass(30 * MINUTE)
    world.settle(ticket, 'timeout')
    const fresh = watch()
    follow(fresh, PROVIDERS, 'renamed')
    fresh.tracker.absorb(moved.id, successes(100, 5 * SECOND), fresh.now(), fresh.now())
    fresh.pass(30 * MINUTE)
    expect(world.tracker.estimateOf(moved, world.now())).toEqual(
      fresh.tracker.estimateOf(moved, fresh.now()),
    )
  })
})
