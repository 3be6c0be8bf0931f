import { expect, it } from 'vitest'
import type { ProviderCall } from '#src/domain/provider-adapter.ts'
import type { AnswerFault, Scenario } from '#test/emulators/scenario.ts'
import { providerErrorOf } from '#test/providers/lib/adapter-fixtures.ts'
import {
  ABORT_BOUND_MS,
  type AdapterBench,
  abortAfterCreate,
  abortDuring,
  ENDLESS_WORK,
  LOOKS,
  timeIsUp,
} from './adapter-bench.ts'

/** Faults of one answer that say nothing of the job. */
const PASSING: readonly AnswerFault[] = [
  'reset_before_answer',
  'reset_inside_answer',
  'server_error',
  'stalled_error',
  'unavailable',
  'gateway_timeout',
  'rate_limited',
]

/** What every adapter has to do whose provider has jobs, which can be looked at and cancelled. */
export const describeJobs = (bench: AdapterBench): void => {
  describeNews(bench)
  describeLooks(bench)
  describeCancels(bench)
  describeLateResults(bench)
}

const describeNews = (bench: AdapterBench): void => {
  it('tells of the job once, before it looks at it', async () => {
    const told: unknown[] = []
    const onJob: ProviderCall['onJob'] = (job) => told.push([job, bench.emulator().count('poll')])
    const answer = await bench.generate({ onJob })
    expect(told).toEqual([[{ id: answer.providerRequestId }, 0]])
    expect(bench.emulator().calls[0]?.jobId).toBe(answer.providerRequestId)
  })

  it('makes the image although the listener throws', async () => {
    const onJob = () => {
      throw new Error('the listener is broken')
    }
    expect((await bench.generate({ onJob })).images).toHaveLength(1)
    expect(bench.emulator().count('create')).toBe(1)
  })

  it('tells of no job that was not accepted', async () => {
    const told: unknown[] = []
    bench.emulator().setScenario({ always: 'unavailable' })
    await providerErrorOf(bench.generate({ onJob: (job) => told.push(job) }))
    expect(told).toEqual([])
  })

  it('tells of a job too that turns up after the abort', async () => {
    const told: unknown[] = []
    const controller = new AbortController()
    bench.emulator().setScenario(ENDLESS_WORK)
    const onJob: ProviderCall['onJob'] = (job) => told.push(job)
    const ended = providerErrorOf(bench.generate({ onJob, signal: controller.signal }))
    controller.abort()
    const { details } = await ended
    const isKnown = bench.emulator().count('create') === 1
    expect(told).toEqual(isKnown ? [{ id: details.providerRequestId }] : [])
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })
}

const describeLooks = (bench: AdapterBench): void => {
  it.each<AnswerFault>([...PASSING, 'malformed_body', 'truncated_body', 'hang'])(
    'looks again after %s of a poll, with one create',
    async (fault) => {
      bench.emulator().setScenario({
        latency: { p50Ms: 1_500, p95Ms: 1_501 },
        nextAt: { poll: [fault, fault] },
      })
      expect((await bench.generate()).images).toHaveLength(1)
      expect(bench.emulator().count('create')).toBe(1)
      expect(bench.emulator().count('poll')).toBeGreaterThanOrEqual(3)
      expect(bench.emulator().jobsLeftRunning()).toBe(0)
    },
  )

  it('does not leave a job running when its looks stay unreadable', async () => {
    const unreadable = Array.from({ length: 4 }, () => 'malformed_body' as const)
    bench.emulator().setScenario({ ...ENDLESS_WORK, nextAt: { poll: unreadable } })
    const { details } = await providerErrorOf(bench.generate())
    expect(details).toMatchObject({ kind: 'bad_response', workMayExist: true })
    expect(bench.emulator().count('cancel')).toBe(1)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })
}

const describeCancels = (bench: AdapterBench): void => {
  it('says that no work exists when a job was cancelled in the queue', async () => {
    bench.emulator().setScenario({ queueMs: 400_000 })
    const { details } = await abortAfterCreate(bench, LOOKS)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: false })
    expect(details.providerRequestId).toMatch(/\w/)
    expect(bench.emulator().count('cancel')).toBe(1)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })

  it('does not call a job free that began after it was last seen', async () => {
    bench.emulator().setScenario({ ...ENDLESS_WORK, nextAt: { poll: ['hang'] } })
    const { details } = await abortAfterCreate(bench, 1)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })

  // The least limit on a cancel is the least limit on a stalled body: in scaled time there is no second try.
  it.each(PASSING.filter((fault) => fault !== 'stalled_error'))(
    'sends a cancel again after %s, so that no job is left',
    async (fault) => {
      bench.emulator().setScenario({ queueMs: 400_000, nextAt: { cancel: [fault] } })
      const { details, elapsedMs } = await abortAfterCreate(bench, LOOKS)
      expect(details).toMatchObject({ kind: 'cancelled', workMayExist: false })
      expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
      expect(bench.emulator().count('cancel')).toBe(2)
      expect(bench.emulator().jobsLeftRunning()).toBe(0)
    },
  )

  it('ends in bounds when the cancel is never answered', async () => {
    bench.emulator().setScenario({ ...ENDLESS_WORK, nextAt: { cancel: ['hang'] } })
    const { details, elapsedMs } = await abortAfterCreate(bench, LOOKS)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
  })
}

/** A job that is done, which the adapter does not know yet: its first look is not answered. */
const UNSEEN_END: Scenario = { nextAt: { poll: ['hang'] } }

const describeLateResults = (bench: AdapterBench): void => {
  it('hands the answer over when the job is done before the abort', async () => {
    const controller = new AbortController()
    expect((await bench.generate({ signal: controller.signal })).images).toHaveLength(1)
    controller.abort()
    expect(bench.emulator().count('cancel')).toBe(0)
  })

  it('hands over what had been finished when the time is up', async () => {
    bench.emulator().setScenario(UNSEEN_END)
    const { result, elapsedMs } = await abortDuring(bench, 1, (answer) => answer, timeIsUp())
    expect(result.images).toHaveLength(1)
    expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
    expect(bench.emulator().count('create')).toBe(1)
    expect(bench.emulator().count('cancel')).toBe(1)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })

  it('says why the job had failed when the time is up', async () => {
    bench.emulator().setScenario({ ...UNSEEN_END, always: 'refusal' })
    const { details } = await abortAfterCreate(bench, 1, timeIsUp())
    expect(details).toMatchObject({ kind: 'content_rejected', workMayExist: true })
  })

  it('reads no result for a client that left', async () => {
    bench.emulator().setScenario(UNSEEN_END)
    const { details } = await abortAfterCreate(bench, 1)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(bench.emulator().count('cancel')).toBe(1)
    expect(bench.emulator().count('result')).toBe(0)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })
}
