import { describe, expect, it } from 'vitest'
import { type CancelFinding, type JobLimits, runJob } from '#providers/lib/job.ts'
import { unreadableAnswer } from '#providers/lib/provider-failure.ts'
import { providerErrorOf } from './adapter-fixtures.ts'
import {
  answered,
  type Job,
  limits,
  lostConnection,
  type Protocol,
  protocol,
  STOPPED,
  untilAborted,
} from './job-fixtures.ts'

const ENDED: CancelFinding<Job> = { kind: 'ended', job: { id: 'j', looks: 3 } }

const untilSignal = (_job: Job, signal: AbortSignal) => untilAborted(signal)

const run = (job: Protocol, limits: JobLimits, onCreated = (_job: Job): void => {}) =>
  runJob(job, { create: job.create, onCreated }, limits)

const timeIsUp = (): DOMException => new DOMException('The time is up', 'TimeoutError')

/** A job that is never seen to end, given up at its first look. */
const givenUpAtFirstLook = (changes: Partial<Protocol>, reason?: unknown) => {
  const controller = new AbortController()
  const made = protocol({
    isFinal: () => false,
    poll: async (state) => {
      controller.abort(reason)
      return state
    },
    ...changes,
  })
  return { ...made, ended: run(made.protocol, limits(controller.signal)) }
}

/** Throws the troubles one after another, then answers. */
const troubledThen = <T>(troubles: readonly Error[], answer: T) => {
  const left = [...troubles]
  return async (): Promise<T> => {
    const trouble = left.shift()
    if (trouble) throw trouble
    return answer
  }
}

