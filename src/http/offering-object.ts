import type { JsonObject, JsonValue } from '#src/domain/json.ts'
import type { Offering, PriceRule } from '#src/domain/offering.ts'
import {
  type HourPerformance,
  PERFORMANCE_WINDOWS,
  type Performance,
  performanceToShow,
} from '#src/domain/performance.ts'
import type { LivePerformance } from './performance-reader.ts'
import type { ProviderHealth } from './provider-health.ts'

/** Days that the figures of `performance` are of. */
const WINDOW_DAYS = 30

/** A success rate is told in hundredths of a percent. */
const RATE_STEPS = 10_000

const rounded = (value: number | undefined, steps = 1): number | null =>
  value === undefined ? null : Math.round(value * steps) / steps

const presentFigures = (figures: Performance): JsonObject => ({
  p50_ms: rounded(figures.p50Ms),
  p95_ms: rounded(figures.p95Ms),
  mean_ms: rounded(figures.meanMs),
  success_rate: rounded(figures.successRate, RATE_STEPS),
  requests: figures.requests,
  time_to_first_byte_p50_ms: rounded(figures.timeToFirstByteP50Ms),
  time_to_first_byte_p95_ms: rounded(figures.timeToFirstByteP95Ms),
  rate_limited: figures.rateLimited ?? null,
  refused: figures.refused ?? null,
})

const presentPerformance = (
  offering: Offering,
  live: LivePerformance | undefined,
): JsonObject | null => {
  const measured = live?.byWindow['30d']
  const shown = performanceToShow(measured, offering)
  if (!shown) return null
  const { source } = shown
  // `requests` are those that the figures are of; how many the gateways themselves made is told beside them.
  const own = { live_requests: measured?.requests ?? 0 }
  return { source, window_days: WINDOW_DAYS, ...presentFigures(shown), ...own }
}

const presentWindows = (live: LivePerformance | undefined): JsonObject | null => {
  if (!live?.byWindow['30d']) return null
  const { byWindow } = live
  return Object.fromEntries(
    PERFORMANCE_WINDOWS.map((window) => {
      const figures = byWindow[window]
      return [window, figures ? presentFigures(figures) : null]
    }),
  )
}

const presentHour = ({ atMs, performance }: HourPerformance): JsonObject => ({
  at: new Date(atMs).toISOString(),
  ...presentFigures(performance),
})

const presentPrice = (rule: PriceRule, { priceSource }: Offering): JsonObject => ({
  metric: rule.metric,
  unit: rule.unit,
  currency: 'USD',
  ...(rule.usd !== undefined && { usd: rule.usd }),
  ...(rule.usdByResolution && { usd_by_resolution: rule.usdByResolution }),
  ...(rule.usdBySize && { usd_by_size: rule.usdBySize }),
  ...(rule.firstUsd !== undefined && { first_usd: rule.firstUsd }),
  ...(rule.batchUsd !== undefined && { batch_usd: rule.batchUsd }),
  ...(rule.batchUsdByResolution && { batch_usd_by_resolution: rule.batchUsdByResolution }),
  ...(rule.when && { when: rule.when as Record<string, JsonValue> }),
  source: {
    url: priceSource.url,
    checked_at: priceSource.checkedAt,
    confidence: priceSource.confidence ?? 'primary',
    ...(priceSource.note !== undefined && { note: priceSource.note }),
  },
})

/** As far from 1970 as a date can be, in ms. */
const LAST_DATE_MS = 8.64e15

/** `null` also for what is no date: it was told by others. */
export const presentInstant = (atMs: number | undefined): string | null =>
  atMs !== undefined && Math.abs(atMs) <= LAST_DATE_MS ? new Date(atMs).toISOString() : null

/** How a model stands at a provider; `undefined`: it is not configured. */
export const presentHealth = (health: ProviderHealth | undefined): JsonObject => ({
  status: health?.status ?? 'not_configured',
  until: presentInstant(health?.untilMs),
  in_flight: health?.inFlight ?? 0,
})

/** What is known of an offering beside its model file. */
export interface OfferingState {
  /** Name of its provider for people. */
  readonly providerName: string
  /** Whether the provider is configured. */
  readonly isAvailable: boolean
  /** `undefined`: nothing was measured, or it cannot be read. */
  readonly live: LivePerformance | undefined
  /** `undefined`: not configured. */
  readonly health: ProviderHealth | undefined
  /** Whether figures of each hour are wanted. */
  readonly withHours: boolean
}

/** An offering as `GET /v1/models/{id}/providers` shows it. */
export const presentOffering = (offering: Offering, state: OfferingState): JsonObject => ({
  provider: offering.provider,
  provider_name: state.providerName,
  config_key: offering.configKey,
  provider_model_id: offering.providerModelId,
  modes: offering.modes,
  regions: offering.regions,
  available: state.isAvailable,
  deprecated_at: offering.deprecatedAt ?? null,
  shutdown_at: offering.shutdownAt ?? null,
  notes: offering.notes ?? [],
  pricing: offering.prices.map((rule) => presentPrice(rule, offering)),
  performance: presentPerformance(offering, state.live),
  performance_by_window: presentWindows(state.live),
  ...(state.withHours && { performance_by_hour: (state.live?.byHour() ?? []).map(presentHour) }),
  health: presentHealth(state.health),
})
