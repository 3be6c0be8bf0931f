import { EventQueue } from './event-queue.ts'
import type { RequestRecord } from './request-log.ts'
import { requestsOf, type Scenario } from './scenario.ts'
import { Upstream } from './upstream.ts'

/** What a policy is given to route with. */
export interface World {
  readonly scenario: Scenario
  readonly seed: number
  readonly queue: EventQueue
  readonly upstream: Upstream
  /** Whether a request is under way or still to come. */
  readonly isBusy: () => boolean
}

/** A policy at work in one world: takes a request and sees to it that its record gets an end. */
export type Router = (record: RequestRecord, nowMs: number) => void

/** A way of routing that can be simulated. */
export interface RoutingContender {
  readonly name: string
  /** Set up before the first request. */
  readonly start: (world: World) => Router
}

/** Runs one scenario under one policy; the same arguments give the same records. */
export const simulate = (
  scenario: Scenario,
  seed: number,
  contender: RoutingContender,
): readonly RequestRecord[] => {
  const queue = new EventQueue()
  const upstream = new Upstream(scenario.providers, seed, queue)
  const records = requestsOf(scenario, seed)
  const lastMs = records.at(-1)?.arrivedMs ?? 0
  let nowMs = 0
  let firstOpen = 0
  const isBusy = (): boolean => {
    while (records[firstOpen]?.end) firstOpen += 1
    return nowMs < lastMs || firstOpen < records.length
  }
  const route = contender.start({ scenario, seed, queue, upstream, isBusy })
  for (const record of records) {
    queue.plan(record.arrivedMs, (atMs) => {
      nowMs = atMs
      route(record, atMs)
    })
  }
  queue.run()
  return records
}
