import type { ResolutionTier } from '#src/domain/media.ts'
import { COIN, flip } from './coin.ts'
import { newRecord, type RequestRecord } from './request-log.ts'
import { type SimulatedProvider, USUAL_TIER } from './upstream-model.ts'

/** One world and what is measured in it. */
export interface Scenario {
  readonly name: string
  /** In the order of the catalogue, the order of a lucky operator. */
  readonly providers: readonly SimulatedProvider[]
  /** Requests per second, spread at random. */
  readonly perSecond: number
  readonly durationMs: number
  /** Share of prompts that every provider refuses, by time. */
  readonly refusedShare?: (nowMs: number) => number
  /** Requests that count; absent: all. */
  readonly scored?: { readonly fromMs: number; readonly untilMs: number }
  /** Pictures of another scale that few requests ask for: only those count. Absent: all are of the usual one. */
  readonly rareTier?: { readonly tier: ResolutionTier; readonly share: number }
  /** What breaks, for measures of how it is noticed. */
  readonly incident?: {
    readonly provider: number
    readonly fromMs: number
    readonly untilMs: number
  }
  /** Whether the gateways hear nothing of each other. */
  readonly areGatewaysAlone?: boolean
}

/** Every request has until then. */
export const DEADLINE_MS = 180_000
export const REPLICAS = 3

/** The requests of a scenario, in order of time: the same for every policy. */
export const requestsOf = (scenario: Scenario, seed: number): RequestRecord[] => {
  const records: RequestRecord[] = []
  let atMs = 0
  for (let index = 0; ; index += 1) {
    atMs -= (Math.log(flip(seed, index, 0, 0, COIN.gap)) * 1_000) / scenario.perSecond
    if (atMs >= scenario.durationMs) return records
    const share = scenario.refusedShare?.(atMs) ?? 0
    const isRefused = flip(seed, index, 0, 0, COIN.refused) < share
    const { rareTier } = scenario
    const isRare = rareTier && flip(seed, index, 0, 0, COIN.tier) < rareTier.share
    const tier = isRare ? rareTier.tier : USUAL_TIER
    records.push(newRecord({ index, arrivedMs: atMs, isRefused, tier }))
  }
}

/** Which gateway a request comes to. */
export const replicaOf = (seed: number, request: number): number =>
  Math.floor(flip(seed, request, 0, 0, COIN.replica) * REPLICAS)
