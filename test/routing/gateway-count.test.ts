import { describe, expect, it } from 'vitest'
import { GatewayCount } from '#src/routing/gateway-count.ts'
import { SECOND, watch } from './tracker-harness.ts'

const ALONE_AFTER_MS = 10 * SECOND

/** Counted from 0 s, ticked each second up to `seconds`, with an exchange before each tick up to `exchangedSeconds`. */
const countAfter = (seconds: number, exchangedSeconds: number, total = 3) => {
  const gateways = new GatewayCount({ aloneAfterMs: ALONE_AFTER_MS }, 0)
  for (let second = 1; second <= seconds; second += 1) {
    if (second <= exchangedSeconds) gateways.exchanged(total)
    gateways.tick(second * SECOND)
  }
  return { total: gateways.total, heard: gateways.heard }
}

describe('the number of gateways', () => {
  it('is one before anybody was heard', () => {
    expect(countAfter(0, 0)).toEqual({ total: 1, heard: 1 })
    expect(countAfter(60, 0)).toEqual({ total: 1, heard: 1 })
  })

  it('is what the last exchange told, and at least one', () => {
    expect(countAfter(60, 60)).toEqual({ total: 3, heard: 3 })
    expect(countAfter(60, 60, 0)).toEqual({ total: 1, heard: 1 })
  })

  it('stays the same without exchanges, but after ten seconds only one is heard', () => {
    expect(countAfter(30, 20)).toEqual({ total: 3, heard: 3 })
    expect(countAfter(31, 20)).toEqual({ total: 3, heard: 1 })
  })

  it('is heard in full as soon as there is an exchange again', () => {
    const gateways = new GatewayCount({ aloneAfterMs: ALONE_AFTER_MS }, 0)
    gateways.tick(60 * SECOND)
    gateways.exchanged(4)
    expect({ total: gateways.total, heard: gateways.heard }).toEqual({ total: 4, heard: 4 })
  })
})

/** A gateway of three that exchanged nothing for half a minute. */
const lonely = () => {
  const world = watch()
  world.tracker.setReplicas(3)
  for (let second = 0; second < 30; second += 1) world.pass(SECOND)
  return world
}

describe('a gateway that lost the others', () => {
  it('gives a provider its share, and fills it by its own successes', () => {
    const world = lonely()
    // Two thirds of a first try; an image here stands for one at each gateway.
    expect(world.health('gemini').slowStartLimit).toBe(1)
    world.attempt('gemini', 'success', 1)
    expect(world.health('gemini').slowStartLimit).toBe(5)
    world.tracker.setReplicas(3)
    expect(world.health('gemini').slowStartLimit).toBe(2)
  })

  it('does not take what it cannot hear for silence', () => {
    const isOpenAfter = (world: ReturnType<typeof watch>): boolean => {
      for (let count = 0; count < 5; count += 1) world.begin('gemini')
      world.pass(32 * SECOND)
      return world.health('gemini').isOpen
    }
    const together = watch()
    together.tracker.setReplicas(3)
    expect(isOpenAfter(together)).toBe(true)
    expect(isOpenAfter(lonely())).toBe(false)
  })
})
