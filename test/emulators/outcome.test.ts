import { describe, expect, it } from 'vitest'
import { DEMO_SCENARIOS } from './demo-scenarios.ts'
import { drawOutcome } from './outcome.ts'
import { checkScenario, type Scenario } from './scenario.ts'
import { createSeededRandom } from './seeded-random.ts'

const drawMany = (scenario: Scenario, count: number, seed = 7, timeScale = 1) => {
  const random = createSeededRandom(seed)
  return Array.from({ length: count }, () => drawOutcome(scenario, undefined, random, timeScale))
}

const quantile = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0

describe('drawOutcome', () => {
  it('succeeds at once by default', () => {
    expect(drawMany({}, 1)).toEqual([{ latencyMs: 0, fastFailureMs: 0 }])
  })

  it('repeats itself for the same seed and not for another', () => {
    const scenario = DEMO_SCENARIOS.vertex
    expect(drawMany(scenario, 50)).toEqual(drawMany(scenario, 50))
    expect(drawMany(scenario, 50)).not.toEqual(drawMany(scenario, 50, 8))
  })

  it('meets the median, the 95th percentile and the success rate of the demo, scaled down', () => {
    const outcomes = drawMany(DEMO_SCENARIOS.gemini, 20_000, 7, 100)
    const latencies = outcomes.map((outcome) => outcome.latencyMs)
    expect(quantile(latencies, 0.5)).toBeCloseTo(260, -1)
    expect(quantile(latencies, 0.95) / 450.77).toBeCloseTo(1, 1)
    const successes = outcomes.filter((outcome) => outcome.fault === undefined).length
    expect(successes / outcomes.length).toBeCloseTo(0.835, 2)
  })

  it('divides the failures by their weights', () => {
    const faults = drawMany(DEMO_SCENARIOS.fal, 50_000).flatMap(({ fault }) => fault ?? [])
    const share = (name: string) => faults.filter((fault) => fault === name).length / faults.length
    expect(share('no_image')).toBeCloseTo(0.7, 1)
    expect(share('hang')).toBeCloseTo(0.15, 1)
    expect(share('rate_limited') + share('unavailable')).toBeCloseTo(0.15, 1)
  })

  it('prefers the next fault to the constant one, and either to chance', () => {
    const random = createSeededRandom(1)
    const scenario: Scenario = { always: 'hang', successRate: 0 }
    expect(drawOutcome(scenario, 'no_image', random, 1).fault).toBe('no_image')
    expect(drawOutcome(scenario, 'success', random, 1).fault).toBeUndefined()
    expect(drawOutcome(scenario, undefined, random, 1).fault).toBe('hang')
    expect(drawOutcome({ successRate: 0 }, undefined, random, 1).fault).toBe('server_error')
  })

  it('does not shift later fates when one is given', () => {
    const scenario: Scenario = { successRate: 0.5 }
    const plain = createSeededRandom(3)
    const given = createSeededRandom(3)
    drawOutcome(scenario, undefined, plain, 1)
    drawOutcome(scenario, 'hang', given, 1)
    expect(drawOutcome(scenario, undefined, plain, 1)).toEqual(
      drawOutcome(scenario, undefined, given, 1),
    )
  })
})

describe('checkScenario', () => {
  it.each([
    ['gemini', { always: 'dead_file' }],
    ['vertex', { next: ['success', 'job_failed:E003'] }],
    ['fal', { failureMix: { text_only: 1 } }],
    ['replicate', { always: 'job_failed:image_load_error' }],
  ] as const)('refuses faults that make no sense at %s', (id, scenario) => {
    expect(() => checkScenario(id, scenario)).toThrow(/makes no sense at/)
  })

  it('refuses a success rate outside 0 to 1', () => {
    expect(() => checkScenario('fal', { successRate: 83.5 })).toThrow(/not between 0 and 1/)
  })

  it('accepts the demo of every provider', () => {
    for (const id of ['gemini', 'vertex', 'fal', 'replicate'] as const) {
      expect(() => checkScenario(id, DEMO_SCENARIOS[id])).not.toThrow()
    }
  })
})
