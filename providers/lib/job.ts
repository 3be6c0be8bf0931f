import { setTimeout as sleep } from 'node:timers/promises'
import { ProviderError } from '#src/domain/errors.ts'
import { cancelledError, withWorkMayExist } from './provider-failure.ts'

/** A provider's job API: create once, look until it is final, cancel. Each function sends one request. */
export interface JobProtocol<Job> {
  readonly providerName: string
  /** The only call that may cost money. */
  create(signal: AbortSignal): Promise<Job>
  poll(job: Job, signal: AbortSignal): Promise<Job>
  isFinal(job: Job): boolean
  /** Resolves to whether billable work may exist all the same. */
  cancel(job: Job, signal: AbortSignal): Promise<boolean>
  /** The provider's id of the job. */
  idOf(job: Job): string
}

export interface JobLimits {
  /** The attempt's signal. */
  readonly signal: AbortSignal
  /** Divides every time below. */
  readonly timeScale: number
}

/**
 * Milliseconds for a create that is under way when the caller gives up: with its id the job can be cancelled,
 * without it the job runs on and is paid.
 */
const CREATE_GRACE_MS = 3_000

/** Milliseconds that a cancel request may take: the caller waits for it, but not for long. */
const CANCEL_LIMIT_MS = 5_000

/** Milliseconds for one look at a job. Looking again is free, so a stuck connection is given up early. */
const POLL_LIMIT_MS = 15_000

/**
 * Milliseconds between looks: 500 as both SDKs do, then a fifth more each time up to two seconds. Over a job of
 * 30 s that makes about 20 looks, and the last is at most 2 s late.
 */
const POLL_INTERVAL_MS = 500
const POLL_GROWTH = 1.2
const POLL_INTERVAL_MAX_MS = 2_000

/** Back-off after a failed look, in milliseconds: 500, 1000, 2000, then 4000. */
const READ_RETRY_MS = 500
const READ_RETRY_MAX_MS = 4_000

/**
 * Milliseconds below which no limit on a request is scaled: a local network and a busy process do not get faster
 * with the time scale.
 */
const REQUEST_LIMIT_MIN_MS = 250

/** Answers that cannot be read, one after another, after which a fourth will not be better. */
const UNREADABLE_LIMIT = 3

/** Creates a job once and looks at it until it is final. Aborted, it cancels the job and rejects `cancelled`. */
export const runJob = async <Job>(protocol: JobProtocol<Job>, limits: JobLimits): Promise<Job> => {
  const { signal } = limits
  if (signal.aborted) throw cancelledError(protocol.providerName, false)
  let job = await createWithGrace(protocol, limits)
  let intervalMs = POLL_INTERVAL_MS
  while (!protocol.isFinal(job)) {
    await pause(intervalMs, limits)
    if (signal.aborted) throw await cancelJob(protocol, job, limits)
    intervalMs = Math.min(intervalMs * POLL_GROWTH, POLL_INTERVAL_MAX_MS)
    try {
      const current = job
      job = await readPatiently((each) => protocol.poll(current, each), limits)
    } catch (error) {
      if (signal.aborted) throw await cancelJob(protocol, job, limits)
      throw ofJob(error, protocol.idOf(job))
    }
  }
  return job
}

/** The create outlives an abort by the grace time; a job that turns up then is cancelled. */
const createWithGrace = async <Job>(
  protocol: JobProtocol<Job>,
  limits: JobLimits,
): Promise<Job> => {
  const { signal, timeScale } = limits
  const giveUp = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const startGrace = (): void => {
    timer = setTimeout(() => giveUp.abort(), scaledLimitMs(CREATE_GRACE_MS, timeScale))
  }
  signal.addEventListener('abort', startGrace, { once: true })
  try {
    const job = await protocol.create(giveUp.signal)
    if (signal.aborted) throw await cancelJob(protocol, job, limits)
    return job
  } catch (error) {
    if (!signal.aborted || !(error instanceof ProviderError)) throw error
    if (error.kind === 'cancelled') throw error
    throw cancelledError(protocol.providerName, error.details.workMayExist)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', startGrace)
  }
}

/** Cancels within its own limit; a cancel that fails leaves it open whether work exists. */
const cancelJob = async <Job>(
  protocol: JobProtocol<Job>,
  job: Job,
  limits: JobLimits,
): Promise<ProviderError> => {
  const limit = AbortSignal.timeout(scaledLimitMs(CANCEL_LIMIT_MS, limits.timeScale))
  const workMayExist = await protocol.cancel(job, limit).catch(() => true)
  return withWorkMayExist(
    cancelledError(protocol.providerName, workMayExist),
    workMayExist,
    protocol.idOf(job),
  )
}

/** A failure while looking: the job was accepted, so it may be worked on whatever the answer says. */
const ofJob = (error: unknown, jobId: string): unknown =>
  error instanceof ProviderError ? withWorkMayExist(error, true, jobId) : error

/**
 * Repeats a free read over lost connections, time-outs, 429 and 5xx until it succeeds or the attempt ends, and over
 * unreadable answers a few times.
 */
export const readPatiently = async <T>(
  read: (signal: AbortSignal) => Promise<T>,
  limits: JobLimits,
): Promise<T> => {
  let unreadable = 0
  for (let waitMs = READ_RETRY_MS; ; waitMs = Math.min(waitMs * 2, READ_RETRY_MAX_MS)) {
    limits.signal.throwIfAborted()
    const limit = AbortSignal.timeout(scaledLimitMs(POLL_LIMIT_MS, limits.timeScale))
    try {
      return await read(AbortSignal.any([limits.signal, limit]))
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      if (error.kind === 'bad_response') unreadable += 1
      if (!isPassing(error) || unreadable > UNREADABLE_LIMIT) throw error
    }
    await pause(waitMs, limits)
  }
}

/** Whether looking again may help. */
const isPassing = (error: ProviderError): boolean => {
  const { upstreamStatus } = error.details
  if (upstreamStatus === undefined) return true
  return upstreamStatus === 429 || upstreamStatus === 408 || upstreamStatus >= 500
}

const scaledLimitMs = (limitMs: number, timeScale: number): number =>
  Math.max(REQUEST_LIMIT_MIN_MS, Math.ceil(limitMs / timeScale))

/** Waits, or less when the attempt ends; never rejects. */
const pause = async (waitMs: number, limits: JobLimits): Promise<void> => {
  await sleep(waitMs / limits.timeScale, undefined, { signal: limits.signal }).catch(() => {})
}
