import { ProviderError } from '#src/domain/errors.ts'
import { hasCallerLeft } from './caller-left.ts'
import { cancelledError, withWorkMayExist } from './provider-failure.ts'
import {
  type Patience,
  patienceOf,
  pause,
  type ReadLimits,
  readPatiently,
} from './read-patiently.ts'
import { scaledLimitMs } from './request-limit.ts'

/** What a provider lets be done with a job that exists. Nothing of it creates one. */
export interface JobProtocol<Job, Answer> {
  readonly providerName: string
  /** Sends one request. */
  poll(job: Job, signal: AbortSignal): Promise<Job>
  isFinal(job: Job): boolean
  /**
   * Fetches what a final job has to say. Rejects for faults on the way, which are tried again; what the job itself
   * failed with is thrown by the function that comes back.
   */
  readResult(job: Job, signal: AbortSignal): Promise<() => Answer>
  /** Tells the job to stop and finds out what became of it. Safe to be called again after a fault on the way. */
  cancel(job: Job, signal: AbortSignal): Promise<CancelFinding<Job>>
  /** The provider's id of the job. */
  idOf(job: Job): string
}

/** How a job comes into being. */
export interface JobCreation<Job> {
  /** The only call that may cost money. Sends one request. */
  create(signal: AbortSignal): Promise<Job>
  /** Told once, as soon as the create is answered. Must not throw. */
  onCreated(job: Job): void
}

/**
 * What became of a job that was told to stop: it had ended by itself, with a result or without; or it was stopped,
 * and had begun by then or not. A provider that does not tell counts as having begun.
 */
export type CancelFinding<Job> =
  | { readonly kind: 'ended'; readonly job: Job }
  | { readonly kind: 'stopped'; readonly hadBegun: boolean }

/** `signal` is the attempt's. It aborts with a `TimeoutError` when the time is up, else because the caller left. */
export type JobLimits = ReadLimits

/**
 * Milliseconds for a create that is under way when the caller gives up: with its id the job can be cancelled,
 * without it the job runs on and is paid.
 */
const CREATE_GRACE_MS = 3_000

/** Milliseconds for cancelling and for reading what had ended by then: the caller waits for it, for five seconds. */
const GIVE_UP_LIMIT_MS = 4_000

/** Milliseconds for one try of a cancel, so that a stuck connection leaves time for a second. */
const CANCEL_TRY_MS = 1_500

/**
 * Milliseconds between looks: 500 as both SDKs do, then a fifth more each time up to two seconds. Over a job of
 * 30 s that makes about 20 looks, and the last is at most 2 s late.
 */
const POLL_INTERVAL_MS = 500
const POLL_GROWTH = 1.2
const POLL_INTERVAL_MAX_MS = 2_000

/** Creates a job once and follows it to its end. */
export const runJob = async <Job, Answer>(
  protocol: JobProtocol<Job, Answer>,
  creation: JobCreation<Job>,
  limits: JobLimits,
): Promise<Answer> => {
  if (limits.signal.aborted) throw cancelledError(protocol.providerName, false)
  const job = await createWithGrace(protocol.providerName, creation, limits)
  creation.onCreated(job)
  return await followJob(protocol, job, limits, POLL_INTERVAL_MS)
}

/**
 * Follows a job to its end that was created elsewhere. `job` must not be final and should claim no more than is known
 * of it: it is looked at without delay.
 */
export const adoptJob = <Job, Answer>(
  protocol: JobProtocol<Job, Answer>,
  job: Job,
  limits: JobLimits,
): Promise<Answer> => followJob(protocol, job, limits, 0)

/**
 * Looks at a job until it is final and reads its result. When that is given up, the job is cancelled; a result that
 * was there by then is returned all the same, unless the caller has left.
 */
