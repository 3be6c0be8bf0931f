import { COIN, streamOf } from './coin.ts'
import type { Scenario } from './scenario.ts'
import type { Change, SimulatedProvider } from './upstream-model.ts'

const MINUTE_MS = 60_000
const DURATION_MS = 60 * MINUTE_MS
const INCIDENT_EVERY_MS = 15 * MINUTE_MS
const QUOTA_PER_SECOND = 10

type Random = () => number
const within = (random: Random, least: number, most: number): number =>
  least + (most - least) * random()

const randomProvider = (random: Random, index: number): SimulatedProvider => {
  const success = within(random, 0.35, 0.98)
  const p50Ms = within(random, 20_000, 50_000)
  const sigma = within(random, 0.3, 0.55)
  const quick = within(random, 0.2, 0.8)
  const hang = within(random, 0.05, 0.15)
  return {
    name: `provider-${index}`,
    success,
    latency: { logMean: Math.log(p50Ms), sigma },
    failures: { quick, hang, empty: 1 - quick - hang },
    quota: { type: 'rate', perSecond: QUOTA_PER_SECOND },
    usdPerImage: within(random, 0.04, 0.1),
    published: {
      p50Ms,
      p95Ms: p50Ms * Math.exp(1.645 * sigma),
      meanMs: p50Ms * Math.exp(sigma ** 2 / 2),
      successRate: success,
      requests: 300,
      timeToFirstByteP50Ms: p50Ms,
      timeToFirstByteP95Ms: p50Ms * Math.exp(1.645 * sigma),
    },
    changes: [],
  }
}

/** An outage, a black hole, a brown-out or a storm of rate limits, for 2 to 10 minutes. */
const randomChange = (random: Random, fromMs: number, success: number): Change => {
  const untilMs = fromMs + within(random, 2, 10) * MINUTE_MS
  const kind = Math.floor(random() * 4)
  if (kind === 0) return { fromMs, untilMs, dead: 'refuses' }
  if (kind === 1) return { fromMs, untilMs, dead: 'hangs' }
  if (kind === 2) return { fromMs, untilMs, quotaFactor: within(random, 0.01, 0.05) }
  const lower = success * within(random, 0.2, 0.6)
  const slower = within(random, 1.5, 3)
  return { fromMs, untilMs, success: [lower, lower], slowness: [slower, slower] }
}

/** One of many worlds: 3 to 6 providers, and something goes wrong about every quarter of an hour. */
export const randomWorld = (index: number): Scenario => {
  const random = streamOf(index, 0, COIN.world)
  const count = 3 + Math.floor(random() * 4)
  const providers = Array.from({ length: count }, (_, place) => randomProvider(random, place))
  const changes: Change[][] = providers.map(() => [])
  for (let atMs = 0; ; ) {
    atMs -= Math.log(1 - random()) * INCIDENT_EVERY_MS
    if (atMs >= DURATION_MS) break
    const place = Math.floor(random() * count)
    changes[place]?.push(randomChange(random, atMs, providers[place]?.success ?? 1))
  }
  return {
    name: `S9 world ${index + 1}`,
    providers: providers.map((provider, place) => ({
      ...provider,
      changes: changes[place] ?? [],
    })),
    perSecond: 1,
    durationMs: DURATION_MS,
  }
}
