import type { RoutingPreferences } from '#src/domain/image-request.ts'
import type { ResolutionTier } from '#src/domain/media.ts'
import { microUsdFromUsd } from '#src/domain/money.ts'
import {
  type Cell,
  cellIdOf,
  countsOf,
  type HealthChange,
  type StatsExchange,
} from '#src/domain/provider-stats.ts'
import type { TrackedOffering } from '#src/routing/cell-book.ts'
import { priorOf } from '#src/routing/estimate.ts'
import { HedgeBudget } from '#src/routing/hedge.ts'
import type { RoutingPolicy } from '#src/routing/policy.ts'
import { ProviderTracker } from '#src/routing/provider-tracker.ts'
import type { RoutingOption } from '#src/routing/rank-options.ts'
import { COIN, streamOf } from './coin.ts'
import { REPLICAS, type Scenario } from './scenario.ts'
import type { World } from './simulate.ts'
import { USUAL_TIER } from './upstream-model.ts'

/**
 * What is learnt about pictures of different scales. `pooled`: each has cells of its own, which lend each other what they
 * know: the gateway's way. `one`: all are taken for the usual scale. `apart`: each is a model of its own, and knows of the
 * others only what a picture takes by the policy's table.
 */
export type TierLearning = 'pooled' | 'one' | 'apart'

/** How the gateway's own policy is run. */
export interface GatewaySettings {
  readonly policy: RoutingPolicy
  readonly preferences: RoutingPreferences
  /** Absent: `pooled`. */
  readonly tierLearning?: TierLearning
  /** Told how long each decision took, in real microseconds; absent: not measured. */
  readonly onDecision?: (microseconds: number) => void
}

const MODEL_ID = 'simulated/model'
/** What one gateway learnt reaches the others by the next exchange of counts; news of health is told early. */
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
  /** How often it has told its exchange something. */
  readonly exchangesMade: () => number
}

/** The scales of picture that a scenario asks for. */
const tiersOf = ({ rareTier }: Scenario): readonly ResolutionTier[] =>
  rareTier ? [USUAL_TIER, rareTier.tier] : [USUAL_TIER]

const cellOf = (
  provider: string,
  asked: ResolutionTier,
  learning: TierLearning = 'pooled',
): Cell => {
  const part = learning === 'apart' && asked !== USUAL_TIER ? `-${asked}` : ''
  const tier = learning === 'one' ? USUAL_TIER : asked
  const configKey = `${provider}/model${part}`
  const mode = 'text_to_image'
  const id = cellIdOf(configKey, mode, tier)
  return { id, modelId: `${MODEL_ID}${part}`, provider, configKey, mode, tier }
}

/** What a request for pictures of this scale can be sent to. */
const optionsFor = (
  { scenario }: World,
  tier: ResolutionTier,
  { tierLearning }: GatewaySettings,
): readonly SimulatedOption[] =>
  scenario.providers.map(({ name, usdPerImage }, index) => ({
    index,
    cell: cellOf(name, tier, tierLearning),
    pricePerImage: microUsdFromUsd(usdPerImage),
    shortcomings: 0,
    isCancelFree: false,
  }))

/** The options of each scale of picture. */
export const optionsOf = (
  world: World,
  settings: GatewaySettings,
): ReadonlyMap<ResolutionTier, readonly SimulatedOption[]> =>
  new Map(tiersOf(world.scenario).map((tier) => [tier, optionsFor(world, tier, settings)]))

/** When this gateway next listens: each once a second, at a time of its own. */
const nextExchangeMs = (index: number, nowMs: number): number => {
  const phaseMs = (index * TICK_MS) / REPLICAS
  return phaseMs + TICK_MS * Math.ceil((nowMs - phaseMs) / TICK_MS)
}

