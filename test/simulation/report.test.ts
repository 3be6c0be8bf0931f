import { beforeAll, describe, expect, it } from 'vitest'
import { readFirstModel } from '#src/simulation/first-model.ts'
import type { Measures } from '#src/simulation/measures.ts'
import { judge, renderReport } from '#src/simulation/report.ts'
import { runContenders, type SetResult } from '#src/simulation/run-sets.ts'
import { type ScenarioSet, scenarioSets } from '#src/simulation/scenarios.ts'
import { DEFAULT_SETTINGS } from '#src/simulation/settings.ts'

const models = new URL('../../src/catalog/models', import.meta.url).pathname

const measures = (part: Partial<Measures> = {}): Measures => ({
  pmt: 40,
  success: 99,
  p99: 100,
  usd: 0.07,
  attempts: 1,
  rateLimits: 0,
  exchangesInDecisions: 0,
  displaced: 0,
  ...part,
})

const result = (name: string, gateway: Measures, part: Partial<SetResult> = {}): SetResult => ({
  name,
  about: 'a world',
  seeds: 8,
  scenarios: 1,
  oracle: measures(),
  gateway,
  peers: new Map(),
  rivals: new Map(),
  ...part,
})

/** The rows of gateways alone, against a mean time of 40 s and 99 % with sharing. */
const aloneRows = (pmt: number, success: number): readonly string[] => {
  const alone = result('S5 alone', measures({ pmt, success }), { aloneOf: 'S5', seeds: 2 })
  const report = renderReport([result('S5', measures()), { ...alone, scenarios: 24 }])
  return report.split('\n').filter((line) => line.includes('S5 alone'))
}

describe('the table of bars', () => {
  it('holds gateways alone against those that share, and says with how many seeds', () => {
    expect(aloneRows(42.4, 98.7)).toEqual([
      '| S5 alone · mean time, failures as 180 s (s) | 2 × 24 | 40.00 | 42.40 | – | ≤ 42.40 (1.06 × S5) | reached |',
      '| S5 alone · success (%) | 2 × 24 | 99.00 | 98.70 | – | ≥ 98.70 (S5 − 0.3 pt) | reached |',
    ])
  })

  it('says by how much a bar is missed', () => {
    expect(aloneRows(43, 98.5).map((row) => row.split(' | ').at(-1))).toEqual([
      '**missed** by 0.60 |',
      '**missed** by 0.20 |',
    ])
  })

  it('leaves gateways alone out when those that share were not run', () => {
    expect(judge([result('S5 alone', measures(), { aloneOf: 'S5' })])).toEqual([])
  })
})

describe('the sets of scenarios', () => {
  let sets: readonly ScenarioSet[]
  beforeAll(async () => {
    sets = scenarioSets(await readFirstModel(models))
  })

  it('have a twin with gateways alone wherever one request comes a second', () => {
    const twins = sets.filter(({ aloneOf }) => aloneOf !== undefined)
    const names = ['S1', 'S1 mix B', 'S1 hedge', 'S2a', 'S2b', 'S3f', 'S3g', 'S4', 'S5', 'S7']
    expect(twins.map(({ aloneOf }) => aloneOf)).toEqual([...names, 'S6', 'S8', 'S9'])
    for (const { aloneOf, scenarios, seedFactor } of twins) {
      const shared = sets.find(({ name }) => name === aloneOf)
      expect(seedFactor).toBe(shared?.seedFactor)
      expect(scenarios).toEqual(
        shared?.scenarios.map((scenario) => ({ ...scenario, areGatewaysAlone: true })),
      )
    }
  })

  it('are run with as many seeds as they say, and alone without peers', () => {
    const twin = sets.find(({ name }) => name === 'S7 alone')
    if (!twin) throw new Error('No such set')
    const ran = runContenders({ ...twin, seedFactor: 0.25 }, 8, DEFAULT_SETTINGS)
    expect(ran).toMatchObject({ name: 'S7 alone', aloneOf: 'S7', seeds: 2, scenarios: 1 })
    expect([...ran.peers.keys()]).toEqual([])
  })
})
