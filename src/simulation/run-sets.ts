import { gatewayContender } from './gateway-router.ts'
import type { GatewaySettings } from './gateways.ts'
import { average, type Measures, measure } from './measures.ts'
import { ORACLE } from './oracle.ts'
import { PEERS } from './peers.ts'
import type { ScenarioSet } from './scenarios.ts'
import { type RoutingContender, simulate } from './simulate.ts'

/** One row's measures, by contender. */
export interface SetResult {
  readonly name: string
  readonly about: string
  /** Runs of each of its scenarios, each with a seed of its own, and how many scenarios there are. */
  readonly seeds: number
  readonly scenarios: number
  /** The set that this one repeats, with gateways that hear nothing of each other. */
  readonly aloneOf?: string
  readonly oracle: Measures
  readonly gateway: Measures
  /** By name. */
  readonly peers: ReadonlyMap<string, Measures>
  /** The gateway run in other ways, by name. */
  readonly rivals: ReadonlyMap<string, Measures>
}

/** Seeds that a set is run with when so many are asked for. */
const seedsOf = ({ seedFactor }: ScenarioSet, seeds: number): number =>
  Math.max(1, Math.round(seeds * seedFactor))

const runSet = (set: ScenarioSet, seeds: number, contender: RoutingContender): Measures => {
  const runs: Measures[] = []
  for (let seed = 1; seed <= seedsOf(set, seeds); seed += 1) {
    for (const scenario of set.scenarios) {
      runs.push(measure(simulate(scenario, seed, contender), scenario))
    }
  }
  return average(runs)
}

/** Runs a set of scenarios under every contender, all of them on the same coins. */
export const runContenders = (
  set: ScenarioSet,
  seeds: number,
  settings: GatewaySettings,
): SetResult => {
  const { preferences } = settings
  const own: GatewaySettings = set.isHedging
    ? { ...settings, preferences: { ...preferences, hedge: 'billed' } }
    : settings
  // Peers share what they learn whatever happens: alone, they would be what they are beside.
  const peers = set.aloneOf === undefined ? PEERS : []
  return {
    name: set.name,
    about: set.about,
    seeds: seedsOf(set, seeds),
    scenarios: set.scenarios.length,
    ...(set.aloneOf !== undefined && { aloneOf: set.aloneOf }),
    oracle: runSet(set, seeds, ORACLE),
    gateway: runSet(set, seeds, gatewayContender(own)),
    peers: new Map(peers.map((peer) => [peer.name, runSet(set, seeds, peer)])),
    rivals: new Map(
      Object.entries(set.rivals ?? {}).map(([name, rival]) => [
        name,
        runSet(set, seeds, gatewayContender({ ...own, ...rival }, name)),
      ]),
    ),
  }
}
