import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import { idempotentRunId } from '#src/generation/run-id.ts'
import { type RunContext, type RunOutcome, runOnce } from '#src/generation/run-once.ts'
import type { ImageCall } from './image-call.ts'
import { readTimeLimit } from './image-request-reader.ts'
import { fingerprintOf } from './request-fingerprint.ts'

/** How long repeats with the same idempotency key are told the outcome, in ms (contract: 24 hours). */
export const IDEMPOTENCY_KEPT_MS = 24 * 3_600_000

/** Time in real ms that a job which is taken over is given at least: it is paid for, and who runs out of time cancels it. */
const LEAST_LOOK_MS = 30_000

/** Printable ASCII, at most as long as others in the field take it. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/

/** The client's `Idempotency-Key`; `undefined`: it sent none. Throws the 400 for one that cannot be used. */
export const readIdempotencyKey = ({
  request: { headers },
}: Pick<ImageCall, 'request'>): string | undefined => {
  const key = headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && IDEMPOTENCY_KEY.test(key)) return key
  throw invalidRequest(
    'Idempotency-Key must have 1 to 255 printable ASCII characters.',
    'Idempotency-Key',
  )
}

/** How a call's work is done and kept. */
interface IdempotentWork<Outcome> {
  /** Tells apart ways of answering: the same body, asked for in another way, is another request. */
  readonly variant: 'now' | 'later'
  /** `timeoutMs`: what is left of the request's time, in real ms. */
  readonly work: (context: RunContext, timeoutMs: number) => Promise<Outcome>
  /** Told before the call begins to wait for another one's work; absent: nobody asks. */
  readonly onWaiting?: (() => void) | undefined
  readonly keep: (outcome: Outcome) => KeptAnswer | undefined
  readonly keepFailure: (error: unknown) => KeptAnswer | undefined
}

const waitedInVain = (): GatewayError =>
  new GatewayError(
    'TIMEOUT',
    "The request's deadline passed while another one with its Idempotency-Key was running.",
    // Sent again, it waits on for the same images.
    { isRetryable: true },
  )

/** Aborted when the client has gone, or the time is up; `end` frees the timer. */
const endingAfter = (
  limitMs: number,
  gone: AbortSignal | null,
): { readonly signal: AbortSignal; readonly end: () => void } => {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(waitedInVain()), limitMs)
  const signal = gone ? AbortSignal.any([gone, late.signal]) : late.signal
  return { signal, end: () => clearTimeout(timer) }
}

/**
 * Does the call's work once for all calls with this idempotency key. It goes on when the client leaves: that is when
 * clients send the request again.
 */
export const callOnce = async <Outcome>(
  call: ImageCall,
  key: string,
  { work, variant, onWaiting, ...keeping }: IdempotentWork<Outcome>,
): Promise<RunOutcome<Outcome>> => {
  const { deps, request } = call
  const content = await fingerprintOf(call)
  const limitMs = readTimeLimit(request, deps.reader)
  const patience = endingAfter(limitMs, request.clientGone)
  const begunMs = deps.generation.clock.monotonicMs()
  const keyId = request.keyId ?? undefined
  const outcome = runOnce({
    runs: deps.runs,
    claim: {
      runId: idempotentRunId(keyId, key),
      fingerprint: `${variant} ${content}`,
      requestId: request.id,
    },
    keepForMs: IDEMPOTENCY_KEPT_MS,
    signal: patience.signal,
    ...(onWaiting && { onWaiting }),
    work: async (context) => {
      const leave = deps.detached.enter(request.id)
      try {
        const waitedMs = deps.generation.clock.monotonicMs() - begunMs
        const leastMs = context.jobs.length > 0 ? Math.min(limitMs, LEAST_LOOK_MS) : 1
        return await work(context, Math.max(leastMs, Math.ceil(limitMs - waitedMs)))
      } finally {
        leave()
      }
    },
    ...keeping,
  })
  return outcome.finally(patience.end)
}
