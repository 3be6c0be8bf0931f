import type { RoutingPreferences } from '#src/domain/image-request.ts'
import { microUsdFromUsd } from '#src/domain/money.ts'
import {
  type Cell,
  cellIdOf,
  countsOf,
  type HealthChange,
  type StatsExchange,
} from '#src/domain/provider-stats.ts'
import { priorOf } from '#src/routing/estimate.ts'
import { HedgeBudget } from '#src/routing/hedge.ts'
import type { RoutingPolicy } from '#src/routing/policy.ts'
import { ProviderTracker } from '#src/routing/provider-tracker.ts'
import type { RoutingOption } from '#src/routing/rank-options.ts'
import { COIN, streamOf } from './coin.ts'
import { REPLICAS, SIMULATED_TIER } from './scenario.ts'
import type { World } from './simulate.ts'

/** How the gateway's own policy is run. */
export interface GatewaySettings {
  readonly policy: RoutingPolicy
  readonly preferences: RoutingPreferences
  /** Told how long each decision took, in real microseconds; absent: not measured. */
  readonly onDecision?: (microseconds: number) => void
}

export const MODEL_ID = 'simulated/model'
/** What one gateway learnt reaches the others by the next exchange of counts; breakers and pauses are published. */
const COUNTS_DELAY_MS = 2_000
const HEALTH_DELAY_MS = 100
const TICK_MS = 1_000
/** A probe's lease, of all gateways together. */
const LEASE_MS = 5_000

/** An option of the simulated model. */
export interface SimulatedOption extends RoutingOption {
  /** Index of the provider. */
  readonly index: number
}

/** One gateway of several. */
export interface Gateway {
  readonly tracker: ProviderTracker
  readonly random: () => number
  readonly hedges: HedgeBudget
}

const cellOf = (provider: string): Cell => {
  const configKey = `${provider}/model`
  const mode = 'text_to_image'
  const id = cellIdOf(configKey, mode, SIMULATED_TIER)
  return { id, modelId: MODEL_ID, provider, configKey, mode, tier: SIMULATED_TIER }
}

export const optionsOf = ({ scenario }: World): readonly SimulatedOption[] =>
  scenario.providers.map(({ name, usdPerImage }, index) => ({
    index,
    cell: cellOf(name),
    pricePerImage: microUsdFromUsd(usdPerImage),
    shortcomings: 0,
    isCancelFree: false,
  }))

/** Hears one gateway and tells the others, each thing after its delay. */
const exchangeOf = (world: World, gateways: readonly Gateway[], own: number): StatsExchange => {
  let nowMs = 0
  const others = () => gateways.filter((_, index) => index !== own)
  const adopt = (change: HealthChange): void => {
    if ('resumeBegunMs' in change) return
    for (const { tracker } of others()) tracker.adoptHealth(change.key, change)
  }
  return {
    share: (observation) => {
      nowMs = observation.atMs
      const counts = countsOf(observation)
      const { cell, atMs } = observation
      world.queue.plan(atMs + COUNTS_DELAY_MS, (thenMs) => {
        for (const { tracker } of others()) tracker.absorb(cell.id, counts, atMs, thenMs)
      })
    },
    shareHealth: (change) => {
      const learntMs =
        'circuit' in change
          ? change.circuit.sinceMs
          : 'pause' in change
            ? change.pause.sinceMs
            : nowMs
      world.queue.plan(learntMs + HEALTH_DELAY_MS, () => adopt(change))
    },
  }
}

/** Once a second, as long as there is something to route: what gateways do beside requests. */
const tickAll = (world: World, gateways: readonly Gateway[]): void => {
  const leases = new Map<string, number>()
  const tick = (nowMs: number): void => {
    for (const [index, { tracker }] of gateways.entries()) {
      tracker.tick(nowMs)
      for (const key of tracker.wantedProbes(nowMs)) {
        const lease = world.scenario.areGatewaysAlone ? `${index}|${key}` : key
        if (nowMs < (leases.get(lease) ?? 0)) continue
        leases.set(lease, nowMs + LEASE_MS)
        tracker.grantProbe(key, nowMs)
      }
    }
    if (world.isBusy()) world.queue.plan(nowMs + TICK_MS, tick)
  }
  world.queue.plan(TICK_MS, tick)
}

/** The gateways of one world, with the real trackers, exchanging what they learn. */
export const startGateways = (world: World, { policy }: GatewaySettings): readonly Gateway[] => {
  const { scenario, seed } = world
  const offerings = scenario.providers.map(({ name, published }) => ({
    modelId: MODEL_ID,
    provider: name,
    configKey: cellOf(name).configKey,
    prior: priorOf(published, policy),
  }))
  const gateways: Gateway[] = []
  for (let index = 0; index < REPLICAS; index += 1) {
    const random = streamOf(seed, index, COIN.policy)
    const exchange = exchangeOf(world, gateways, index)
    const tracker = new ProviderTracker({
      offerings,
      policy,
      nowMs: 0,
      random,
      ...(!scenario.areGatewaysAlone && { exchange }),
    })
    tracker.setReplicas(REPLICAS)
    gateways.push({ tracker, random, hedges: new HedgeBudget(policy) })
  }
  tickAll(world, gateways)
  return gateways
}