const followJob = async <Job, Answer>(
  protocol: JobProtocol<Job, Answer>,
  found: Job,
  limits: JobLimits,
  firstWaitMs: number,
): Promise<Answer> => {
  let job = found
  let read: () => Answer
  try {
    for (let waitMs = firstWaitMs; !protocol.isFinal(job); waitMs = nextWaitMs(waitMs)) {
      await pause(waitMs, limits)
      const current = job
      job = await readPatiently((signal) => protocol.poll(current, signal), limits)
    }
    read = await fetchResult(protocol, job, limits)
  } catch (error) {
    read = await giveUp(protocol, job, error, limits)
  }
  return read()
}

const nextWaitMs = (waitMs: number): number =>
  Math.min(Math.max(waitMs * POLL_GROWTH, POLL_INTERVAL_MS), POLL_INTERVAL_MAX_MS)

/** The create outlives an abort by the grace time, so that a job that turns up then can be cancelled. */
const createWithGrace = async <Job>(
  providerName: string,
  { create }: JobCreation<Job>,
  { signal, timeScale }: JobLimits,
): Promise<Job> => {
  const end = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const startGrace = (): void => {
    timer = setTimeout(() => end.abort(), scaledLimitMs(CREATE_GRACE_MS, timeScale))
  }
  signal.addEventListener('abort', startGrace, { once: true })
  try {
    return await create(end.signal)
  } catch (error) {
    if (!signal.aborted || !(error instanceof ProviderError)) throw error
    throw cancelledError(providerName, error.details.workMayExist)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', startGrace)
  }
}

/** The result of an ended job has been paid for, so no fault on the way to it is final at once. */
const resultPatience = (error: ProviderError): Patience =>
  patienceOf(error) === 'endless' ? 'endless' : 'short'

const fetchResult = <Job, Answer>(
  protocol: JobProtocol<Job, Answer>,
  job: Job,
  limits: ReadLimits,
): Promise<() => Answer> =>
  readPatiently((signal) => protocol.readResult(job, signal), limits, { patience: resultPatience })

/**
 * Leaves no job behind. `error` is why looking or reading has ended: the signal's reason, or a failure for good.
 * Resolves to the result when the job had ended and somebody still waits for it.
 */
const giveUp = async <Job, Answer>(
  protocol: JobProtocol<Job, Answer>,
  job: Job,
  error: unknown,
  { signal, timeScale }: JobLimits,
): Promise<() => Answer> => {
  const wasAborted = signal.aborted && !(error instanceof ProviderError)
  const failure = wasAborted ? cancelledError(protocol.providerName, true) : error
  if (protocol.isFinal(job) && !wasAborted) throw ofJob(failure, true, protocol.idOf(job))
  const limit = AbortSignal.timeout(scaledLimitMs(GIVE_UP_LIMIT_MS, timeScale))
  const limits = { signal: limit, timeScale }
  const finding = await stop(protocol, job, limits)
  if (finding?.kind === 'ended' && !hasCallerLeft(signal)) {
    const read = await fetchResult(protocol, finding.job, limits).catch(() => undefined)
    if (read !== undefined) return read
  }
  const workMayExist = finding?.kind !== 'stopped' || finding.hadBegun
  throw ofJob(failure, workMayExist, protocol.idOf(job))
}

/** What became of the job; `undefined`: it could not be found out. */
const stop = async <Job, Answer>(
  protocol: JobProtocol<Job, Answer>,
  job: Job,
  limits: ReadLimits,
): Promise<CancelFinding<Job> | undefined> => {
  if (protocol.isFinal(job)) return { kind: 'ended', job }
  const cancel = (signal: AbortSignal) => protocol.cancel(job, signal)
  return await readPatiently(cancel, limits, { oneReadMs: CANCEL_TRY_MS }).catch(() => undefined)
}

/** A failure after the job had been accepted: what the answer says of work is about the request, not about the job. */
const ofJob = (error: unknown, workMayExist: boolean, jobId: string): unknown =>
  error instanceof ProviderError ? withWorkMayExist(error, workMayExist, jobId) : error
