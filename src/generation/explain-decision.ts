import type { ExplainedCandidate, ExplainedDecision } from '#src/domain/request-record.ts'
import type { RoutingClock } from '#src/domain/routing-clock.ts'
import type { CandidateDecision, RankedCandidate } from '#src/routing/failover.ts'

const explainCandidate = (
  { option, score, standing, crowding, health, tries }: RankedCandidate,
  clock: RoutingClock,
): ExplainedCandidate => {
  const untilMs = health.pause?.untilMs ?? health.circuit.untilMs
  return {
    configKey: option.offering.configKey,
    standing,
    tries,
    shortcomings: option.shortcomings,
    score: score.score,
    crowding,
    timeCost: score.timeCost,
    moneyCost: score.moneyCost,
    attemptCost: score.attemptCost,
    success: score.success,
    inTime: score.inTime,
    successSeconds: clock.toReal(score.successSeconds),
    failureSeconds: clock.toReal(score.failureSeconds),
    firstInFlight: health.firstInFlight,
    slowStartLimit: health.slowStartLimit,
    ...(untilMs > 0 && { untilMs: clock.toReal(untilMs) }),
  }
}

/** A choice with everything that it was made from. Pure. */
export const explainDecision = (
  decision: CandidateDecision,
  afterMs: number,
  clock: RoutingClock,
): ExplainedDecision => {
  const candidates = decision.ranking.map((ranked) => explainCandidate(ranked, clock))
  switch (decision.type) {
    case 'wait':
      return { afterMs, type: 'wait', waitMs: clock.toReal(decision.waitMs), candidates }
    case 'stop':
      return { afterMs, type: 'stop', reason: decision.reason, candidates }
    case 'try': {
      const { chosen, reason, timeoutMs, probe } = decision
      return {
        afterMs,
        type: 'try',
        reason,
        chosen: chosen.option.offering.configKey,
        timeoutMs: clock.toReal(timeoutMs),
        ...(probe && { probe: probe.option.offering.configKey }),
        candidates,
      }
    }
  }
}
