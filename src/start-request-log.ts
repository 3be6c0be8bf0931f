import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { systemClock } from './domain/clock.ts'
import type { RequestLog } from './domain/request-record.ts'
import { createMemoryRequestLog } from './state/memory/memory-request-log.ts'
import { createRedisRequestLog } from './state/redis-request-log.ts'
import type { SharingStatus } from './state/stats-sharing.ts'
import type { Metrics } from './telemetry/create-metrics.ts'

/** A request log that keeps itself up to date until it is closed. */
export interface RunningRequestLog {
  readonly requestLog: RequestLog
  /** Requests that other gateways cannot see yet. */
  waiting(): number
  /** Whether other gateways can see them, as it was told last. */
  sharing(): SharingStatus
  /** Tells the other gateways the last of it. */
  close(): Promise<void>
}

/** The log of all gateways where they share a Redis, else of this process. */
export const startRequestLog = (
  { redisUrl, requestLogKeptMs: keptMs, requestLogMax }: Config,
  logger: Logger,
  metrics: Metrics,
): RunningRequestLog => {
  const bounds = { keptMs, ...(requestLogMax !== undefined && { maxRecords: requestLogMax }) }
  if (redisUrl === undefined) {
    return {
      requestLog: createMemoryRequestLog(bounds),
      waiting: () => 0,
      sharing: () => ({ isShared: false }),
      close: async () => undefined,
    }
  }
  let status: SharingStatus = { isShared: false }
  const requestLog = createRedisRequestLog({
    url: redisUrl,
    clock: systemClock,
    ...bounds,
    onStatus: (told) => {
      const { isShared, reason } = told
      status = told
      metrics.set('fresnel_request_log_shared', {}, Number(isShared))
      if (isShared) logger.info('the request log is shared through Redis')
      else logger.warn({ reason }, 'Redis cannot be used: the request log is of this gateway only')
    },
  })
  requestLog.start()
  return {
    requestLog,
    waiting: requestLog.waiting,
    sharing: () => status,
    close: () => requestLog.close(),
  }
}
