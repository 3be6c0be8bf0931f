import type { ModelFile } from '#src/domain/model-file.ts'
import { firstModelProviders, type MixName, type QuotaName } from './first-model.ts'
import type { GatewaySettings } from './gateways.ts'
import { randomWorld } from './random-worlds.ts'
import type { Scenario } from './scenario.ts'
import type { Change, SimulatedProvider, TierTruth } from './upstream-model.ts'

const MINUTE_MS = 60_000
const minutes = (from: number, until: number) => ({
  fromMs: from * MINUTE_MS,
  untilMs: until * MINUTE_MS,
})
/** Where incidents lie unless a scenario says otherwise. */
const INCIDENT = minutes(10, 20)
const RANDOM_WORLDS = 24
/** Of ten minutes' requests, so many times the seeds: success differs by a point from one seed to the next. */
const INCIDENT_SEED_FACTOR = 4
/** What is left of fal's and gemini's success in a brown-out, and how much slower they are. */
const BROWN_SUCCESS = 0.4
const BROWN_SLOWNESS = 3

/** One or more scenarios whose measures are averaged in one row. */
export interface ScenarioSet {
  readonly name: string
  readonly about: string
  readonly scenarios: readonly Scenario[]
  /** Seeds per seed asked for: more for sets with few requests, fewer for those with many. */
  readonly seedFactor: number
  /** Whether hedges are on. */
  readonly isHedging?: boolean
  /** The set that this one repeats, with gateways that hear nothing of each other. Absent: it is one of its own. */
  readonly aloneOf?: string
  /** Other ways to run the gateway, to be compared with. Absent: none. */
  readonly rivals?: Readonly<Record<string, Partial<GatewaySettings>>>
}

type Changes = Readonly<Record<string, readonly Change[]>>

interface Setting {
  readonly mix?: MixName
  readonly quota?: QuotaName
  readonly changes?: Changes
}

const worldOf = (file: ModelFile, { mix = 'A', quota = 'small', changes = {} }: Setting) =>
  firstModelProviders(file, mix, quota).map(
    (provider): SimulatedProvider => ({ ...provider, changes: changes[provider.name] ?? [] }),
  )

const set = (
  about: string,
  scenario: Scenario,
  more: Partial<Pick<ScenarioSet, 'seedFactor' | 'isHedging' | 'rivals'>> = {},
): ScenarioSet => ({ name: scenario.name, about, scenarios: [scenario], seedFactor: 1, ...more })

const hour = (name: string, providers: readonly SimulatedProvider[]): Scenario => ({
  name,
  providers,
  perSecond: 1,
  durationMs: 60 * MINUTE_MS,
})

/** An incident of ten minutes at the first provider, in forty minutes. */
const outage = (name: string, providers: readonly SimulatedProvider[]): Scenario => ({
  name,
  providers,
  perSecond: 1,
  durationMs: 40 * MINUTE_MS,
  incident: { provider: 0, ...INCIDENT },
})

/** Only what comes during the incident counts. */
const duringIncident = (
  name: string,
  providers: readonly SimulatedProvider[],
  provider = 0,
): Scenario => ({
  name,
  providers,
  perSecond: 1,
  durationMs: INCIDENT.untilMs,
  scored: INCIDENT,
  incident: { provider, ...INCIDENT },
})

const brown = (success: number): Change => ({
  ...INCIDENT,
  success: [success, success],
  slowness: [BROWN_SLOWNESS, BROWN_SLOWNESS],
})
const half = (success: number): Change => ({
  ...INCIDENT,
  success: [success / 2, success / 2],
  slowness: [1.5, 1.5],
})

const stationarySets = (file: ModelFile): readonly ScenarioSet[] => [
  set('stationary', hour('S1', worldOf(file, {}))),
  set('stationary, slow failures', hour('S1 mix B', worldOf(file, { mix: 'B' }))),
  set(
    'stationary, 20/s',
    {
      ...hour('S1 20/s', worldOf(file, { quota: 'large' })),
      perSecond: 20,
      durationMs: 15 * MINUTE_MS,
    },
    { seedFactor: 1 },
  ),
  set('stationary, 1/min', {
    ...hour('S1 1/min', worldOf(file, {})),
    perSecond: 1 / 60,
    durationMs: 1_200 * MINUTE_MS,
  }),
  set('stationary, hedging', hour('S1 hedge', worldOf(file, {})), { isHedging: true }),
]

