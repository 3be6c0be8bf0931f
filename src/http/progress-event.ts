import type { JsonObject } from '#src/domain/json.ts'
import type { GenerationProgress } from '#src/generation/tell-progress.ts'

/** Enough digits to show. */
const round = (value: number): number => Number(value.toPrecision(5))

/** What happens to a request, as the data of an event of the gateway's own. */
export const presentProgress = (
  progress: GenerationProgress,
  providerNames: ReadonlyMap<string, string>,
): JsonObject & { readonly type: string } => {
  if (progress.type === 'planned') {
    const candidates = [...progress.candidates]
    return {
      type: 'gateway.planned',
      candidates,
      expected_seconds: round(progress.expectedSeconds),
    }
  }
  const { number, provider, configKey, status, reason, timeoutMs } = progress
  const { errorCode, durationMs, afterMs } = progress
  return {
    type: 'gateway.attempt',
    attempt: number,
    provider,
    provider_name: providerNames.get(provider) ?? provider,
    config_key: configKey,
    status,
    ...(reason && { reason }),
    ...(timeoutMs !== undefined && { timeout_ms: Math.round(timeoutMs) }),
    ...(errorCode && { error_code: errorCode }),
    ...(durationMs !== undefined && { duration_ms: durationMs }),
    after_ms: afterMs,
  }
}
