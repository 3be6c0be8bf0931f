import { probabilityWithin, quantileMs, truncatedMean } from '#src/routing/normal-distribution.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import {
  type NextStep,
  type OpenRequest,
  routeSequentially,
  type SequentialPolicy,
} from './sequential-router.ts'
import type { RoutingContender, World } from './simulate.ts'
import { type SimulatedProvider, truthAt } from './upstream-model.ts'

const { timeoutMargin, timeoutSigmas, leastTimeoutMs, longestTimeoutMs } = DEFAULT_ROUTING_POLICY
const { maxAttempts, maxTriesPerProvider, retryFactor, leastFinishProbability } =
  DEFAULT_ROUTING_POLICY
/** Mean time of a fast failure. */
const QUICK_FAILURE_MS = 1_150

interface Prospect {
  readonly provider: number
  readonly score: number
  readonly timeoutMs: number
  readonly roomInMs: number
}

/** What a try promises, by what is true now. `undefined`: nothing. */
const prospectOf = (
  truth: SimulatedProvider,
  provider: number,
  { record, leftMs, calls }: OpenRequest,
  nowMs: number,
  queueMs: number,
): Omit<Prospect, 'roomInMs'> | undefined => {
  const { success, slowness, dead } = truthAt(truth, nowMs, record.tier)
  const tries = calls.filter((call) => call.provider === provider && !call.isRateLimited).length
  if (dead || tries >= maxTriesPerProvider) return undefined
  const latency = { ...truth.latency, logMean: truth.latency.logMean + Math.log(slowness) }
  const ownMs = timeoutMargin * quantileMs(latency, timeoutSigmas)
  const timeoutMs = Math.min(longestTimeoutMs, Math.max(leastTimeoutMs, ownMs)) + queueMs
  const limitMs = Math.min(timeoutMs, leftMs) - queueMs
  const inTime = probabilityWithin(latency, limitMs)
  if (inTime < leastFinishProbability) return undefined
  const chance = success * retryFactor ** tries
  const generationMs = truncatedMean(latency, limitMs)
  const { quick, empty, hang } = truth.failures
  const failureMs = quick * QUICK_FAILURE_MS + empty * generationMs + hang * limitMs
  const costMs = queueMs + chance * generationMs + (1 - chance) * failureMs
  return { provider, timeoutMs, score: costMs / (chance * inTime) }
}

const oraclePolicy = ({ scenario, upstream }: World): SequentialPolicy => ({
  knowsRefusals: true,
  next: (request, nowMs): NextStep => {
    if (request.calls.length >= maxAttempts) return { type: 'stop' }
    const prospects = scenario.providers.flatMap((truth, provider): Prospect[] => {
      const roomInMs = upstream.roomInMs(provider, nowMs)
      const queueMs = truth.quota.type === 'slots' ? roomInMs : 0
      const prospect = prospectOf(truth, provider, request, nowMs, queueMs)
      return prospect ? [{ ...prospect, roomInMs: roomInMs - queueMs }] : []
    })
    const [best] = prospects
      .filter(({ roomInMs }) => roomInMs === 0)
      .sort((left, right) => left.score - right.score)
    if (best) return { type: 'try', ...best }
    if (prospects.length === 0) return { type: 'stop' }
    return { type: 'wait', waitMs: Math.min(...prospects.map(({ roomInMs }) => roomInMs)) + 1 }
  },
})

/** Knows at every moment what is true, but not what will come: the bound that a policy is measured against. */
export const ORACLE: RoutingContender = {
  name: 'oracle',
  start: (world) => routeSequentially(world, oraclePolicy(world)),
}
