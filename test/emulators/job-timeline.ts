import type { Outcome } from './outcome.ts'
import type { Scenario } from './scenario.ts'

/** Course of one job on the monotonic clock, in real ms. Nothing runs in between: the state follows from the time. */
export interface JobTimeline {
  readonly createdMs: number
  readonly startsMs: number
  /** `Infinity`: never. */
  readonly finishesMs: number
  /** Absent: not cancelled. */
  cancelledMs?: number
}

export type JobPhase = 'queued' | 'running' | 'finished' | 'cancelled'

export const planJob = (outcome: Outcome, scenario: Scenario, timeScale: number): JobTimeline => {
  const createdMs = performance.now()
  const startsMs = createdMs + (scenario.queueMs ?? 0) / timeScale
  const isEndless = outcome.fault === 'hang'
  return {
    createdMs,
    startsMs,
    finishesMs: isEndless ? Number.POSITIVE_INFINITY : startsMs + outcome.latencyMs,
  }
}

export const jobPhase = (job: JobTimeline, nowMs: number = performance.now()): JobPhase => {
  const untilMs = Math.min(nowMs, job.cancelledMs ?? nowMs)
  if (untilMs >= job.finishesMs) return 'finished'
  if (job.cancelledMs !== undefined && nowMs >= job.cancelledMs) return 'cancelled'
  return untilMs >= job.startsMs ? 'running' : 'queued'
}

/** Wall-clock time of a point of the timeline, as ISO text. */
export const isoTime = (monotonicMs: number): string =>
  new Date(performance.timeOrigin + monotonicMs).toISOString()
