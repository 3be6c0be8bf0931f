import type { CancelFinding, JobCreation, JobProtocol } from '#providers/lib/job.ts'
import { networkError, providerError } from '#providers/lib/provider-failure.ts'

/** A job that knows how often it was looked at. */
export interface Job {
  readonly id: string
  readonly looks: number
}

/** All that can be done with such a job. */
export type Protocol = JobProtocol<Job, string> & Pick<JobCreation<Job>, 'create'>

/** It was stopped before it had begun. */
export const STOPPED: CancelFinding<Job> = { kind: 'stopped', hadBegun: false }

/** A connection that broke after the request had left. */
export const lostConnection = () =>
  networkError('P', { headers: {}, networkCode: 'ECONNRESET', requestLeft: true })
/** An answer of this status, whatever it means. */
export const answered = (status: number) =>
  providerError(
    'P',
    { kind: 'overloaded', workMayExist: false },
    { status, headers: {}, requestLeft: true },
  )

/** Rejects once the signal is aborted, as a fetch does. */
export const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(lostConnection()), { once: true })
  })

/** A protocol whose jobs end at the third look, and the calls that it has had. */
export const protocol = (changes: Partial<Protocol> = {}) => {
  const calls: string[] = []
  const own: Protocol = {
    providerName: 'P',
    create: async () => ({ id: 'j', looks: 0 }),
    poll: async ({ id, looks }) => ({ id, looks: looks + 1 }),
    isFinal: ({ looks }) => looks >= 3,
    readResult:
      async ({ id, looks }) =>
      () =>
        `${id} after ${looks} looks`,
    cancel: async () => STOPPED,
    idOf: ({ id }) => id,
    ...changes,
  }
  const noted: Protocol = {
    ...own,
    create: (signal) => {
      calls.push('create')
      return own.create(signal)
    },
    poll: (job, signal) => {
      calls.push('poll')
      return own.poll(job, signal)
    },
    readResult: (job, signal) => {
      calls.push('result')
      return own.readResult(job, signal)
    },
    cancel: (job, signal) => {
      calls.push('cancel')
      return own.cancel(job, signal)
    },
  }
  return { calls, protocol: noted }
}

/** A second takes 1 ms. */
export const limits = (signal = new AbortController().signal) => ({ signal, timeScale: 1_000 })
