import type { KeyLimits } from '#src/domain/api-key.ts'
import { GatewayError } from '#src/domain/errors.ts'
import type { ImageCall } from './image-call.ts'

const EXPLANATIONS: Readonly<Record<keyof KeyLimits, (most: number) => string>> = {
  requestsPerMinute: (most) => `This API key may send ${most} request(s) a minute.`,
  concurrent: (most) => `This API key may have ${most} request(s) under way at a time.`,
}

type Counted = Pick<ImageCall, 'deps' | 'request'>

/** Calls that have been counted in: each is once, whoever asks first. */
const entered = new WeakMap<Counted['request'], Promise<() => void>>()

/**
 * Counts a call in that is to bring images; a dry run is none, nor is what an earlier call with the same idempotency
 * key has brought. Resolves to what is to be called at its end, for a call that is in already to the same. Rejects with
 * `RATE_LIMITED`.
 */
export const enterLimits = (call: Counted): Promise<() => void> => {
  const known = entered.get(call.request)
  if (known) return known
  const entering = enter(call)
  entered.set(call.request, entering)
  return entering
}

const enter = async ({ deps: { limiter }, request: { apiKey } }: Counted): Promise<() => void> => {
  if (!apiKey) return () => undefined
  const { id, limits } = apiKey
  const verdict = await limiter.enter(id, limits)
  if (verdict.kind === 'admitted') return verdict.leave
  const { limit, retryAfterMs } = verdict
  throw new GatewayError('RATE_LIMITED', EXPLANATIONS[limit](limits[limit] ?? 0), { retryAfterMs })
}

/** Does the work of a call while it is counted in. */
export const withinLimits = async <T>(call: ImageCall, work: () => Promise<T>): Promise<T> => {
  const leave = await enterLimits(call)
  try {
    return await work()
  } finally {
    leave()
  }
}
