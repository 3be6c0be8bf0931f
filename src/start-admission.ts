import { totalmem } from 'node:os'
import { type ByteBudget, createByteBudget } from './bytes/byte-budget.ts'
import type { Config } from './config.ts'
import { type Admissions, createAdmissions } from './http/admission.ts'
import { chooseMemoryLimits } from './memory-limits.ts'
import type { Metrics } from './telemetry/create-metrics.ts'

/**
 * How long room is kept for what a body's header declares, in ms before `TIME_SCALE`: 70 MB come over 60 Mbit/s. A body
 * that comes slower holds no more than what has come.
 */
const DECLARED_HELD_MS = 10_000

/** What bounds the gateway's memory. */
export interface RunningAdmission {
  readonly admissions: Admissions
  readonly budget: ByteBudget
  readonly maxRequests: number
}

/** Bounds what is taken on by what the operator said, or by the memory that the process may use. */
export const startAdmission = (config: Config, metrics: Metrics): RunningAdmission => {
  const { bytesInFlight, requestsInFlight: maxRequests } = chooseMemoryLimits(config, {
    totalBytes: totalmem(),
    constrainedBytes: process.constrainedMemory(),
  })
  const budget = createByteBudget({ limitBytes: bytesInFlight })
  const refused = metrics.counter('fresnel_requests_shed_total')
  const onRefused = (reason: string): void => refused({ reason }, 1)
  const declaredHeldMs = DECLARED_HELD_MS / config.timeScale
  const admissions = createAdmissions({ budget, maxRequests, onRefused, declaredHeldMs })
  return { budget, maxRequests, admissions }
}
