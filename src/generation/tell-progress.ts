import type { Clock } from '#src/domain/clock.ts'
import type { AttemptRecord, ExplainedDecision } from '#src/domain/request-record.ts'
import type { AttemptTarget, AttemptWork } from '#src/routing/attempt.ts'
import type { ChoiceReason } from '#src/routing/choose-next.ts'
import type { DecisionTrace } from './decision-trace.ts'
import { recordAttempt } from './record-requests.ts'

/** The first choice of a request, as it is made. */
export interface PlannedProgress {
  readonly type: 'planned'
  /** Config keys in the order in which they would be tried. */
  readonly candidates: readonly string[]
  /** How long a success of the chosen one is expected to take. */
  readonly expectedSeconds: number
}

/** An attempt that begins or has ended. Paid copies that look if a provider is back are none. */
export interface AttemptProgress {
  readonly type: 'attempt'
  /** Which of the request's attempts it is, by their begin; from 1. */
  readonly number: number
  readonly provider: string
  readonly configKey: string
  readonly status: 'started' | AttemptRecord['status']
  /** Why it was chosen; absent: it has ended, or is a job of an earlier process. */
  readonly reason?: ChoiceReason
  /** Time that the provider is given, in real ms; absent: it has ended. */
  readonly timeoutMs?: number
  /** As in the request's attempts. */
  readonly errorCode?: AttemptRecord['errorCode']
  /** Absent: it begins. */
  readonly durationMs?: number
  /** Since the request's begin, in ms. */
  readonly afterMs: number
}

/** What happens to a request while it is served. */
export type GenerationProgress = PlannedProgress | AttemptProgress

type Observe = NonNullable<AttemptWork<unknown, unknown, AttemptTarget>['observe']>

/** The part of attempts' work that tells of them, and who is to be told of choices. */
export interface ProgressTeller {
  /** Absent: nobody listens. */
  readonly observe?: Observe
  readonly onDecision?: (decision: ExplainedDecision) => void
}

/** Tells of the first choice and of each attempt of one request. */
export const createProgressTeller = (
  onProgress: ((progress: GenerationProgress) => void) | undefined,
  clock: Pick<Clock, 'monotonicMs'>,
  { startMs }: Pick<DecisionTrace, 'startMs'>,
): ProgressTeller => {
  if (!onProgress) return {}
  let begun = 0
  let isPlanned = false
  const afterMs = (): number => Math.round(clock.monotonicMs() - startMs)
  const observe: Observe = async (target, { isProbe, reason, timeoutMs }, make) => {
    if (isProbe) return make()
    begun += 1
    const number = begun
    const { provider, configKey } = target.offering
    onProgress({
      type: 'attempt',
      number,
      provider,
      configKey,
      status: 'started',
      ...(reason && { reason }),
      timeoutMs,
      afterMs: afterMs(),
    })
    const result = await make()
    const ended = recordAttempt(result.attempt)
    onProgress({ type: 'attempt', number, ...ended, afterMs: afterMs() })
    return result
  }
  const onDecision = ({ type, chosen, candidates }: ExplainedDecision): void => {
    if (isPlanned || type !== 'try') return
    isPlanned = true
    const expected = candidates.find(({ configKey }) => configKey === chosen)
    onProgress({
      type: 'planned',
      candidates: candidates.map(({ configKey }) => configKey),
      expectedSeconds: expected?.successSeconds ?? 0,
    })
  }
  return { observe, onDecision }
}

/** Both: the first around the second. */
export const observedBy = <Target extends AttemptTarget>(
  outer: Observe | undefined,
  inner: AttemptWork<unknown, unknown, Target>['observe'],
): Pick<AttemptWork<unknown, unknown, Target>, 'observe'> => {
  if (!outer) return inner ? { observe: inner } : {}
  return {
    observe: (target, begin, make) =>
      outer(target, begin, () => inner?.(target, begin, make) ?? make()),
  }
}
