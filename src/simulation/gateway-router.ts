import type { ResolutionTier } from '#src/domain/media.ts'
import { chooseNext, type Decision } from '#src/routing/choose-next.ts'
import { chooseHedge, hedgeAfterMs, mayHedge } from '#src/routing/hedge.ts'
import type { ChainTry, RankedOption, Situation } from '#src/routing/rank-options.ts'
import {
  type Gateway,
  type GatewaySettings,
  modelIdsOf,
  optionsOf,
  type SimulatedOption,
  startGateways,
} from './gateways.ts'
import type { RequestRecord } from './request-log.ts'
import { DEADLINE_MS, replicaOf } from './scenario.ts'
import type { RoutingContender, World } from './simulate.ts'
import type { CallEnd } from './upstream.ts'

type Chosen = RankedOption<SimulatedOption>

/** One request on its way through one gateway. */
interface Chain {
  readonly record: RequestRecord
  readonly gateway: Gateway
  readonly tries: ChainTry[]
  /** Attempts under way, and how each is given up. */
  readonly underWay: Set<(nowMs: number) => void>
}

/** Copies of a request (probes) have luck of their own. */
const PROBE_ATTEMPT = 100

/** Runs requests through the gateway's own decisions: `chooseNext` and the tracker. */
class GatewayRouter {
  readonly #world: World
  readonly #settings: GatewaySettings
  readonly #options: ReadonlyMap<ResolutionTier, readonly SimulatedOption[]>
  readonly #modelIds: readonly string[]
  readonly #gateways: readonly Gateway[]

  constructor(world: World, settings: GatewaySettings) {
    this.#world = world
    this.#settings = settings
    this.#options = optionsOf(world, settings)
    this.#modelIds = modelIdsOf(world, settings)
    this.#gateways = startGateways(world, settings)
  }

  route(record: RequestRecord, nowMs: number): void {
    const gateway = this.#gateways[replicaOf(this.#world.seed, record.index)]
    if (!gateway) throw new Error('No such gateway')
    gateway.hedges.earn()
    for (const modelId of this.#modelIds) gateway.tracker.arrive(modelId, nowMs)
    this.#step({ record, gateway, tries: [], underWay: new Set() }, nowMs)
  }

  #situationOf({ record, gateway, tries }: Chain, nowMs: number): Situation<SimulatedOption> {
    const { policy, preferences } = this.#settings
    return {
      options: this.#options.get(record.tier) ?? [],
      preferences,
      history: { tries },
      leftMs: record.arrivedMs + DEADLINE_MS - nowMs,
      nowMs,
      tracker: gateway.tracker,
      policy,
      random: gateway.random,
    }
  }

  #decide(chain: Chain, nowMs: number): Decision<SimulatedOption> {
    const { onDecision } = this.#settings
    const { exchangesMade } = chain.gateway
    const madeBefore = exchangesMade()
    const startedMs = onDecision ? performance.now() : 0
    const decision = chooseNext(this.#situationOf(chain, nowMs))
    onDecision?.((performance.now() - startedMs) * 1_000)
    chain.record.exchangesInDecisions += exchangesMade() - madeBefore
    return decision
  }

