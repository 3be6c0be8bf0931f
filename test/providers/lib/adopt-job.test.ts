import { describe, expect, it } from 'vitest'
import { adoptJob } from '#providers/lib/job.ts'
import { providerErrorOf } from './adapter-fixtures.ts'
import { answered, type Job, limits, protocol } from './job-fixtures.ts'

describe('adoptJob', () => {
  const FOUND: Job = { id: 'j', looks: 0 }

  it('looks without delay, goes on until the job is final and reads its result', async () => {
    const { calls, protocol: job } = protocol()
    const slow = { ...limits(), timeScale: 100 }
    const first = protocol({ isFinal: ({ looks }) => looks === 1 })
    const startedAtMs = performance.now()
    // At this scale the usual first wait is half an hour.
    const unscaled = { ...slow, timeScale: 1 / 3_600 }
    expect(await adoptJob(first.protocol, FOUND, unscaled)).toBe('j after 1 looks')
    expect(performance.now() - startedAtMs).toBeLessThan(1_000)
    expect(await adoptJob(job, FOUND, slow)).toBe('j after 3 looks')
    expect(calls).toEqual(['poll', 'poll', 'poll', 'result'])
  })

  it('cancels a job that is not known any more, and says that it may exist', async () => {
    const { calls, protocol: job } = protocol({
      poll: () => Promise.reject(answered(404)),
      cancel: () => Promise.reject(answered(404)),
    })
    expect((await providerErrorOf(adoptJob(job, FOUND, limits()))).details).toMatchObject({
      workMayExist: true,
      providerRequestId: 'j',
      upstreamStatus: 404,
    })
    expect(calls).toEqual(['poll', 'cancel'])
  })

  it('cancels the job without a look when it is aborted beforehand', async () => {
    const { calls, protocol: job } = protocol()
    const { details } = await providerErrorOf(adoptJob(job, FOUND, limits(AbortSignal.abort())))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: false })
    expect(calls).toEqual(['cancel'])
  })
})
