import { expect } from 'vitest'
import {
  createRedisRequestLog,
  type RedisRequestLogOptions,
  type SharedRequestLog,
} from '#src/state/redis-request-log.ts'
import type { SharingStatus } from '#src/state/stats-sharing.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { START_MS } from './request-log-samples.ts'

interface TestLog {
  readonly log: SharedRequestLog
  readonly statuses: SharingStatus[]
}

/** Makes logs that are closed after each test. */
export const createLogBench = () => {
  const logs: SharedRequestLog[] = []
  const clock = createFakeClock(START_MS + 60_000)
  const open = (url: string, options: Partial<RedisRequestLogOptions> = {}): TestLog => {
    const statuses: SharingStatus[] = []
    const log = createRedisRequestLog({
      url,
      clock,
      onStatus: (status) => statuses.push(status),
      ...options,
    })
    logs.push(log)
    return { log, statuses }
  }
  /** A log that has reached Redis. */
  const connected = async (url: string, options: Partial<RedisRequestLogOptions> = {}) => {
    const made = open(url, options)
    await expect
      .poll(
        async () => {
          await made.log.tellAll()
          return made.statuses
        },
        { timeout: 8_000, interval: 5 },
      )
      .toEqual([{ isShared: true }])
    return made
  }
  const close = async () => {
    await Promise.all(logs.splice(0).map((log) => log.close()))
  }
  return { open, connected, close }
}
