import { describe, expect, it } from 'vitest'
import { listeningExchange, MINUTE, MODEL, SECOND, type World, watch } from './tracker-harness.ts'

/** Makes a provider's usual rate certain, so that failures do not blur it. */
const settleIn = (world: World, provider: string): void => {
  for (let count = 0; count < 1_000; count += 1) {
    world.attempt(provider, count % 200 < 167 ? 'success' : 'empty', 10)
  }
}
const outages = (world: World, provider: string, count: number): void => {
  for (let index = 0; index < count; index += 1) world.attempt(provider, 'outage', 10)
}
/** Lets the open time pass and lets this gateway probe. */
const grant = (world: World, provider: string): void => {
  world.pass(world.health(provider).circuit.untilMs - world.now())
  world.tracker.grantProbe(`${MODEL}:${provider}`, world.now())
}
const probe = (world: World, provider: string) => world.begin(provider, false, true)

describe('the breaker', () => {
  it('opens at the seventh outage in a row of a well-known provider', () => {
    const world = watch()
    settleIn(world, 'gemini')
    outages(world, 'gemini', 6)
    expect(world.health('gemini').isOpen).toBe(false)
    outages(world, 'gemini', 1)
    expect(world.health('gemini')).toMatchObject({
      isOpen: true,
      circuit: {
        state: 'open',
        sinceMs: world.now(),
        untilMs: world.now() + 9 * SECOND,
        openings: 1,
      },
    })
  })

  it('opens at the third time-out', () => {
    const world = watch()
    world.attempt('fal', 'timeout', 120 * SECOND)
    world.attempt('fal', 'timeout', 120 * SECOND)
    expect(world.health('fal').isOpen).toBe(false)
    world.attempt('fal', 'timeout', 120 * SECOND)
    expect(world.health('fal').isOpen).toBe(true)
  })

  it('opens when three in flight are late, and counts them once', () => {
    const world = watch()
    const tickets = [1, 2, 3].map(() => world.begin('gemini'))
    world.pass(49 * SECOND)
    expect(world.health('gemini').isOpen).toBe(false)
    world.pass(3 * SECOND)
    expect(world.health('gemini')).toMatchObject({ isOpen: true, circuit: { openings: 1 } })
    for (const ticket of tickets) world.settle(ticket, 'timeout')
    expect(world.health('gemini').circuit.openings).toBe(1)
  })

  it('takes back what lateness told when the image comes after all', () => {
    const world = watch()
    const tickets = [1, 2].map(() => world.begin('gemini'))
    world.pass(52 * SECOND)
    for (const ticket of tickets) world.settle(ticket, 'success')
    const next = [1, 2].map(() => world.begin('gemini'))
    world.pass(90 * SECOND)
    for (const ticket of next) world.settle(ticket, 'empty')
    world.attempt('gemini', 'timeout', 70 * SECOND)
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('opens at silence, before anything is late', () => {
    const world = watch()
    for (let count = 0; count < 20; count += 1) {
      world.begin('gemini')
      world.pass(SECOND)
    }
    expect(world.health('gemini').isOpen).toBe(false)
    world.pass(18 * SECOND)
    expect(world.health('gemini').isOpen).toBe(true)
  })

  it('stays closed for any number of empty answers, refusals and rate limits', () => {
    const world = watch()
    for (let count = 0; count < 100; count += 1) {
      world.attempt('gemini', 'empty', 10)
      world.attempt('gemini', 'refused', 10)
      world.attempt('gemini', 'rate_limited', 10)
    }
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('opens for half of the providers of a model at most', () => {
    const world = watch()
    for (const provider of ['fal', 'gemini', 'vertex', 'replicate']) outages(world, provider, 60)
    expect(
      ['fal', 'gemini', 'vertex', 'replicate'].map((provider) => world.health(provider).isOpen),
    ).toEqual([true, true, false, false])
  })

  it('opens as soon as another closes for what was down all along', () => {
    const world = watch()
    for (const provider of ['fal', 'gemini', 'vertex']) outages(world, provider, 60)
    expect(world.health('vertex').isOpen).toBe(false)
    grant(world, 'fal')
    world.settle(probe(world, 'fal'), 'success')
    outages(world, 'vertex', 1)
    expect(world.health('vertex').isOpen).toBe(true)
  })

  it('never opens for the last provider', () => {
    const world = watch({ providers: ['gemini'] })
    outages(world, 'gemini', 100)
    expect(world.health('gemini').isOpen).toBe(false)
  })

  it('tells the others when it opens and when it closes', () => {
    const { exchange, changes } = listeningExchange()
    const world = watch({ exchange })
    outages(world, 'fal', 60)
    grant(world, 'fal')
    world.settle(probe(world, 'fal'), 'success')
    expect(changes).toMatchObject([
      { key: `${MODEL}:fal`, circuit: { state: 'open', openings: 1 } },
      { key: `${MODEL}:fal`, circuit: { state: 'closed', sinceMs: world.now() } },
    ])
  })
})

describe('a probe', () => {
  const openFal = (part: Parameters<typeof watch>[0] = {}): World => {
    const world = watch(part)
    outages(world, 'fal', 60)
    return world
  }

  it('is wanted once the open time is over, and once each five seconds', () => {
    const world = openFal()
    const key = `${MODEL}:fal`
    const wanted = () => world.tracker.wantedProbes(world.now())
    expect(wanted()).toEqual([])
    grant(world, 'fal')
    expect(world.health('fal').hasProbe).toBe(true)
    expect(wanted()).toEqual([])
    probe(world, 'fal')
    expect(world.health('fal').hasProbe).toBe(false)
    world.pass(4_999)
    expect(wanted()).toEqual([])
    world.pass(1)
    expect(wanted()).toEqual([key])
  })

  it('is never the fourth under way', () => {
    const world = openFal()
    grant(world, 'fal')
    for (let count = 0; count < 3; count += 1) {
      probe(world, 'fal')
      world.pass(5 * SECOND)
      expect(world.tracker.wantedProbes(world.now())).toHaveLength(count < 2 ? 1 : 0)
      world.tracker.grantProbe(`${MODEL}:fal`, world.now())
    }
  })

  it('is not granted to a closed circuit nor to one that is unknown', () => {
    const world = openFal()
    world.tracker.grantProbe(`${MODEL}:gemini`, world.now())
    world.tracker.grantProbe('the/other:fal', world.now())
    expect(world.health('gemini').hasProbe).toBe(false)
  })

  it.each(['success', 'refused', 'rate_limited'] as const)(
    'that ends in %s closes the circuit, forgets what was lately seen, and starts slowly',
    (outcome) => {
      const world = openFal()
      grant(world, 'fal')
      const down = world.estimate('fal').success
      world.settle(probe(world, 'fal'), outcome)
      expect(world.health('fal')).toMatchObject({
        isOpen: false,
        circuit: { state: 'closed', sinceMs: world.now(), untilMs: 0, openings: 0 },
        slowStartLimit: 2,
      })
      const { success, usualSuccess } = world.estimate('fal')
      expect(success).toBeGreaterThan(down)
      expect(success).toBeCloseTo(usualSuccess, 9)
    },
  )

  it.each(['outage', 'timeout', 'empty'] as const)(
    'that ends in %s opens it again, for twice as long, 30 s at most',
    (outcome) => {
      const world = openFal({ random: () => 0.5 })
      const openMs = () => {
        const { untilMs, sinceMs } = world.health('fal').circuit
        return untilMs - sinceMs
      }
      const seen = [openMs()]
      for (let count = 0; count < 3; count += 1) {
        grant(world, 'fal')
        world.settle(probe(world, 'fal'), outcome)
        seen.push(openMs())
      }
      expect(seen).toEqual([10_000, 20_000, 30_000, 30_000])
    },
  )

  it('that is late opens it again, once', () => {
    const world = openFal()
    grant(world, 'fal')
    const ticket = probe(world, 'fal')
    world.pass(110 * SECOND)
    expect(world.health('fal').circuit.openings).toBe(2)
    world.pass(5 * SECOND)
    world.settle(ticket, 'timeout')
    expect(world.health('fal').circuit.openings).toBe(2)
  })

  it.each(['abandoned', 'answered'] as const)('that ends in %s changes nothing', (outcome) => {
    const world = openFal()
    grant(world, 'fal')
    const before = world.health('fal').circuit
    world.settle(probe(world, 'fal'), outcome)
    expect(world.health('fal').circuit).toEqual(before)
  })

  it('is not needed where a request was served there all the same', () => {
    const world = openFal()
    world.attempt('fal', 'success', 40 * SECOND)
    expect(world.health('fal').isOpen).toBe(false)
  })

  it('is not judged by what began before the circuit opened', () => {
    const world = watch()
    const older = world.begin('fal')
    outages(world, 'fal', 60)
    world.settle(older, 'success')
    expect(world.health('fal')).toMatchObject({ isOpen: true, circuit: { openings: 1 } })
  })

  it('may be switched off: then time closes the circuit', () => {
    const world = openFal({ policy: { probe: 'off' } })
    world.pass(8 * SECOND)
    expect(world.health('fal').isOpen).toBe(true)
    world.pass(2 * SECOND)
    expect(world.tracker.wantedProbes(world.now())).toEqual([])
    expect(world.health('fal').isOpen).toBe(false)
  })
})

describe('a provider that came back', () => {
  it('is tried by few until it has shown itself', () => {
    const world = watch()
    for (let count = 0; count < 30; count += 1) world.attempt('fal', 'success', 10)
    outages(world, 'fal', 120)
    expect(world.health('fal').slowStartLimit).toBeGreaterThan(50)
    grant(world, 'fal')
    world.settle(probe(world, 'fal'), 'success')
    expect(world.health('fal').slowStartLimit).toBe(2)
    world.attempt('fal', 'success', MINUTE)
    expect(world.health('fal').slowStartLimit).toBe(6)
  })
})
