import type { RoutingPreferences } from '#src/domain/image-request.ts'
import { RESOLUTION_TIERS, type ResolutionTier } from '#src/domain/media.ts'
import type { Mode } from '#src/domain/model-card.ts'
import {
  type Cell,
  cellIdOf,
  type HealthChange,
  noCounts,
  type Observation,
  type OutcomeCounts,
  type StatsExchange,
} from '#src/domain/provider-stats.ts'
import { type Prior, priorOf } from '#src/routing/estimate.ts'
import { DEFAULT_ROUTING_POLICY, type RoutingPolicy } from '#src/routing/policy.ts'
import { type AttemptEnd, ProviderTracker } from '#src/routing/provider-tracker.ts'
import { NO_HISTORY, type RoutingOption, type Situation } from '#src/routing/rank-options.ts'

export const MODEL = 'the/model'
export const SECOND = 1_000
export const MINUTE = 60 * SECOND
/** Far from zero, as clocks are. */
export const START_MS = 1_000 * MINUTE

/** The first model's public figures: the simulation's world. */
const FIGURES = {
  gemini: { p50Ms: 26_026, p95Ms: 45_077, successRate: 0.835, requests: 1_413 },
  vertex: { p50Ms: 43_888, p95Ms: 101_504, successRate: 0.565, requests: 559 },
  fal: { p50Ms: 45_725, p95Ms: 92_378, successRate: 0.923, requests: 285 },
  replicate: { p50Ms: 31_830, p95Ms: 55_872, successRate: 0.36, requests: 236 },
} as const

export type Provider = keyof typeof FIGURES
export const PROVIDERS = ['gemini', 'vertex', 'fal', 'replicate'] as const

export const priorFor = (provider: Provider, policy = DEFAULT_ROUTING_POLICY): Prior => {
  const { p50Ms, p95Ms, ...rest } = FIGURES[provider]
  const firstByte = { timeToFirstByteP50Ms: p50Ms, timeToFirstByteP95Ms: p95Ms }
  return priorOf({ p50Ms, p95Ms, meanMs: p50Ms, ...rest, ...firstByte }, policy)
}

export const cellAt = (
  provider: string,
  tier: ResolutionTier = '1K',
  mode: Mode = 'text_to_image',
): Cell => {
  const configKey = `${provider}/model`
  const id = cellIdOf(configKey, mode, tier)
  return { id, modelId: MODEL, provider, configKey, mode, tier }
}

export const optionAt = (provider: string, part: Partial<RoutingOption> = {}): RoutingOption => ({
  cell: cellAt(provider),
  pricePerImage: 67_000,
  shortcomings: 0,
  isCancelFree: true,
  ...part,
})

export const counts = (part: Partial<OutcomeCounts>): OutcomeCounts => ({ ...noCounts(), ...part })

/** `count` successes that took `ms` each. */
export const successes = (count: number, ms: number): OutcomeCounts =>
  counts({
    success: count,
    logLatency: count * Math.log(ms),
    logLatencySquared: count * Math.log(ms) ** 2,
  })

/** An exchange that keeps what it is told. */
export const listeningExchange = () => {
  const observations: Observation[] = []
  const changes: HealthChange[] = []
  const exchange: StatsExchange = {
    share: (observation) => observations.push(observation),
    shareHealth: (change) => changes.push(change),
  }
  return { exchange, observations, changes }
}

interface WatchOptions {
  readonly providers?: readonly Provider[]
  readonly policy?: Partial<RoutingPolicy>
  readonly random?: () => number
  readonly usualLimitMs?: number
  readonly exchange?: StatsExchange
}

/** A tracker with a clock of its own, and short words for what happens to it. */
export const watch = ({
  providers = PROVIDERS,
  policy: part = {},
  random = () => 0,
  usualLimitMs,
  exchange,
}: WatchOptions = {}) => {
  const policy = { ...DEFAULT_ROUTING_POLICY, ...part }
  const tracker = new ProviderTracker({
    offerings: providers.map((provider) => ({
      modelId: MODEL,
      provider,
      configKey: cellAt(provider).configKey,
      prior: priorFor(provider, policy),
    })),
    policy,
    nowMs: START_MS,
    random,
    ...(usualLimitMs !== undefined && { usualLimitMs }),
    ...(exchange && { exchange }),
  })
  let nowMs = START_MS
  const begin = (
    provider: string,
    isFirst = false,
    isProbe = false,
    limitMs = Number.POSITIVE_INFINITY,
  ) => tracker.begin(cellAt(provider), { isFirst, isProbe, limitMs }, nowMs)
  const world = {
    tracker,
    policy,
    now: () => nowMs,
    begin,
    /** Lets time pass, with a tick at its end. */
    pass: (ms: number) => {
      nowMs += ms
      tracker.tick(nowMs)
    },
    /** An attempt that takes `durationMs`, which pass, without a tick. */
    attempt: (
      provider: string,
      outcome: AttemptEnd['outcome'],
      durationMs: number,
      end: Partial<AttemptEnd> = {},
    ) => {
      const ticket = begin(provider)
      nowMs += durationMs
      tracker.settle(ticket, { outcome, durationMs, ...end }, nowMs)
    },
    settle: (
      ticket: ReturnType<typeof begin>,
      outcome: AttemptEnd['outcome'],
      end: Partial<AttemptEnd> = {},
    ) => {
      const durationMs = nowMs - ticket.begunMs
      tracker.settle(ticket, { outcome, durationMs, ...end }, nowMs)
    },
    health: (provider: string) => tracker.healthOf({ modelId: MODEL, provider }, nowMs),
    estimate: (provider: string, tier: ResolutionTier = RESOLUTION_TIERS[1]) =>
      tracker.estimateOf(cellAt(provider, tier), nowMs),
    /** Other gateways say that it is down. */
    takeForDown: (provider: string, openMs = 10 * SECOND) =>
      tracker.adoptHealth(`${MODEL}:${provider}`, {
        circuit: { state: 'open', sinceMs: nowMs, untilMs: nowMs + openMs, openings: 1 },
      }),
    /** It is to be left alone: other gateways say so, or it refused the account here. */
    pauseFor: (
      provider: string,
      ms: number,
      reason: 'rate_limited' | 'taken_out' = 'rate_limited',
    ) => {
      if (reason === 'taken_out') {
        tracker.takeOut(provider, nowMs + ms - policy.takeOutMs)
        return
      }
      const pause = { reason, sinceMs: nowMs, untilMs: nowMs + ms }
      tracker.adoptHealth(`${MODEL}:${provider}`, { pause })
    },
    /** Fills the slow start of a provider with first tries. */
    fill: (provider: string) => {
      const { slowStartLimit } = world.health(provider)
      return Array.from({ length: slowStartLimit }, () => begin(provider, true))
    },
    /** What `chooseNext` is asked with. */
    situation: (
      rest: Partial<Situation> & { readonly preferences?: RoutingPreferences } = {},
    ): Situation => ({
      options: providers.map((provider) => optionAt(provider)),
      preferences: { sort: 'latency' },
      history: NO_HISTORY,
      leftMs: 180 * SECOND,
      nowMs,
      tracker,
      policy,
      random: () => 0.999,
      ...rest,
    }),
  }
  return world
}

export type World = ReturnType<typeof watch>
