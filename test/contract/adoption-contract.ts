import { describe, expect, it } from 'vitest'
import type { Fault, Scenario } from '#test/emulators/scenario.ts'
import { providerErrorOf } from '#test/providers/lib/adapter-fixtures.ts'
import {
  ABORT_BOUND_MS,
  type AdapterBench,
  type AdapterUnderContract,
  abortAfterCreate,
  abortDuring,
  type Begin,
  ENDLESS_WORK,
  type ExpectedFailure,
  LOOKS,
  timeIsUp,
} from './adapter-bench.ts'

/** What every adapter does with a job that another process created. The one create is always that process's. */
export const describeAdoption = (subject: AdapterUnderContract, bench: AdapterBench): void => {
  describe('adopting a job', () => {
    describeEnds(subject, bench)
    describeUnknownJobs(bench)
    describeGivingUp(bench)
  })
}

const leftUnder = async (bench: AdapterBench, scenario: Scenario) => {
  bench.emulator().setScenario(scenario)
  const job = await bench.leftBehind()
  expect(bench.emulator().count('create')).toBe(1)
  return job
}

const describeEnds = (subject: AdapterUnderContract, bench: AdapterBench): void => {
  it.each<[string, Scenario]>([
    ['is finished', {}],
    ['still runs', { latency: { p50Ms: 8_000, p95Ms: 8_001 } }],
    ['still waits', { queueMs: 4_000, latency: { p50Ms: 4_000, p95Ms: 4_001 } }],
  ])('reads the result of one that %s, without a create', async (_name, scenario) => {
    const job = await leftUnder(bench, scenario)
    const answer = await bench.adopt(job)
    expect(answer.images).toHaveLength(1)
    expect(answer.providerRequestId).toBe(job.id)
    expect(answer).not.toHaveProperty('revisedPrompt')
    expect(bench.emulator().count('create')).toBe(1)
    expect(bench.emulator().count('cancel')).toBe(0)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })

  it('looks again after lost connections and errors that pass', async () => {
    const poll = ['reset_before_answer', 'unavailable', 'malformed_body', 'hang'] as const
    const job = await leftUnder(bench, { nextAt: { poll } })
    expect((await bench.adopt(job)).images).toHaveLength(1)
    expect(bench.emulator().count('poll')).toBe(5)
    expect(bench.emulator().count('create')).toBe(1)
  })

  const failures = Object.entries(subject.failures) as [Fault, ExpectedFailure][]
  const ofJobs = failures.filter(([fault]) => /^(job_failed|refusal|no_image|empty)/.test(fault))

  it.each(ofJobs)('says of %s what generate says: %j', async (fault, expected) => {
    const job = await leftUnder(bench, { always: fault })
    const { details } = await providerErrorOf(bench.adopt(job))
    expect(details).toMatchObject({ ...expected, providerRequestId: job.id })
    expect(bench.emulator().count('create')).toBe(1)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
    for (const secret of bench.secrets()) expect(details.publicMessage).not.toContain(secret)
  })
}

const describeUnknownJobs = (bench: AdapterBench): void => {
  it('says of one that is not known any more that its work may exist', async () => {
    const { details } = await providerErrorOf(bench.adopt({ id: 'long-forgotten' }))
    expect(details).toMatchObject({
      kind: 'bad_response',
      workMayExist: true,
      upstreamStatus: 404,
      providerRequestId: 'long-forgotten',
    })
    expect(bench.emulator().count('create')).toBe(0)
  })

  it.each(['', '../other', 'a/b?c', 'x'.repeat(200)])(
    'asks for no job that cannot exist: %j',
    async (id) => {
      const { details } = await providerErrorOf(bench.adopt({ id }))
      expect(details).toMatchObject({ kind: 'bad_response', workMayExist: true })
      expect(bench.emulator().calls).toEqual([])
    },
  )
}

const describeGivingUp = (bench: AdapterBench): void => {
  const adopting = async (scenario: Scenario): Promise<Begin> => {
    const job = await leftUnder(bench, scenario)
    return (signal) => bench.adopt(job, { signal })
  }

  it.each<[string, Scenario, boolean]>([
    ['waits: no work exists', { queueMs: 400_000 }, false],
    ['runs: work may exist', ENDLESS_WORK, true],
  ])('cancels one by an abort that still %s', async (_name, scenario, workMayExist) => {
    const begin = await adopting(scenario)
    const { details, elapsedMs } = await abortAfterCreate(bench, LOOKS, undefined, begin)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist })
    expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
    expect(bench.emulator().count('cancel')).toBe(1)
    expect(bench.emulator().count('create')).toBe(1)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })

  it('cancels one too when it is aborted beforehand', async () => {
    const job = await leftUnder(bench, ENDLESS_WORK)
    const { details } = await providerErrorOf(bench.adopt(job, { signal: AbortSignal.abort() }))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(bench.emulator().count('cancel')).toBe(1)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })

  it('hands over what had been finished when the time is up', async () => {
    const begin = await adopting({ nextAt: { poll: ['hang'] } })
    const { result } = await abortDuring(bench, 1, (answer) => answer, timeIsUp(), begin)
    expect(result.images).toHaveLength(1)
    expect(bench.emulator().count('create')).toBe(1)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })
}
