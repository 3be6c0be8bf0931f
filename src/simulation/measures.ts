import type { RequestRecord } from './request-log.ts'
import { DEADLINE_MS, type Scenario } from './scenario.ts'

/** What is measured of a run. Times in s, shares in %. `undefined`: does not apply. */
export interface Measures {
  /** Mean time to an image, a failure counted as the deadline. */
  readonly pmt: number
  readonly success: number
  readonly p99: number
  /** Per request, every finished generation counted. */
  readonly usd: number
  readonly attempts: number
  readonly rateLimits: number
  /** Things told to the exchange, per request, while it was decided where it goes. */
  readonly exchangesInDecisions: number
  /** Of requests during the incident: share that went first to the provider concerned. */
  readonly deadShare?: number | undefined
  /** From the incident's begin until less than 5 % of the next minute's requests go there first. */
  readonly noticed?: number | undefined
  /** From the incident's end until most of the next 20 requests go there first. */
  readonly returned?: number | undefined
  /** 429s in requests of the two minutes after the incident. */
  readonly stormAfter?: number | undefined
  readonly refusedAttempts?: number | undefined
  readonly refusedSeconds?: number | undefined
  /** Share of good requests that did not go to the first provider first. */
  readonly displaced: number
}
export type MeasureName = keyof Measures

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

const share = <Item>(items: readonly Item[], test: (item: Item) => boolean): number =>
  (100 * items.filter(test).length) / items.length

const AFTER_MS = 120_000
const NOTICED_WITHIN_MS = 60_000
const RETURNED_OF = 20

const secondsOf = ({ end, arrivedMs }: RequestRecord): number =>
  end?.result === 'image' ? (end.atMs - arrivedMs) / 1_000 : DEADLINE_MS / 1_000

const quantile = (values: readonly number[], part: number): number =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length * part)] ?? 0

type Incident = NonNullable<Scenario['incident']>

const noticedAfter = (records: readonly RequestRecord[], incident: Incident): number => {
  const inside = records.filter(
    ({ arrivedMs }) => arrivedMs >= incident.fromMs && arrivedMs < incident.untilMs,
  )
  for (const { arrivedMs } of inside) {
    const next = inside.filter(
      (record) => record.arrivedMs >= arrivedMs && record.arrivedMs < arrivedMs + NOTICED_WITHIN_MS,
    )
    if (share(next, ({ firstProvider }) => firstProvider === incident.provider) < 5) {
      return (arrivedMs - incident.fromMs) / 1_000
    }
  }
  return (incident.untilMs - incident.fromMs) / 1_000
}

const returnedAfter = (
  records: readonly RequestRecord[],
  { provider, untilMs }: Incident,
): number => {
  const after = records.filter(({ arrivedMs }) => arrivedMs >= untilMs)
  for (const [index, { arrivedMs }] of after.entries()) {
    const next = after.slice(index, index + RETURNED_OF)
    if (share(next, ({ firstProvider }) => firstProvider === provider) >= 50) {
      return (arrivedMs - untilMs) / 1_000
    }
  }
  return ((after.at(-1)?.arrivedMs ?? untilMs) - untilMs) / 1_000
}

const measureIncident = (
  records: readonly RequestRecord[],
  incident: Incident | undefined,
): Pick<Measures, 'deadShare' | 'noticed' | 'returned' | 'stormAfter'> => {
  if (!incident) return {}
  const { fromMs, untilMs, provider } = incident
  const inside = records.filter(({ arrivedMs }) => arrivedMs >= fromMs && arrivedMs < untilMs)
  const after = records.filter(
    ({ arrivedMs }) => arrivedMs >= untilMs && arrivedMs < untilMs + AFTER_MS,
  )
  return {
    deadShare: share(inside, ({ firstProvider }) => firstProvider === provider),
    noticed: noticedAfter(records, incident),
    ...(after.length > 0 && {
      returned: returnedAfter(records, incident),
      stormAfter: after.reduce((sum, { rateLimits }) => sum + rateLimits, 0),
    }),
  }
}

/** What a run came to. */
export const measure = (records: readonly RequestRecord[], scenario: Scenario): Measures => {
  const { scored, rareTier, incident } = scenario
  const all = records.filter(
    ({ arrivedMs, tier }) =>
      (!scored || (arrivedMs >= scored.fromMs && arrivedMs < scored.untilMs)) &&
      (!rareTier || tier === rareTier.tier),
  )
  const good = all.filter(({ isRefused }) => !isRefused)
  const refused = all.filter(({ isRefused }) => isRefused)
  const seconds = good.map(secondsOf)
  return {
    pmt: mean(seconds),
    success: share(good, ({ end }) => end?.result === 'image'),
    p99: quantile(seconds, 0.99),
    usd: mean(good.map(({ usd }) => usd)),
    attempts: mean(good.map(({ attempts }) => attempts)),
    rateLimits: mean(good.map(({ rateLimits }) => rateLimits)),
    exchangesInDecisions: mean(all.map(({ exchangesInDecisions }) => exchangesInDecisions)),
    ...measureIncident(records, incident),
    ...(refused.length > 0 && {
      refusedAttempts: mean(refused.map(({ attempts }) => attempts)),
      refusedSeconds: mean(
        refused.map(({ end, arrivedMs }) => ((end?.atMs ?? arrivedMs) - arrivedMs) / 1_000),
      ),
    }),
    displaced: share(good, ({ firstProvider }) => firstProvider !== 0),
  }
}

/** The mean of each measure over runs that have it. */
export const average = (runs: readonly Measures[]): Measures => {
  const of = (name: MeasureName): number | undefined => {
    const values = runs.map((run) => run[name]).filter((value) => value !== undefined)
    return values.length > 0 ? mean(values) : undefined
  }
  const always = (name: MeasureName): number => of(name) ?? 0
  return {
    pmt: always('pmt'),
    success: always('success'),
    p99: always('p99'),
    usd: always('usd'),
    attempts: always('attempts'),
    rateLimits: always('rateLimits'),
    exchangesInDecisions: always('exchangesInDecisions'),
    deadShare: of('deadShare'),
    noticed: of('noticed'),
    returned: of('returned'),
    stormAfter: of('stormAfter'),
    refusedAttempts: of('refusedAttempts'),
    refusedSeconds: of('refusedSeconds'),
    displaced: always('displaced'),
  }
}
