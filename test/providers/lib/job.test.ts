import { describe, expect, it } from 'vitest'
import { type JobProtocol, readPatiently, runJob } from '#providers/lib/job.ts'
import { networkError, providerError, unreadableAnswer } from '#providers/lib/provider-failure.ts'
import { providerErrorOf } from './adapter-fixtures.ts'

interface Job {
  readonly id: string
  readonly looks: number
}

const lostConnection = () =>
  networkError('P', { headers: {}, networkCode: 'ECONNRESET', requestLeft: true })
const answered = (status: number) =>
  providerError(
    'P',
    { kind: 'overloaded', workMayExist: false },
    { status, headers: {}, requestLeft: true },
  )

/** Rejects once the signal is aborted, as a fetch does. */
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(lostConnection()), { once: true })
  })

const protocol = (changes: Partial<JobProtocol<Job>> = {}) => {
  const calls: string[] = []
  const own: JobProtocol<Job> = {
    providerName: 'P',
    create: async () => ({ id: 'j', looks: 0 }),
    poll: async ({ id, looks }) => ({ id, looks: looks + 1 }),
    isFinal: ({ looks }) => looks >= 3,
    cancel: async () => false,
    idOf: ({ id }) => id,
    ...changes,
  }
  const noted: JobProtocol<Job> = {
    ...own,
    create: (signal) => {
      calls.push('create')
      return own.create(signal)
    },
    poll: (job, signal) => {
      calls.push('poll')
      return own.poll(job, signal)
    },
    cancel: (job, signal) => {
      calls.push('cancel')
      return own.cancel(job, signal)
    },
  }
  return { calls, protocol: noted }
}

const limits = (signal = new AbortController().signal) => ({ signal, timeScale: 1_000 })

describe('runJob', () => {
  it('creates once and looks until the job is final', async () => {
    const { calls, protocol: job } = protocol()
    expect(await runJob(job, limits())).toEqual({ id: 'j', looks: 3 })
    expect(calls).toEqual(['create', 'poll', 'poll', 'poll'])
  })

  it('sends nothing when it is aborted beforehand', async () => {
    const { calls, protocol: job } = protocol()
    const { details } = await providerErrorOf(runJob(job, limits(AbortSignal.abort())))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: false })
    expect(calls).toEqual([])
  })

  it('looks again after lost connections, 5xx, 429 and unreadable answers', async () => {
    const troubles = [lostConnection(), answered(503), answered(429), unreadableAnswer('P', true)]
    const { calls, protocol: job } = protocol({
      poll: async () => {
        const trouble = troubles.shift()
        if (trouble) throw trouble
        return { id: 'j', looks: 3 }
      },
    })
    expect(await runJob(job, limits())).toEqual({ id: 'j', looks: 3 })
    expect(calls.filter((call) => call === 'create')).toHaveLength(1)
    expect(calls.filter((call) => call === 'poll')).toHaveLength(5)
  })

  it('gives up on an answer that looking again does not change, and says that work may exist', async () => {
    const { calls, protocol: job } = protocol({ poll: () => Promise.reject(answered(401)) })
    expect((await providerErrorOf(runJob(job, limits()))).details).toMatchObject({
      workMayExist: true,
      providerRequestId: 'j',
      upstreamStatus: 401,
    })
    expect(calls).toEqual(['create', 'poll'])
  })

  it('gives up after the fourth unreadable answer', async () => {
    const { calls, protocol: job } = protocol({
      poll: () => Promise.reject(unreadableAnswer('P', true)),
    })
    expect((await providerErrorOf(runJob(job, limits()))).kind).toBe('bad_response')
    expect(calls).toEqual(['create', 'poll', 'poll', 'poll', 'poll'])
  })

  it.each([
    ['may not exist', async () => false, false],
    ['may exist', async () => true, true],
    ['may exist when the cancel fails', () => Promise.reject(lostConnection()), true],
    [
      'may exist when the cancel is not answered',
      (_job: Job, signal: AbortSignal) => untilAborted(signal),
      true,
    ],
  ])('cancels the job when it is aborted; work %s', async (_name, cancel, workMayExist) => {
    const controller = new AbortController()
    const { calls, protocol: job } = protocol({
      isFinal: () => false,
      poll: async (state) => {
        controller.abort()
        return state
      },
      cancel,
    })
    const { details } = await providerErrorOf(runJob(job, limits(controller.signal)))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist, providerRequestId: 'j' })
    expect(calls).toEqual(['create', 'poll', 'cancel'])
  })

  it('cancels when it is aborted inside a look', async () => {
    const controller = new AbortController()
    const { calls, protocol: job } = protocol({
      poll: (_job, signal) => {
        setImmediate(() => controller.abort())
        return untilAborted(signal)
      },
    })
    expect((await providerErrorOf(runJob(job, limits(controller.signal)))).kind).toBe('cancelled')
    expect(calls).toEqual(['create', 'poll', 'cancel'])
  })

  it('waits for the id of a create that is under way, to cancel that job', async () => {
    const controller = new AbortController()
    const { calls, protocol: job } = protocol({
      create: async () => {
        controller.abort()
        return { id: 'late', looks: 0 }
      },
    })
    expect((await providerErrorOf(runJob(job, limits(controller.signal)))).details).toMatchObject({
      kind: 'cancelled',
      workMayExist: false,
      providerRequestId: 'late',
    })
    expect(calls).toEqual(['create', 'cancel'])
  })

  it('gives up a create that does not answer within the grace time', async () => {
    const controller = new AbortController()
    const { calls, protocol: job } = protocol({
      create: (signal) => {
        setImmediate(() => controller.abort())
        return untilAborted(signal)
      },
    })
    const { details } = await providerErrorOf(runJob(job, limits(controller.signal)))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(calls).toEqual(['create'])
  })

  it('passes on why the create failed', async () => {
    const { protocol: job } = protocol({ create: () => Promise.reject(answered(503)) })
    expect((await providerErrorOf(runJob(job, limits()))).details).toMatchObject({
      kind: 'overloaded',
      workMayExist: false,
    })
  })
})

describe('readPatiently', () => {
  it('ends a read that hangs and reads again', async () => {
    let reads = 0
    const read = (signal: AbortSignal) => {
      reads += 1
      return reads === 1 ? untilAborted(signal) : Promise.resolve('done')
    }
    expect(await readPatiently(read, limits())).toBe('done')
    expect(reads).toBe(2)
  })
})
