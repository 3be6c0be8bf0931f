import type { Model } from '#src/catalog/catalog.ts'
import type { Clock } from '#src/domain/clock.ts'
import type { StatsExchange } from '#src/domain/provider-stats.ts'
import { createRoutingClock, type RoutingClock } from '#src/domain/routing-clock.ts'
import type { TrackedOffering } from './cell-book.ts'
import { priorOf } from './estimate.ts'
import { HedgeBudget } from './hedge.ts'
import type { RoutingPolicy } from './policy.ts'
import { ProviderTracker } from './provider-tracker.ts'

/** Everything that choices are made with; one per gateway. */
export interface Routing {
  readonly tracker: ProviderTracker
  readonly policy: RoutingPolicy
  readonly clock: RoutingClock
  readonly hedges: HedgeBudget
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Aborted when the gateway shuts down: probes, which nobody waits for, end then. */
  readonly closing: AbortSignal
}

export interface RoutingOptions {
  readonly models: readonly Model[]
  readonly configuredProviders: ReadonlySet<string>
  readonly policy: RoutingPolicy
  readonly clock: Clock
  readonly timeScale: number
  readonly closing: AbortSignal
  /** Time that requests have which ask for no less, in routing's milliseconds. Absent: no limit. */
  readonly usualLimitMs?: number
  /** Absent: this gateway is alone. */
  readonly exchange?: StatsExchange
  /** Absent: `Math.random`. */
  readonly random?: () => number
}

/** What is kept track of: these models at the providers that are configured. */
export const trackedOfferings = ({
  models,
  configuredProviders,
  policy,
}: Pick<RoutingOptions, 'models' | 'configuredProviders' | 'policy'>): TrackedOffering[] =>
  models.flatMap(({ card, offerings }) =>
    offerings
      .filter(({ provider }) => configuredProviders.has(provider))
      .map(({ provider, configKey, performance }) => ({
        modelId: card.id,
        provider,
        configKey,
        prior: priorOf(performance, policy),
      })),
  )

export const createRouting = (options: RoutingOptions): Routing => {
  const { policy, closing, random = Math.random, usualLimitMs, exchange } = options
  const clock = createRoutingClock(options.clock, options.timeScale)
  const tracker = new ProviderTracker({
    offerings: trackedOfferings(options),
    policy,
    nowMs: clock.nowMs(),
    random,
    ...(usualLimitMs !== undefined && { usualLimitMs }),
    ...(exchange && { exchange }),
  })
  return { tracker, policy, clock, random, closing, hedges: new HedgeBudget(policy) }
}
