import type { Config } from './config.ts'
import { systemClock } from './domain/clock.ts'
import type { Readiness } from './http/routes/health.ts'
import type { GatewayStatus } from './http/routes/status.ts'
import { readVersion } from './read-version.ts'
import type { RunningAdmission } from './start-admission.ts'
import type { RunningRequestLog } from './start-request-log.ts'
import type { RunningRouting } from './start-routing.ts'

/** The parts of a gateway that are asked how they stand. */
export interface StatusParts {
  readonly config: Pick<Config, 'redisUrl'>
  readonly readiness: Readiness
  readonly admission: RunningAdmission
  readonly routing: Pick<RunningRouting, 'sharing'>
  readonly requestLog: Pick<RunningRequestLog, 'sharing'>
}

/** Until the first exchange has been made, or has failed. */
const NOT_YET = 'Redis has not been reached yet'

const redisStatus = ({ config, routing, requestLog }: StatusParts): GatewayStatus['redis'] => {
  if (config.redisUrl === undefined) return { isConfigured: false, isReachable: false }
  const statuses = [routing.sharing(), requestLog.sharing()]
  const lacking = statuses.find(({ isShared }) => !isShared)
  return {
    isConfigured: true,
    isReachable: statuses.some(({ isShared }) => isShared),
    ...(lacking && { reason: lacking.reason ?? NOT_YET }),
  }
}

/** What tells how the gateway stands whenever it is asked. The process is taken to have begun now. */
export const startStatus = (parts: StatusParts): (() => GatewayStatus) => {
  const version = readVersion()
  const startedAtMs = systemClock.now()
  const { readiness, admission, routing } = parts
  return () => ({
    version,
    startedAtMs,
    isReady: readiness.isReady,
    requests: { underWay: admission.admissions.underWay(), limit: admission.maxRequests },
    memory: admission.budget.figures(),
    redis: redisStatus(parts),
    areStatisticsShared: routing.sharing().isShared,
  })
}
