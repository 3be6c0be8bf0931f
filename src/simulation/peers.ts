import { COIN, flip } from './coin.ts'
import { routeSequentially, type SequentialPolicy } from './sequential-router.ts'
import type { RoutingContender, World } from './simulate.ts'
import type { CallEnd } from './upstream.ts'

/** What the field gives every attempt. */
const PEER_TIMEOUT_MS = 120_000
const LATENCIES_KEPT = 10
/** A time-out is entered as this latency. */
const TIMEOUT_LATENCY_MS = 1_000_000
const COOL_DOWN_MS = 5_000
const LEAST_FOR_COOL_DOWN = 5
const MINUTE_MS = 60_000
const SUCCESS_HALF_LIFE_MS = 600_000
const SUCCESS_PRIOR_TRIALS = 30

/** Smallest key first, each provider once. */
const byKey = (
  { scenario }: World,
  keyOf: (provider: number, request: number, nowMs: number) => number,
  learn?: SequentialPolicy['learn'],
): SequentialPolicy => ({
  knowsRefusals: false,
  ...(learn && { learn }),
  next: ({ record, calls }, nowMs) => {
    let best: { provider: number; key: number } | undefined
    for (let provider = 0; provider < scenario.providers.length; provider += 1) {
      if (calls.some((call) => call.provider === provider)) continue
      const key = keyOf(provider, record.index, nowMs)
      if (!best || key < best.key) best = { provider, key }
    }
    if (!best) return { type: 'stop' }
    return { type: 'try', provider: best.provider, timeoutMs: PEER_TIMEOUT_MS }
  },
})

const coinOf = (world: World, provider: number, request: number): number =>
  flip(world.seed, request, provider, 0, COIN.policy)

/** As LiteLLM's lowest-latency routing: mean of the last latencies, a time-out as a huge one; cool-downs. */
const lowestLatency = (world: World): SequentialPolicy => {
  const latencies = world.scenario.providers.map((): number[] => [])
  const coolUntilMs = world.scenario.providers.map(() => 0)
  const recent = world.scenario.providers.map((): { atMs: number; isFailure: boolean }[] => [])
  const learn = (provider: number, { outcome, durationMs }: CallEnd, nowMs: number): void => {
    const isFailure = outcome !== 'success'
    const seen = (recent[provider] ?? []).filter(({ atMs }) => atMs > nowMs - MINUTE_MS)
    seen.push({ atMs: nowMs, isFailure })
    recent[provider] = seen
    if (outcome === 'success' || outcome === 'timeout') {
      const latencyMs = outcome === 'timeout' ? TIMEOUT_LATENCY_MS : durationMs
      latencies[provider] = [...(latencies[provider] ?? []), latencyMs].slice(-LATENCIES_KEPT)
    }
    const failures = seen.filter((entry) => entry.isFailure).length
    const isBad = seen.length >= LEAST_FOR_COOL_DOWN && failures > seen.length / 2
    if (outcome === 'rate_limited' || isBad) coolUntilMs[provider] = nowMs + COOL_DOWN_MS
  }
  const keyOf = (provider: number, request: number, nowMs: number): number => {
    const seen = latencies[provider] ?? []
    const mean = seen.reduce((sum, value) => sum + value, 0) / (seen.length || 1)
    const tie = coinOf(world, provider, request)
    return (nowMs < (coolUntilMs[provider] ?? 0) ? 1e12 : 0) + mean + tie
  }
  return byKey(world, keyOf, learn)
}

/** Highest observed success rate, older observations worth less. */
const successFirst = (world: World): SequentialPolicy => {
  const sums = world.scenario.providers.map(({ published }) => ({
    hits: SUCCESS_PRIOR_TRIALS * (published?.successRate ?? 0.5),
    trials: SUCCESS_PRIOR_TRIALS,
    atMs: 0,
  }))
  const learn = (provider: number, { outcome }: CallEnd, nowMs: number): void => {
    const sum = sums[provider]
    if (!sum) return
    const weight = 2 ** (-(nowMs - sum.atMs) / SUCCESS_HALF_LIFE_MS)
    sum.hits = sum.hits * weight + (outcome === 'success' ? 1 : 0)
    sum.trials = sum.trials * weight + 1
    sum.atMs = nowMs
  }
  return byKey(
    world,
    (provider) => -(sums[provider]?.hits ?? 0) / (sums[provider]?.trials ?? 1),
    learn,
  )
}

const peer = (name: string, policyOf: (world: World) => SequentialPolicy): RoutingContender => ({
  name,
  start: (world) => routeSequentially(world, policyOf(world)),
})

/** What others do: one attempt at each provider, 120 s each. What they learn, all gateways know at once. */
export const PEERS: readonly RoutingContender[] = [
  peer('random', (world) => byKey(world, (provider, request) => coinOf(world, provider, request))),
  peer('round-robin', (world) => {
    const count = world.scenario.providers.length
    return byKey(world, (provider, request) => (provider + count - (request % count)) % count)
  }),
  peer('static', (world) => byKey(world, (provider) => provider)),
  peer('lowest-latency', lowestLatency),
  peer('success-first', successFirst),
]
