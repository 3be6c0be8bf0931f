import type { JsonObject } from '#src/domain/json.ts'
import type { AttemptRecord } from '#src/domain/request-record.ts'

/** One try at an offering, as clients see it. */
export const presentAttempt = (attempt: AttemptRecord): JsonObject => ({
  provider: attempt.provider,
  config_key: attempt.configKey,
  status: attempt.status,
  ...(attempt.errorCode && { error_code: attempt.errorCode }),
  duration_ms: attempt.durationMs,
})
