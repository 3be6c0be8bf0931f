import type { Model } from '#src/catalog/catalog.ts'
import { RESOLUTION_TIERS } from '#src/domain/media.ts'
import { MODES } from '#src/domain/model-card.ts'
import { cellIdOf } from '#src/domain/provider-stats.ts'
import { type Candidate, selectCandidates } from '#src/routing/candidates.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import { NO_HISTORY, type Situation } from '#src/routing/rank-options.ts'
import { createRouting, type Routing } from '#src/routing/routing.ts'
import { createSeededRandom, type SeededRandom } from '#test/emulators/seeded-random.ts'
import { createFakeClock, type FakeClock } from '#test/helpers/fake-clock.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'

/** How much a gateway has to keep in mind. */
export interface BusyRoutingOptions {
  readonly models: number
  /** Offerings of each model, each at a provider of its own. */
  readonly providers: number
  /** Attempts in flight, spread evenly over all offerings. */
  readonly inFlight: number
}

/** Routing that has seen traffic, and whose time stands still unless it is moved. */
export interface BusyRouting {
  readonly routing: Routing
  readonly clock: FakeClock
  /** By model, then by mode and scale: the offerings that such a request could be sent to. */
  readonly requests: readonly (readonly (readonly Candidate[])[])[]
}

/** Attempts that were seen of each cell, and the time between two rounds of them in ms. */
const SEEN_PER_CELL = 20
const ROUND_MS = 30_000

/** More than any breaker needs. */
const OUTAGES = 30

const firstModel = createFirstCatalog().resolve(FIRST_MODEL)
const { candidates: originals } = selectCandidates(firstModel, imageRequest(), ALL_PROVIDERS)

const createModel = (index: number, providers: number): Model => {
  const { model } = firstModel
  const id = `model-${index}`
  const offerings = Array.from({ length: providers }, (_, place) => {
    const original = originals[place % originals.length] as Candidate
    const provider = `provider-${place}`
    return { ...original.offering, provider, configKey: `${provider}/${id}` }
  })
  return { ...model, card: { ...model.card, id }, offerings }
}

const requestsOf = ({ card, offerings }: Model): readonly (readonly Candidate[])[] =>
  MODES.flatMap((mode) =>
    RESOLUTION_TIERS.map((tier) =>
      offerings.map((offering, place) => {
        const { provider, configKey } = offering
        const id = cellIdOf(configKey, mode, tier)
        const cell = { id, modelId: card.id, provider, configKey, mode, tier }
        return { ...(originals[place % originals.length] as Candidate), offering, cell }
      }),
    ),
  )

/** One attempt that ends at once, as often successful and as long as the offering's file says. */
const seeAttempt = (
  { tracker, clock }: Routing,
  { cell, offering }: Candidate,
  random: SeededRandom,
): void => {
  const { successRate = 0.7, p50Ms = 35_000 } = offering.performance ?? {}
  const ticket = tracker.begin(
    cell,
    { isFirst: false, isProbe: false, limitMs: Number.POSITIVE_INFINITY },
    clock.nowMs(),
  )
  const outcome = random.uniform() < successRate ? 'success' : 'empty'
  const durationMs = p50Ms * Math.exp(0.4 * random.normal())
  tracker.settle(ticket, { outcome, durationMs }, clock.nowMs())
}

const seeTraffic = (routing: Routing, clock: FakeClock, candidates: readonly Candidate[]): void => {
  const random = createSeededRandom(1)
  for (let round = 0; round < SEEN_PER_CELL; round += 1) {
    clock.advance(ROUND_MS)
    for (const candidate of candidates) {
      routing.tracker.arrive(candidate.cell.modelId, routing.clock.nowMs())
      seeAttempt(routing, candidate, random)
    }
  }
  routing.tracker.tick(routing.clock.nowMs())
}

/**
 * Of every model the last offering's breaker is open and the one before is rate limited; where there are eight, a third
 * is taken out.
 */
const seeTrouble = (
  { tracker, clock }: Routing,
  offerings: readonly (readonly Candidate[])[],
): void => {
  const nowMs = clock.nowMs()
  for (const candidates of offerings) {
    const [down, limited] = [candidates.at(-1), candidates.at(-2)] as [Candidate, Candidate]
    for (let index = 0; index < OUTAGES; index += 1) {
      const ticket = tracker.begin(
        down.cell,
        { isFirst: false, isProbe: false, limitMs: Number.POSITIVE_INFINITY },
        nowMs,
      )
      tracker.settle(ticket, { outcome: 'outage', durationMs: 1_000 }, nowMs)
    }
    const ticket = tracker.begin(
      limited.cell,
      { isFirst: false, isProbe: false, limitMs: Number.POSITIVE_INFINITY },
      nowMs,
    )
    const end = { outcome: 'rate_limited', durationMs: 500, retryAfterMs: 60_000 } as const
    tracker.settle(ticket, end, nowMs)
    const takenOut = candidates[5]
    if (takenOut && candidates.length === 8) tracker.takeOut(takenOut.cell.provider, nowMs)
  }
}

const fillInFlight = (
  { tracker, clock }: Routing,
  candidates: readonly Candidate[],
  count: number,
): void => {
  for (let index = 0; index < count; index += 1) {
    const candidate = candidates[index % candidates.length] as Candidate
    tracker.begin(
      candidate.cell,
      { isFirst: index % 2 === 0, isProbe: false, limitMs: Number.POSITIVE_INFINITY },
      clock.nowMs(),
    )
  }
}

export const createBusyRouting = (options: BusyRoutingOptions): BusyRouting => {
  const models = Array.from({ length: options.models }, (_, index) =>
    createModel(index, options.providers),
  )
  const clock = createFakeClock()
  const routing = createRouting({
    models,
    configuredProviders: new Set(models.flatMap((model) => model.offerings.map((o) => o.provider))),
    policy: DEFAULT_ROUTING_POLICY,
    clock,
    timeScale: 1,
    closing: new AbortController().signal,
    random: () => 0.999,
  })
  const requests = models.map(requestsOf)
  seeTraffic(routing, clock, requests.flat(2))
  // One cell of each offering, so that each is told of its trouble once.
  const offerings = requests.map(([first]) => first as readonly Candidate[])
  seeTrouble(routing, offerings)
  fillInFlight(routing, offerings.flat(), options.inFlight)
  return { routing, clock, requests }
}

/** What the choice for a request that has just come is made from. */
export const situationFor = (
  { routing }: BusyRouting,
  options: readonly Candidate[],
): Situation<Candidate> => ({
  options,
  preferences: {},
  history: NO_HISTORY,
  leftMs: 280_000,
  nowMs: routing.clock.nowMs(),
  tracker: routing.tracker,
  policy: routing.policy,
  random: routing.random,
})