const outageSets = (file: ModelFile): readonly ScenarioSet[] => {
  const refusing: Changes = { gemini: [{ ...INCIDENT, dead: 'refuses' }] }
  const hanging: Changes = { gemini: [{ ...INCIDENT, dead: 'hangs' }] }
  const rare = minutes(60, 70)
  const weakAfter: Changes = {
    gemini: [
      { ...INCIDENT, dead: 'refuses' },
      // A quarter of 20 requests per second, of a quota of 30.
      { ...minutes(20, 22), quotaFactor: 5 / 30 },
    ],
  }
  const hangingRarely: Changes = { gemini: [{ ...rare, dead: 'hangs' }] }
  return [
    set('the best refuses', outage('S2a', worldOf(file, { changes: refusing }))),
    set('the best is a black hole', outage('S2b', worldOf(file, { changes: hanging }))),
    set(
      'the best comes back weak, 20/s',
      {
        ...outage('S2c', worldOf(file, { quota: 'large', changes: weakAfter })),
        perSecond: 20,
        durationMs: 23 * MINUTE_MS,
      },
      { seedFactor: 1 },
    ),
    set(
      'a black hole, 1/min',
      {
        ...outage('S2b 1/min', worldOf(file, { changes: hangingRarely })),
        perSecond: 1 / 60,
        durationMs: 90 * MINUTE_MS,
        scored: minutes(50, 90),
        incident: { provider: 0, ...rare },
      },
      { seedFactor: 16 },
    ),
  ]
}

const weatherSets = (file: ModelFile): readonly ScenarioSet[] => {
  const drift: Changes = {
    gemini: [{ ...minutes(0, 60), success: [0.835, 0.45], slowness: [1, 2.5] }],
    vertex: [{ ...minutes(0, 60), success: [0.565, 0.95], slowness: [1, 0.5] }],
  }
  const dead: Change = { ...INCIDENT, dead: 'refuses' }
  const wide: Changes = {
    gemini: [dead],
    vertex: [dead],
    replicate: [half(0.36)],
    fal: [half(0.923)],
  }
  const fal = { fal: [brown(BROWN_SUCCESS)] }
  const gemini = { gemini: [brown(BROWN_SUCCESS)] }
  // A fifth of one request per second, of a quota of five.
  const storm = { gemini: [{ ...INCIDENT, quotaFactor: 0.04 }] }
  const more = { seedFactor: INCIDENT_SEED_FACTOR }
  return [
    set('fal browns out', duringIncident('S3f', worldOf(file, { changes: fal }), 1), more),
    set('the best browns out', duringIncident('S3g', worldOf(file, { changes: gemini })), more),
    set('the best takes a fifth', duringIncident('S4', worldOf(file, { changes: storm })), more),
    set('the best drifts down, the worst up', hour('S5', worldOf(file, { changes: drift }))),
    set('two dead, two halved', duringIncident('S7', worldOf(file, { changes: wide })), more),
  ]
}

const coldProviders = (file: ModelFile): readonly SimulatedProvider[] =>
  worldOf(file, {}).map(({ published: _, ...provider }) => provider)

const isBurst = (nowMs: number): boolean =>
  [minutes(15, 20), minutes(35, 40)].some(
    ({ fromMs, untilMs }) => nowMs >= fromMs && nowMs < untilMs,
  )

const otherSets = (file: ModelFile): readonly ScenarioSet[] => [
  set('nothing known, first 20 min', {
    ...hour('S6', coldProviders(file)),
    durationMs: 20 * MINUTE_MS,
  }),
  set('refused prompts, in bursts', {
    ...hour('S8', worldOf(file, {})),
    refusedShare: (nowMs) => (isBurst(nowMs) ? 0.7 : 0.08),
  }),
  {
    name: 'S9',
    about: `${RANDOM_WORLDS} random worlds`,
    scenarios: Array.from({ length: RANDOM_WORLDS }, (_, index) => randomWorld(index)),
    seedFactor: 0.25,
  },
  set(
    'saturated, 20/s',
    {
      ...hour('S10', worldOf(file, { quota: 'saturated' })),
      perSecond: 20,
      durationMs: 20 * MINUTE_MS,
    },
    { seedFactor: 1 },
  ),
]

