import { invalidRequest } from '#src/domain/errors.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import { idempotentRunId } from '#src/generation/run-id.ts'
import { type RunContext, type RunOutcome, runOnce } from '#src/generation/run-once.ts'
import type { ImageCall } from './image-call.ts'
import { fingerprintOfForm, fingerprintOfJson } from './request-fingerprint.ts'

/** How long repeats with the same idempotency key are told the outcome, in ms (contract: 24 hours). */
export const IDEMPOTENCY_KEPT_MS = 24 * 3_600_000

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
  readonly work: (context: RunContext) => Promise<Outcome>
  readonly keep: (outcome: Outcome) => KeptAnswer | undefined
  readonly keepFailure: (error: unknown) => KeptAnswer | undefined
}

/**
 * Does the call's work once for all calls with this idempotency key. It goes on when the client leaves: that is when
 * clients send the request again.
 */
export const callOnce = async <Outcome>(
  call: ImageCall,
  key: string,
  { work, variant, ...keeping }: IdempotentWork<Outcome>,
): Promise<RunOutcome<Outcome>> => {
  const { deps, request, read } = call
  // A JSON body is compared as it came, before pictures are fetched that it refers to.
  const content = request.isMultipart()
    ? await fingerprintOfForm(await read())
    : fingerprintOfJson(request)
  const keyId = request.keyId ?? undefined
  return runOnce({
    runs: deps.runs,
    claim: {
      runId: idempotentRunId(keyId, key),
      fingerprint: `${variant} ${content}`,
      requestId: request.id,
    },
    keepForMs: IDEMPOTENCY_KEPT_MS,
    signal: request.clientGone ?? new AbortController().signal,
    work: async (context) => {
      const leave = deps.detached.enter()
      try {
        return await work(context)
      } finally {
        leave()
      }
    },
    ...keeping,
  })
}
