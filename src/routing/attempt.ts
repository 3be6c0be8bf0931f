import { randomUUID } from 'node:crypto'
import type { Clock } from '#src/domain/clock.ts'
import { GatewayError, ProviderError } from '#src/domain/errors.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import { startAttemptTime, type Untimed } from './attempt-time.ts'
import type { Candidate } from './candidates.ts'
import type { ChoiceReason } from './choose-next.ts'
import { startEnding } from './ending.ts'

/** One try at one offering, as it ended. */
export interface Attempt {
  readonly id: string
  readonly provider: string
  readonly configKey: string
  readonly status: 'completed' | 'failed' | 'cancelled'
  /** What the provider did wrong; absent: it completed, or the gateway itself could not go on. */
  readonly failure?: ProviderError
  /** Why the gateway itself could not go on; absent: it could. Ends the request. */
  readonly fault?: GatewayError
  /** What was thrown when it was an error that nobody had thought of: a bug, for the log. */
  readonly unexpected?: unknown
  /** Images asked of it. */
  readonly count: number
  /** When it began, in wall-clock milliseconds. */
  readonly begunMs: number
  readonly durationMs: number
  /** Until the provider's answer was there, its files not yet fetched; absent: none came. */
  readonly firstByteMs?: number
  /** Time that the provider took until the image was here or it failed: without what the gateway did with it. */
  readonly providerMs: number
  /** What it cost, or may have cost when it failed after the provider had begun. */
  readonly cost: MicroUsd
}

/** What the call of a provider is given, besides the candidate and the number of images. */
export interface AttemptContext {
  readonly attemptId: string
  /** Aborted when the client left or the attempt's time is up. */
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /** Does what the provider is not to blame for: the attempt's time stands still meanwhile. */
  readonly untimed: Untimed
}

/** What one attempt brought: items, and what they cost. */
export interface AttemptYield<Item> {
  readonly items: readonly Item[]
  readonly cost: MicroUsd
  /** Time spent on fetching what the answer only pointed to. */
  readonly fetchMs: number
}

/** What an attempt is made at. */
export interface AttemptTarget {
  readonly offering: { readonly provider: string; readonly configKey: string }
}

/** An attempt that is about to be made. */
export interface AttemptBegin {
  readonly id: string
  /** Images asked of it. */
  readonly count: number
  /** Time that its provider's part is given, in real milliseconds. */
  readonly timeoutMs: number
  /** Why routing chose it; absent: routing did not. */
  readonly reason?: ChoiceReason
  /** Whether it is a paid copy of a request, sent to find out if a provider is back. */
  readonly isProbe: boolean
}

/** How an attempt is made, in two steps: what the provider does, and what the gateway does with its answer. */
export interface AttemptWork<Answer, Item, Target extends AttemptTarget = Candidate> {
  /** Calls the provider within the attempt's time. Rejects with `ProviderError`. */
  readonly generate: (target: Target, count: number, context: AttemptContext) => Promise<Answer>
  /**
   * Makes an answer ready. It has been paid for, so only the request's deadline and the client end it. Rejects with
   * `ProviderError` when the provider is to blame; anything else ends the request, as another provider would be paid
   * for nothing.
   */
  readonly deliver: (
    target: Target,
    answer: Answer,
    signal: AbortSignal,
  ) => Promise<AttemptYield<Item>>
  /** Expected price of `count` items, for attempts that fail after work may have begun. */
  readonly priceOf: (target: Target, count: number) => MicroUsd
  /** Makes the whole attempt by calling `make`, once, and gives what came of it; absent: nobody looks on. */
  readonly observe?: <Result extends { readonly attempt: Attempt }>(
    target: Target,
    begin: AttemptBegin,
    make: () => Promise<Result>,
  ) => Promise<Result>
}

export interface AttemptLimits {
  /** On the clock's monotonic scale. */
  readonly deadlineMs: number
  /** Aborted when the client went away. */
  readonly gone: AbortSignal
  /** How long an aborted step is waited for; asked when it is aborted. */
  readonly cancelGraceMs: () => number
  readonly clock: Clock
}

const providerFailure = (
  kind: 'bad_response' | 'cancelled',
  publicMessage: string,
): ProviderError => new ProviderError({ kind, workMayExist: true, publicMessage })

/** An aborted step rejects with `cancelled`; whether the client or the clock did it is known here. */
const nameAbort = (error: ProviderError, gone: AbortSignal): ProviderError =>
  error.kind !== 'cancelled' || gone.aborted
    ? error
    : new ProviderError({
        ...error.details,
        kind: 'timeout',
        publicMessage: 'No answer came in time.',
      })

