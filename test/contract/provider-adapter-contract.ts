import { describe, expect, it } from 'vitest'
import { inPieces } from '#src/bytes/pieces.ts'
import { ProviderError } from '#src/domain/errors.ts'
import type { Fault } from '#test/emulators/scenario.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  providerCall,
  providerDependencies,
  providerErrorOf,
} from '#test/providers/lib/adapter-fixtures.ts'
import { inputPictures } from '#test/providers/lib/input-pictures.ts'
import {
  ABORT_BOUND_MS,
  type AdapterBench,
  type AdapterUnderContract,
  abortAfterCreate,
  createAdapterBench,
  ENDLESS_WORK,
  type ExpectedFailure,
  LOOKS,
  PROMPT,
  TIME_SCALE,
} from './adapter-bench.ts'
import { describeAdoption } from './adoption-contract.ts'
import { describeJobs } from './job-contract.ts'
import { describePreviews } from './preview-contract.ts'

/** Faults of a create after which a job runs whose id was lost on the way: nobody can cancel it. */
const LOST_ID: readonly Fault[] = [
  'reset_before_answer',
  'reset_inside_answer',
  'malformed_body',
  'truncated_body',
]

/** What every adapter has to do, whatever the provider. */
export const describeProviderAdapter = (subject: AdapterUnderContract): void => {
  describe(`the ${subject.id} adapter under the contract`, () => {
    const bench = createAdapterBench(subject)
    describeSuccess(subject, bench)
    describeFailures(subject, bench)
    describeAbort(subject, bench)
    describePreviews(subject, bench)
    if (subject.hasJobs) {
      describeJobs(bench)
      describeAdoption(subject, bench)
    } else describeNoJobs(bench)
  })
}

const describeSuccess = (subject: AdapterUnderContract, bench: AdapterBench): void => {
  it('makes an image from text with one create', async () => {
    const answer = await bench.generate()
    expect(answer.images).toHaveLength(1)
    expect(answer.providerRequestId).toMatch(/\w/)
    expect(bench.emulator().count('create')).toBe(1)
  })

  it.each([1, 2, 14])('edits %i images with one create', async (count) => {
    const pictures = await inputPictures(count)
    const images = pictures.map((bytes) => ({
      ...subject.imageField,
      role: 'image' as const,
      mediaType: 'image/png',
      bytes: inPieces([bytes]),
    }))
    const input = { ...subject.edit.input, prompt: PROMPT }
    const answer = await bench.generate({ ...subject.edit, input, images })
    expect(answer.images).toHaveLength(1)
    expect(bench.emulator().count('create')).toBe(1)
  })

  it.each(subject.harmless)('gets over %s with one create', async (fault) => {
    bench.emulator().setScenario({ next: [fault] })
    expect((await bench.generate()).images.length).toBeGreaterThan(0)
    expect(bench.emulator().count('create')).toBe(1)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })
}

const describeFailures = (subject: AdapterUnderContract, bench: AdapterBench): void => {
  const failures = Object.entries(subject.failures) as [Fault, ExpectedFailure][]

  it.each(failures)('answers %s with one create and %j', async (fault, expected) => {
    bench.emulator().setScenario({ always: fault, retryAfterMs: 26_000 })
    const { details } = await providerErrorOf(bench.generate())
    const { kind, workMayExist, retryAfterMs } = details
    expect({ kind, workMayExist, retryAfterMs }).toEqual({ retryAfterMs: undefined, ...expected })
    expect(bench.emulator().count('create')).toBe(1)
    const isLost = subject.hasJobs && LOST_ID.includes(fault)
    expect(bench.emulator().jobsLeftRunning()).toBe(isLost ? 1 : 0)
    for (const secret of bench.secrets()) expect(details.publicMessage).not.toContain(secret)
  })

  it('says that nothing left when nobody listens', async () => {
    const gone = await startEmulators({ timeScale: TIME_SCALE, only: [subject.id] })
    await gone.close()
    const adapter = subject.module.create(gone.environment, providerDependencies(TIME_SCALE))
    const { details } = await providerErrorOf(adapter.generate(providerCall(subject.generate)))
    expect(details).toMatchObject({ kind: 'network', workMayExist: false })
  })

  it('rejects nonsense with a ProviderError too', async () => {
    const nonsense = { input: { prompt: null, tools: 7, imageConfig: 'wide' } }
    const error = await bench.generate(nonsense).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (error !== undefined) expect(error).toBeInstanceOf(ProviderError)
    expect(bench.emulator().count('create')).toBeLessThanOrEqual(1)
  })
}

const describeNoJobs = (bench: AdapterBench): void => {
  it('has no jobs to tell of or to adopt', async () => {
    const jobs: unknown[] = []
    await bench.generate({ onJob: (job) => jobs.push(job) })
    expect([jobs, bench.canAdopt()]).toEqual([[], false])
  })
}

const describeAbort = (subject: AdapterUnderContract, bench: AdapterBench): void => {
  it('sends nothing when it is aborted beforehand', async () => {
    const { details } = await providerErrorOf(bench.generate({ signal: AbortSignal.abort() }))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: false })
    expect(bench.emulator().calls).toHaveLength(0)
  })

  it.each(subject.endless)('ends %s by an abort, with one create', async (fault) => {
    bench.emulator().setScenario({ always: fault })
    const looks = subject.hasJobs && fault !== 'hang_at_create' ? LOOKS : 0
    const { details, elapsedMs } = await abortAfterCreate(bench, looks)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
    expect(bench.emulator().count('create')).toBe(1)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })

  it('rejects soon when it is aborted during the work, saying that it may exist', async () => {
    bench.emulator().setScenario(ENDLESS_WORK)
    const { details, elapsedMs } = await abortAfterCreate(bench, subject.hasJobs ? LOOKS : 0)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
    expect(bench.emulator().count('create')).toBe(1)
    expect(bench.emulator().count('cancel')).toBe(subject.hasJobs ? 1 : 0)
    expect(bench.emulator().jobsLeftRunning()).toBe(0)
  })

  it('is not held by an error whose body never ends', async () => {
    bench.emulator().setScenario({ always: 'stalled_error' })
    const startedAtMs = performance.now()
    const { details } = await providerErrorOf(bench.generate())
    expect(details).toMatchObject({ kind: 'overloaded', upstreamStatus: 500 })
    expect(performance.now() - startedAtMs).toBeLessThan(ABORT_BOUND_MS)
  })
}