  #step(chain: Chain, nowMs: number): void {
    const decision = this.#decide(chain, nowMs)
    if (decision.type === 'stop') this.#finish(chain, 'failed', nowMs)
    else if (decision.type === 'wait') {
      const laterMs = nowMs + decision.waitMs
      this.#world.queue.plan(laterMs, (atMs) => this.#step(chain, atMs))
    } else {
      this.#attempt(chain, decision.chosen, decision.timeoutMs, nowMs)
      if (decision.probe) this.#probe(chain, decision.probe, nowMs)
      this.#planHedge(chain, decision.chosen, nowMs)
    }
  }

  #bill({ record }: Chain, { option }: Chosen, isBilled: boolean): void {
    if (isBilled) record.usd += this.#world.scenario.providers[option.index]?.usdPerImage ?? 0
  }

  #attempt(chain: Chain, chosen: Chosen, timeoutMs: number, nowMs: number): void {
    const { record, tries, gateway, underWay } = chain
    const { option } = chosen
    const { provider } = option.cell
    const here = tries.filter((entry) => entry.provider === provider)
    const isFirst = tries.length === 0
    const begin = { isFirst, isProbe: false, limitMs: timeoutMs }
    const ticket = gateway.tracker.begin(option.cell, begin, nowMs)
    record.firstProvider ??= option.index
    record.attempts += 1
    const place = tries.push({ provider, isRateLimited: false, isFinal: false }) - 1
    const call = {
      request: record.index,
      attempt: here.length,
      isAgain: here.some(({ isRateLimited }) => !isRateLimited),
      isRefused: record.isRefused,
      tier: record.tier,
    }
    const giveUp = (endMs: number): void => {
      this.#bill(chain, chosen, hangUp(endMs))
      const durationMs = endMs - ticket.begunMs
      gateway.tracker.settle(ticket, { outcome: 'abandoned', durationMs }, endMs)
    }
    const { upstream } = this.#world
    const hangUp = upstream.call(option.index, call, timeoutMs, nowMs, (end, endMs) => {
      underWay.delete(giveUp)
      this.#bill(chain, chosen, end.isBilled)
      gateway.tracker.settle(ticket, end, endMs)
      if (end.outcome === 'rate_limited') {
        record.rateLimits += 1
        record.attempts -= 1
        tries[place] = { provider, isRateLimited: true, isFinal: false }
      }
      this.#goOn(chain, end, endMs)
    })
    underWay.add(giveUp)
  }

  #goOn(chain: Chain, { outcome }: CallEnd, nowMs: number): void {
    if (outcome === 'success') this.#finish(chain, 'image', nowMs)
    else if (outcome === 'refused') this.#finish(chain, 'refused', nowMs)
    else if (chain.underWay.size === 0) this.#step(chain, nowMs)
  }

  #finish(chain: Chain, result: 'image' | 'refused' | 'failed', nowMs: number): void {
    chain.record.end = { atMs: nowMs, result }
    for (const giveUp of chain.underWay) giveUp(nowMs)
    chain.underWay.clear()
  }

  #probe(chain: Chain, chosen: Chosen, nowMs: number): void {
    const { tracker } = chain.gateway
    const { option } = chosen
    const { timeoutMs } = tracker.estimateOf(option.cell, nowMs)
    const begin = { isFirst: false, isProbe: true, limitMs: timeoutMs }
    const ticket = tracker.begin(option.cell, begin, nowMs)
    const { index, isRefused, tier } = chain.record
    const call = { request: index, attempt: PROBE_ATTEMPT, isAgain: false, isRefused, tier }
    this.#world.upstream.call(option.index, call, timeoutMs, nowMs, (end, endMs) => {
      this.#bill(chain, chosen, end.isBilled)
      tracker.settle(ticket, end, endMs)
    })
  }

  /** A second attempt beside one that takes longer than most successes do. */
  #planHedge(chain: Chain, chosen: Chosen, nowMs: number): void {
    const situation = this.#situationOf(chain, nowMs)
    if (!mayHedge(chosen.option, situation)) return
    const { tries, underWay } = chain
    const triesThen = tries.length
    this.#world.queue.plan(nowMs + hedgeAfterMs(chosen, situation), (atMs) => {
      if (tries.length !== triesThen || underWay.size === 0) return
      const rival = chooseHedge(chosen, this.#situationOf(chain, atMs))
      if (!rival || !chain.gateway.hedges.spend()) return
      this.#attempt(chain, rival.chosen, rival.timeoutMs, atMs)
    })
  }
}

/** The gateway's own policy: expected time to success. */
export const gatewayContender = (
  settings: GatewaySettings,
  name = 'gateway',
): RoutingContender => ({
  name,
  start: (world) => {
    const router = new GatewayRouter(world, settings)
    return (record, nowMs) => router.route(record, nowMs)
  },
})