/** Counts what is told to an exchange. */
const counted = (exchange: StatsExchange) => {
  let made = 0
  const counting: StatsExchange = {
    share: (observation) => {
      made += 1
      exchange.share(observation)
    },
    shareHealth: (change) => {
      made += 1
      exchange.shareHealth(change)
    },
  }
  return { exchange: counting, exchangesMade: () => made }
}

/** Takes what it is told, and tells nobody. */
const DEAD_EXCHANGE: StatsExchange = { share: () => undefined, shareHealth: () => undefined }

/** Hears one gateway and tells the others, each thing after its delay. */
const exchangeOf = (world: World, gateways: readonly Gateway[], own: number): StatsExchange => {
  let nowMs = 0
  const others = () => gateways.filter((_, index) => index !== own)
  /** Told at once, heard by each of the others when it next listens. */
  const tell = (change: HealthChange, learntMs: number): void => {
    if ('resumeBegunMs' in change) return
    for (const [index, { tracker }] of gateways.entries()) {
      if (index === own) continue
      const heardMs = nextExchangeMs(index, learntMs + HEALTH_DELAY_MS)
      world.queue.plan(heardMs, () => tracker.adoptHealth(change.key, change))
    }
  }
  return {
    share: (observation) => {
      nowMs = observation.atMs
      if (observation.isCutShort) return
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
      tell(change, learntMs)
    },
  }
}

/** Once a second, as long as there is something to route: what gateways do beside requests. */
const tickAll = (world: World, gateways: readonly Gateway[]): void => {
  const { areGatewaysAlone } = world.scenario
  const leases = new Map<string, number>()
  const tick = (nowMs: number): void => {
    for (const [index, { tracker }] of gateways.entries()) {
      if (!areGatewaysAlone) tracker.setReplicas(REPLICAS)
      tracker.tick(nowMs)
      for (const key of tracker.wantedProbes(nowMs)) {
        const lease = areGatewaysAlone ? `${index}|${key}` : key
        if (nowMs < (leases.get(lease) ?? 0)) continue
        leases.set(lease, nowMs + LEASE_MS)
        tracker.grantProbe(key, nowMs)
      }
    }
    if (world.isBusy()) world.queue.plan(nowMs + TICK_MS, tick)
  }
  world.queue.plan(TICK_MS, tick)
}

const offeringsOf = ({ scenario }: World, settings: GatewaySettings): TrackedOffering[] => {
  const { policy, tierLearning } = settings
  const tiers = tierLearning === 'apart' ? tiersOf(scenario) : [USUAL_TIER]
  return tiers.flatMap((tier) =>
    scenario.providers.map(({ name, published }): TrackedOffering => {
      const { modelId, provider, configKey } = cellOf(name, tier, tierLearning)
      return { modelId, provider, configKey, prior: priorOf(published, policy) }
    }),
  )
}

/** The models that are kept track of: all hear of each request, so that their windows are equally long. */
export const modelIdsOf = (world: World, settings: GatewaySettings): readonly string[] => [
  ...new Set(offeringsOf(world, settings).map(({ modelId }) => modelId)),
]

/** The gateways of one world, with the real trackers, exchanging what they learn. */
export const startGateways = (world: World, settings: GatewaySettings): readonly Gateway[] => {
  const { policy } = settings
  const { scenario, seed } = world
  const offerings = offeringsOf(world, settings)
  const gateways: Gateway[] = []
  for (let index = 0; index < REPLICAS; index += 1) {
    const random = streamOf(seed, index, COIN.policy)
    const { exchange, exchangesMade } = counted(
      scenario.areGatewaysAlone ? DEAD_EXCHANGE : exchangeOf(world, gateways, index),
    )
    const tracker = new ProviderTracker({ offerings, policy, nowMs: 0, random, exchange })
    // Those that are alone were not always: they know of the others.
    tracker.setReplicas(REPLICAS)
    gateways.push({ tracker, random, hedges: new HedgeBudget(policy), exchangesMade })
  }
  tickAll(world, gateways)
  return gateways
}
