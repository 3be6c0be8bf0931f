import type { RequestRecord } from './request-log.ts'
import { DEADLINE_MS } from './scenario.ts'
import type { Router, World } from './simulate.ts'
import type { CallEnd } from './upstream.ts'

/** One call that a sequential policy has made for a request. */
export interface PastCall {
  readonly provider: number
  readonly isRateLimited: boolean
}

/** A request as a sequential policy sees it. */
export interface OpenRequest {
  readonly record: RequestRecord
  readonly leftMs: number
  readonly calls: readonly PastCall[]
}

export type NextStep =
  | { readonly type: 'try'; readonly provider: number; readonly timeoutMs: number }
  | { readonly type: 'wait'; readonly waitMs: number }
  | { readonly type: 'stop' }

/** A policy that makes one call at a time, and moves on at once when it fails. */
export interface SequentialPolicy {
  readonly next: (request: OpenRequest, nowMs: number) => NextStep
  /** Told of each call's end; absent: it learns nothing. */
  readonly learn?: (provider: number, end: CallEnd, nowMs: number) => void
  /** Whether a refused prompt ends the request, rather than being tried elsewhere. */
  readonly knowsRefusals: boolean
}

/** Runs requests by a sequential policy. */
export const routeSequentially = (
  { scenario, upstream, queue }: World,
  policy: SequentialPolicy,
): Router => {
  const run = (record: RequestRecord, calls: PastCall[], nowMs: number): void => {
    const leftMs = record.arrivedMs + DEADLINE_MS - nowMs
    const step: NextStep =
      leftMs > 0 ? policy.next({ record, leftMs, calls }, nowMs) : { type: 'stop' }
    if (step.type === 'stop') {
      record.end = { atMs: nowMs, result: 'failed' }
      return
    }
    if (step.type === 'wait') {
      queue.plan(nowMs + Math.min(leftMs, step.waitMs), (laterMs) => run(record, calls, laterMs))
      return
    }
    const { provider } = step
    record.firstProvider ??= provider
    const attempt = calls.filter((call) => call.provider === provider).length
    const isAgain = calls.some((call) => call.provider === provider && !call.isRateLimited)
    const { index, isRefused, tier } = record
    const call = { request: index, attempt, isAgain, isRefused, tier }
    upstream.call(provider, call, Math.min(step.timeoutMs, leftMs), nowMs, (end, endMs) => {
      policy.learn?.(provider, end, endMs)
      const isRateLimited = end.outcome === 'rate_limited'
      if (isRateLimited) record.rateLimits += 1
      else record.attempts += 1
      if (end.isBilled) record.usd += scenario.providers[provider]?.usdPerImage ?? 0
      if (end.outcome === 'success') record.end = { atMs: endMs, result: 'image' }
      else if (end.outcome === 'refused' && policy.knowsRefusals) {
        record.end = { atMs: endMs, result: 'refused' }
      } else run(record, [...calls, { provider, isRateLimited }], endMs)
    })
  }
  return (record, nowMs) => run(record, [], nowMs)
}