const TIER_RIVALS: NonNullable<ScenarioSet['rivals']> = {
  'one cell': { tierLearning: 'one' },
  'cells apart': { tierLearning: 'apart' },
}

/** What 4K takes where it takes the same everywhere. */
const EVEN_4K: TierTruth = { slowness: 1.6, successFactor: 1 }
/** Where no two providers are alike in it: what it takes at four of them, and what it does to their success. */
const UNEVEN_SLOWNESS = [0.9, 1.3, 1.8, 2.6]
const UNEVEN_SUCCESS = [1.05, 0.95, 0.85, 0.7]
/** The even permutations: which of these is whose. So every provider has each of them equally often. */
const UNEVEN_WORLDS = [
  [0, 1, 2, 3],
  [0, 2, 3, 1],
  [0, 3, 1, 2],
  [1, 0, 3, 2],
  [1, 2, 0, 3],
  [1, 3, 2, 0],
  [2, 0, 1, 3],
  [2, 1, 3, 0],
  [2, 3, 0, 1],
  [3, 0, 2, 1],
  [3, 1, 0, 2],
  [3, 2, 1, 0],
] as const

/** The success is another provider's kind, or the fast would always be the reliable ones, too. */
const uneven4k = (kinds: readonly number[], place: number): TierTruth => ({
  slowness: UNEVEN_SLOWNESS[kinds[place] ?? 0] ?? 1,
  successFactor: UNEVEN_SUCCESS[kinds[(place + 1) % kinds.length] ?? 0] ?? 1,
})

/** One picture in fifty is of 4K. */
const with4k = (
  name: string,
  providers: readonly SimulatedProvider[],
  fourK: (place: number) => TierTruth,
): Scenario => ({
  ...hour(
    name,
    providers.map((provider, place) => ({ ...provider, tiers: { '4K': fourK(place) } })),
  ),
  perSecond: 0.5,
  durationMs: 360 * MINUTE_MS,
  rareTier: { tier: '4K', share: 0.02 },
})

const tierSets = (file: ModelFile): readonly ScenarioSet[] => {
  const providers = worldOf(file, {})
  return [
    set(
      '4K at 2 % of 0.5/s, as much slower everywhere',
      with4k('4K', providers, () => EVEN_4K),
      { seedFactor: 0.5, rivals: TIER_RIVALS },
    ),
    {
      name: '4K uneven',
      about: '4K at 2 % of 0.5/s, unlike at each provider',
      scenarios: UNEVEN_WORLDS.map((kinds, world) =>
        with4k(`4K world ${world + 1}`, providers, (place) => uneven4k(kinds, place)),
      ),
      seedFactor: 0.125,
      rivals: TIER_RIVALS,
    },
  ]
}

const ALONE_PER_SECOND = 1

/** Each set of the usual traffic once more, with gateways that hear nothing of each other. */
const aloneSets = (sets: readonly ScenarioSet[]): readonly ScenarioSet[] =>
  sets
    .filter(({ scenarios }) => scenarios.every(({ perSecond }) => perSecond === ALONE_PER_SECOND))
    .map((twin) => ({
      ...twin,
      name: `${twin.name} alone`,
      about: `${twin.about}, gateways alone`,
      scenarios: twin.scenarios.map((scenario) => ({ ...scenario, areGatewaysAlone: true })),
      aloneOf: twin.name,
    }))

/** Every scenario, made of the first model's figures. */
export const scenarioSets = (file: ModelFile): readonly ScenarioSet[] => {
  const sets = [
    ...stationarySets(file),
    ...outageSets(file),
    ...weatherSets(file),
    ...otherSets(file),
    ...tierSets(file),
  ]
  return [...sets, ...aloneSets(sets)]
}
