import { describe } from 'vitest'
import { createMemoryRequestLog } from '#src/state/memory/memory-request-log.ts'
import { describeRequestLog } from './request-log-contract.ts'
import { START_MS } from './request-log-samples.ts'

describe('the log of requests in memory', () => {
  describeRequestLog(async () => ({
    log: createMemoryRequestLog({
      maxRecords: 50,
      keptMs: 30 * 24 * 3_600_000,
      now: () => START_MS + 60_000,
    }),
    settle: async () => undefined,
  }))
})