describe('runJob', () => {
  it('creates once, looks until the job is final and reads its result', async () => {
    const { calls, protocol: job } = protocol()
    expect(await run(job, limits())).toBe('j after 3 looks')
    expect(calls).toEqual(['create', 'poll', 'poll', 'poll', 'result'])
  })

  it('sends nothing when it is aborted beforehand', async () => {
    const { calls, protocol: job } = protocol()
    const { details } = await providerErrorOf(run(job, limits(AbortSignal.abort())))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: false })
    expect(calls).toEqual([])
  })

  it('looks again after lost connections, 5xx, 429 and unreadable answers', async () => {
    const troubles = [lostConnection(), answered(503), answered(429), unreadableAnswer('P', true)]
    const { calls, protocol: job } = protocol({
      poll: troubledThen(troubles, { id: 'j', looks: 3 }),
    })
    expect(await run(job, limits())).toBe('j after 3 looks')
    expect(calls.filter((call) => call === 'create')).toHaveLength(1)
    expect(calls.filter((call) => call === 'poll')).toHaveLength(5)
  })

  it.each([401, 403, 404])(
    'cancels a job that it is not shown any more, by a %i',
    async (status) => {
      const { calls, protocol: job } = protocol({
        poll: () => Promise.reject(answered(status)),
        cancel: async () => ({ kind: 'stopped', hadBegun: true }),
      })
      expect((await providerErrorOf(run(job, limits()))).details).toMatchObject({
        workMayExist: true,
        providerRequestId: 'j',
        upstreamStatus: status,
      })
      expect(calls).toEqual(['create', 'poll', 'cancel'])
    },
  )

  it('cancels a job after the fourth unreadable look, in bounds', async () => {
    const { calls, protocol: job } = protocol({
      poll: () => Promise.reject(unreadableAnswer('P', true)),
      cancel: (_job, signal) => untilAborted(signal),
    })
    const { details } = await providerErrorOf(run(job, limits()))
    expect(details).toMatchObject({ kind: 'bad_response', workMayExist: true })
    expect(calls).toEqual(['create', 'poll', 'poll', 'poll', 'poll', 'cancel'])
  })

  it('returns the result of a job that is no more shown but had ended', async () => {
    const { calls, protocol: job } = protocol({
      poll: () => Promise.reject(answered(404)),
      cancel: async () => ENDED,
    })
    expect(await run(job, limits())).toBe('j after 3 looks')
    expect(calls).toEqual(['create', 'poll', 'cancel', 'result'])
  })

  it.each([
    ['may not exist', async () => STOPPED, false],
    ['may exist when it had begun', async () => ({ ...STOPPED, hadBegun: true }), true],
    ['may exist when the job is not known', () => Promise.reject(answered(404)), true],
    ['may exist when the cancel is never answered', untilSignal, true],
  ])('cancels the job when it is aborted; work %s', async (_name, cancel, workMayExist) => {
    const { calls, ended } = givenUpAtFirstLook({ cancel })
    const { details } = await providerErrorOf(ended)
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
    expect((await providerErrorOf(run(job, limits(controller.signal)))).kind).toBe('cancelled')
    expect(calls).toEqual(['create', 'poll', 'cancel'])
  })

  it('sends a cancel again that got lost', async () => {
    const cancel = troubledThen([lostConnection(), answered(503), answered(429)], STOPPED)
    const { calls, ended } = givenUpAtFirstLook({ cancel })
    expect((await providerErrorOf(ended)).details).toMatchObject({ workMayExist: false })
    expect(calls).toEqual(['create', 'poll', 'cancel', 'cancel', 'cancel', 'cancel'])
  })

  it('returns the result of a job that had ended when the time was up', async () => {
    const { calls, ended } = givenUpAtFirstLook({ cancel: async () => ENDED }, timeIsUp())
    expect(await ended).toBe('j after 3 looks')
    expect(calls).toEqual(['create', 'poll', 'cancel', 'result'])
  })

  it('rejects with what a job had failed with when the time was up', async () => {
    const readResult = async () => () => {
      throw answered(422)
    }
    const { ended } = givenUpAtFirstLook({ cancel: async () => ENDED, readResult }, timeIsUp())
    expect((await providerErrorOf(ended)).details).toMatchObject({ upstreamStatus: 422 })
  })

  it('reads no result for a client that left', async () => {
    const { calls, ended } = givenUpAtFirstLook({ cancel: async () => ENDED })
    expect((await providerErrorOf(ended)).details).toMatchObject({
      kind: 'cancelled',
      workMayExist: true,
    })
    expect(calls).toEqual(['create', 'poll', 'cancel'])
  })

  it('gives up in bounds a result that never comes after the time was up', async () => {
    const { ended } = givenUpAtFirstLook(
      { cancel: async () => ENDED, readResult: untilSignal },
      timeIsUp(),
    )
    expect((await providerErrorOf(ended)).details).toMatchObject({
      kind: 'cancelled',
      workMayExist: true,
    })
  })

  it('goes on reading a result for which the time is up, without a cancel', async () => {
    const controller = new AbortController()
    const read = troubledThen([lostConnection()], () => 'the result')
    const { calls, protocol: job } = protocol({
      readResult: () => {
        controller.abort(timeIsUp())
        return read()
      },
    })
    expect(await run(job, limits(controller.signal))).toBe('the result')
    expect(calls).toEqual(['create', 'poll', 'poll', 'poll', 'result', 'result'])
  })

  it('waits for the id of a create that is under way, to cancel that job', async () => {
    const controller = new AbortController()
    const { calls, protocol: job } = protocol({
      create: async () => {
        controller.abort()
        return { id: 'late', looks: 0 }
      },
    })
    expect((await providerErrorOf(run(job, limits(controller.signal)))).details).toMatchObject({
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
    const { details } = await providerErrorOf(run(job, limits(controller.signal)))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(calls).toEqual(['create'])
  })

  it('passes on why the create failed', async () => {
    const { protocol: job } = protocol({ create: () => Promise.reject(answered(503)) })
    expect((await providerErrorOf(run(job, limits()))).details).toMatchObject({
      kind: 'overloaded',
      workMayExist: false,
    })
  })

  it('puts up with any fault of a result that is there, and in the end says that it exists', async () => {
    const troubles = [401, 403, 503, 429, 404].map(answered)
    const { protocol: job } = protocol({ readResult: troubledThen(troubles, () => 'the result') })
    expect(await run(job, limits())).toBe('the result')
    const { calls, protocol: other } = protocol({
      readResult: () => Promise.reject(answered(401)),
    })
    expect((await providerErrorOf(run(other, limits()))).details).toMatchObject({
      workMayExist: true,
      providerRequestId: 'j',
    })
    expect(calls.filter((call) => call === 'result')).toHaveLength(4)
    expect(calls).not.toContain('cancel')
  })

  it('does not read again what the job itself has failed with', async () => {
    const readResult = async () => () => {
      throw answered(503)
    }
    const { calls, protocol: job } = protocol({ readResult })
    expect((await providerErrorOf(run(job, limits()))).details).toMatchObject({
      workMayExist: false,
    })
    expect(calls).toEqual(['create', 'poll', 'poll', 'poll', 'result'])
  })

  it('tells of the job as soon as the create is answered', async () => {
    const told: unknown[] = []
    const { calls, protocol: job } = protocol()
    await run(job, limits(), (created) => told.push([created, ...calls]))
    expect(told).toEqual([[{ id: 'j', looks: 0 }, 'create']])
  })
})