/** Waits for a step, but not longer than `graceMs` after its signal has aborted: a step that hangs holds nobody. */
const withinGrace = async <T>(
  step: Promise<T>,
  signal: AbortSignal,
  graceMs: () => number,
): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const abandoned = new Promise<never>((_, reject) => {
    onAbort = () => {
      const error = providerFailure('cancelled', 'The provider did not confirm the cancellation.')
      timer = setTimeout(() => reject(error), graceMs())
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([step, abandoned])
  } finally {
    clearTimeout(timer)
    if (onAbort) signal.removeEventListener('abort', onAbort)
  }
}

const deliver = async <Answer, Item, Target extends AttemptTarget>(
  work: AttemptWork<Answer, Item, Target>,
  limits: AttemptLimits,
  target: Target,
  answer: Answer,
): Promise<AttemptYield<Item>> => {
  const { cancelGraceMs, clock, deadlineMs, gone } = limits
  const leftMs = deadlineMs - clock.monotonicMs()
  const ending = startEnding([gone], Math.max(leftMs, cancelGraceMs()))
  const { signal } = ending
  try {
    return await withinGrace(work.deliver(target, answer, signal), signal, () => 0)
  } catch (error) {
    if (error instanceof ProviderError || error instanceof GatewayError) throw error
    const message = 'The gateway could not make the image ready.'
    throw Object.assign(new GatewayError('INTERNAL_ERROR', message), { cause: error })
  } finally {
    ending.stop()
  }
}

/** How an attempt ended, for whoever decides what comes next. */
export interface AttemptResult<Item> {
  readonly attempt: Attempt
  readonly items: readonly Item[]
}

type Ending = Pick<Attempt, 'status' | 'failure' | 'fault' | 'unexpected'>

const describeFailure = (error: unknown, gone: AbortSignal): Ending => {
  if (error instanceof GatewayError) {
    const { cause } = error
    return { status: 'failed', fault: error, ...(cause !== undefined && { unexpected: cause }) }
  }
  const isKnown = error instanceof ProviderError
  const unhandled = providerFailure('bad_response', 'The answer could not be handled.')
  const failure = nameAbort(isKnown ? error : unhandled, gone)
  const status = failure.kind === 'cancelled' ? 'cancelled' : 'failed'
  return { status, failure, ...(!isKnown && { unexpected: error }) }
}

/** How much is asked of an attempt, and how long it may take. */
export interface AttemptSize {
  readonly count: number
  /** In real milliseconds. */
  readonly timeoutMs: number
  /** Absent: a fresh one. */
  readonly id?: string
  /** Why routing chose it; absent: routing did not. */
  readonly reason?: ChoiceReason
}

/** Makes one attempt, the provider's part of which may take `timeoutMs`. Never rejects. */
export const runAttempt = <Answer, Item, Target extends AttemptTarget>(
  work: AttemptWork<Answer, Item, Target>,
  limits: AttemptLimits,
  target: Target,
  { id = randomUUID(), ...size }: AttemptSize,
): Promise<AttemptResult<Item>> => {
  const make = () => makeAttempt(work, limits, target, { id, ...size })
  return work.observe?.(target, { id, ...size, isProbe: false }, make) ?? make()
}

const makeAttempt = async <Answer, Item, Target extends AttemptTarget>(
  work: AttemptWork<Answer, Item, Target>,
  limits: AttemptLimits,
  target: Target,
  { count, timeoutMs, id }: AttemptSize & { readonly id: string },
): Promise<AttemptResult<Item>> => {
  const { cancelGraceMs, clock, gone } = limits
  const begunMs = clock.now()
  const startMs = clock.monotonicMs()
  const elapsedMs = (): number => Math.round(clock.monotonicMs() - startMs)
  const leftMs = Math.ceil(Math.min(timeoutMs, limits.deadlineMs - startMs))
  const { provider, configKey } = target.offering
  const describe = (
    part: Ending & Pick<Attempt, 'cost'> & Partial<Pick<Attempt, 'firstByteMs' | 'providerMs'>>,
  ): Attempt => {
    const durationMs = elapsedMs()
    const providerMs = durationMs - Math.round(time.standstillMs())
    return { id, provider, configKey, count, begunMs, durationMs, providerMs, ...part }
  }
  const time = startAttemptTime(leftMs, clock)
  const ending = startEnding([gone, time.signal], limits.deadlineMs - startMs)
  let firstByteMs: number | undefined
  try {
    const { signal } = ending
    const { untimed } = time
    const context = { attemptId: id, signal, timeoutMs: leftMs, untimed }
    const answer = await withinGrace(work.generate(target, count, context), signal, cancelGraceMs)
    time.stop()
    ending.stop()
    firstByteMs = elapsedMs() - Math.round(time.standstillMs())
    const { items, cost, fetchMs } = await deliver(work, limits, target, answer)
    const providerMs = firstByteMs + Math.round(fetchMs)
    return { attempt: describe({ status: 'completed', cost, firstByteMs, providerMs }), items }
  } catch (error) {
    const ending = describeFailure(error, gone)
    const mayBeBilled = firstByteMs !== undefined || ending.failure?.details.workMayExist === true
    const cost = mayBeBilled ? work.priceOf(target, count) : 0
    return { attempt: describe({ ...ending, cost }), items: [] }
  } finally {
    time.stop()
    ending.stop()
  }
}
