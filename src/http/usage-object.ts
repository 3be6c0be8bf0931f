import type { JsonObject } from '#src/domain/json.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import {
  type RequestUsage,
  USAGE_WINDOWS,
  type UsageFigures,
  type UsageShare,
  type UsageSpan,
  type UsageWindow,
} from '#src/domain/request-usage.ts'

/** A success rate is told in hundredths of a percent, overhead in tenths of a ms. */
const RATE_STEPS = 10_000
const OVERHEAD_STEPS = 10

const rounded = (value: number | undefined, steps = 1): number | null =>
  value === undefined ? null : Math.round(value * steps) / steps

const presentTime = (ms: number): string => new Date(ms).toISOString()

/** The time that a window means, when it ends now. */
export const spanOf = (window: UsageWindow, nowMs: number): UsageSpan => {
  const { windowMs, intervalMs } = USAGE_WINDOWS[window]
  return { fromMs: nowMs - windowMs, toMs: nowMs, intervalMs }
}

const successRateOf = ({ counts }: UsageFigures): number | undefined => {
  const decided = counts.completed + counts.upstream_failure
  return decided > 0 ? counts.completed / decided : undefined
}

const presentFigures = (figures: UsageFigures): JsonObject => ({
  requests: figures.requests,
  completed: figures.counts.completed,
  upstream_failure: figures.counts.upstream_failure,
  cost: usdFromMicroUsd(figures.cost),
  p50_ms: rounded(figures.durations.p50Ms),
  p95_ms: rounded(figures.durations.p95Ms),
})

const presentTotals = ({ totals, overhead }: RequestUsage): JsonObject => {
  const { pending, rejected, cancelled } = totals.counts
  return {
    ...presentFigures(totals),
    pending,
    rejected,
    cancelled,
    success_rate: rounded(successRateOf(totals), RATE_STEPS),
    currency: 'usd',
    mean_ms: rounded(totals.durations.meanMs),
    overhead_p50_ms: rounded(overhead.p50Ms, OVERHEAD_STEPS),
    overhead_p95_ms: rounded(overhead.p95Ms, OVERHEAD_STEPS),
  }
}

const presentShare = (share: UsageShare): JsonObject => ({
  ...presentFigures(share),
  success_rate: rounded(successRateOf(share), RATE_STEPS),
})

const presentProvider = (
  share: UsageShare,
  providerNames: ReadonlyMap<string, string>,
): JsonObject => {
  const { name: slug } = share
  const name = slug === undefined ? null : (providerNames.get(slug) ?? slug)
  return { provider: slug ?? null, provider_name: name, ...presentShare(share) }
}

/** What was asked for in a window, as `GET /v1/usage` shows it. */
export const presentUsageOf = (
  usage: RequestUsage,
  window: UsageWindow,
  { fromMs, toMs }: UsageSpan,
  providerNames: ReadonlyMap<string, string>,
): JsonObject => ({
  object: 'usage',
  window,
  interval: USAGE_WINDOWS[window].interval,
  from: presentTime(fromMs),
  to: presentTime(toMs),
  totals: presentTotals(usage),
  intervals: usage.intervals.map(({ atMs, ...figures }) => ({
    at: presentTime(atMs),
    ...presentFigures(figures),
  })),
  models: usage.models.map((share) => ({ model: share.name ?? null, ...presentShare(share) })),
  providers: usage.providers.map((share) => presentProvider(share, providerNames)),
  ...(usage.isPartial && { partial: true }),
})
