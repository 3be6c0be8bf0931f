import type { Logger } from 'pino'
import type { Catalog } from './catalog/catalog.ts'
import type { ReloadableCatalog } from './catalog/reloadable-catalog.ts'
import type { Config } from './config.ts'
import { systemClock } from './domain/clock.ts'
import type { PerformanceHistory } from './domain/provider-stats.ts'
import { DEFAULT_ROUTING_POLICY } from './routing/policy.ts'
import { createRouting, type Routing, trackedOfferings } from './routing/routing.ts'
import { createLocalExchange } from './state/local-exchange.ts'
import { createRedisExchange } from './state/redis-exchange.ts'
import type { SharingStatus, StatsSharing } from './state/stats-sharing.ts'
import type { Metrics } from './telemetry/create-metrics.ts'

/** How often routing looks for attempts that are late, in ms before `TIME_SCALE`, and at least in real ms. */
const TICK_MS = 1_000
const LEAST_TICK_MS = 10

export interface RoutingParts {
  readonly config: Config
  readonly catalog: ReloadableCatalog
  readonly configuredProviders: ReadonlySet<string>
  readonly logger: Logger
  readonly metrics: Metrics
  /** Aborted when the gateway shuts down. */
  readonly closing: AbortSignal
}

/** Routing that knows what other gateways know, and keeps up with them. */
export interface RunningRouting {
  readonly routing: Routing
  readonly history: PerformanceHistory
  /** Whether other gateways are told what is learnt, as it was told last. */
  sharing(): SharingStatus
  /** Tells the others the last of it. */
  close(): Promise<void>
}

const configKeysOf = ({ models }: Pick<Catalog, 'models'>): string[] =>
  models.flatMap(({ offerings }) => offerings.map(({ configKey }) => configKey))

const createSharing = (
  { config, catalog, logger, metrics }: RoutingParts,
  note: (status: SharingStatus) => void,
): StatsSharing => {
  const { redisUrl, timeScale } = config
  if (redisUrl === undefined) return createLocalExchange({ clock: systemClock, timeScale })
  const onStatus = (status: SharingStatus): void => {
    const { isShared, reason } = status
    note(status)
    metrics.set('fresnel_state_shared', {}, Number(isShared))
    if (isShared) logger.info('what is learnt about providers is shared through Redis')
    else
      logger.warn({ reason }, 'Redis cannot be used: routing goes on with what this gateway knows')
  }
  return createRedisExchange({
    url: redisUrl,
    clock: systemClock,
    timeScale,
    configKeys: configKeysOf(catalog),
    onStatus,
    onHistoryTrouble: (reason) =>
      logger.warn({ reason }, 'Redis does not give the whole performance history'),
  })
}

/** Takes in what is known already, for 2 s at most, and keeps routing up to date until it is closed. */
export const startRouting = async (parts: RoutingParts): Promise<RunningRouting> => {
  const { config, catalog, configuredProviders, closing } = parts
  let status: SharingStatus = { isShared: false }
  const sharing = createSharing(parts, (told) => {
    status = told
  })
  const routing = createRouting({
    models: catalog.models,
    configuredProviders,
    policy: { ...DEFAULT_ROUTING_POLICY, ...config.routing, probe: config.probe },
    clock: systemClock,
    timeScale: config.timeScale,
    closing,
    usualLimitMs: config.requestTimeoutMs * config.timeScale,
    exchange: sharing.exchange,
  })
  sharing.attach(routing.tracker)
  catalog.onReload(({ models }) => {
    const offerings = trackedOfferings({ models, configuredProviders, policy: routing.policy })
    routing.tracker.follow(offerings, routing.clock.nowMs())
    sharing.follow(configKeysOf({ models }))
  })
  await sharing.start()
  const tick = (): void => routing.tracker.tick(routing.clock.nowMs())
  const intervalMs = Math.max(LEAST_TICK_MS, TICK_MS / config.timeScale)
  const ticking = setInterval(tick, intervalMs).unref()
  const close = (): Promise<void> => {
    clearInterval(ticking)
    return sharing.close()
  }
  return { routing, history: sharing.history, sharing: () => status, close }
}
